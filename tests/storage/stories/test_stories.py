"""Stories that people write: kept with whose accounts they are of, edited in the open, purged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from collectors.x.declaration import X
from storage.accounts.lookup import list_called
from storage.model.core.accounts import Account
from storage.model.stories.stories import (
    MOST_CAPTIONS,
    StoryFault,
    StoryHead,
    WrittenStory,
)
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from storage.stories.stories import (
    add_caption,
    change_story,
    remove_caption,
    remove_story,
    story,
    write_story,
)
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import enlist

LATE = timedelta(minutes=30)
NOW = minutes(200)
HEAD = StoryHead("All back", None, minutes(0), minutes(100))


async def written(conn: Conn, head: StoryHead = HEAD) -> tuple[list[Account], WrittenStory]:
    accounts = await enlist(conn, X, ["1", "2"], ("Desk",))
    return accounts, await write_story(conn, head, LATE, "ada", NOW)


async def test_a_story_has_so_many_captions_and_its_range_keeps_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        _, kept = await written(conn)
        for n in range(MOST_CAPTIONS):
            await add_caption(conn, kept.story_id, minutes(n), "text", "ada", NOW)
        with pytest.raises(Refused, match=StoryFault.MANY.value):
            await add_caption(conn, kept.story_id, minutes(99), "one more", "ada", NOW)
        with pytest.raises(Refused, match="outside the range"):
            await change_story(conn, kept.story_id, replace(HEAD, until=minutes(20)), "ada", NOW)


async def test_what_is_not_there_is_said(pool: Pool) -> None:
    async with transaction(pool) as conn:
        with pytest.raises(Refused, match=StoryFault.NOBODY.value):
            await write_story(conn, HEAD, LATE, "ada", NOW)
        with pytest.raises(Refused, match="There is no list 'Nowhere'; there are: none"):
            await list_called(conn, "Nowhere")
        for edit in (
            add_caption(conn, 9, minutes(1), "text", "ada", NOW),
            change_story(conn, 9, HEAD, "ada", NOW),
            remove_story(conn, 9, "ada", NOW),
        ):
            with pytest.raises(Refused, match="There is no story 9"):
                await edit
        with pytest.raises(Refused, match="There is no caption 9"):
            await remove_caption(conn, 9, "ada", NOW)


@pytest.mark.parametrize("whole", [False, True])
async def test_a_purge_takes_the_name_out_of_titles_and_captions(pool: Pool, *, whole: bool) -> None:
    async with transaction(pool) as conn:
        (one, two), kept = await written(conn, replace(HEAD, title="How @h1 came back"))
        await add_caption(conn, kept.story_id, minutes(5), "@H1, @h10 and @h2", "ada", NOW)
        purged = await purge_account(conn, one.account_id, minutes(300), whole=whole)
        told = await story(conn, kept.story_id)

    assert told is not None
    stands = f"purged-{one.account_id}" if whole else "1"
    assert (told.head.title, told.captions[0].text) == (
        f"How {stands} came back",
        f"{stands}, @h10 and @h2",
    )
    assert told.account_ids == ((two.account_id,) if whole else kept.account_ids)
    assert told.version > 2
    assert purged.handles == 3
