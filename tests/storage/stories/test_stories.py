"""Stories that people write: kept with whose accounts they are of, edited in the open, purged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from collectors.x.declaration import X
from storage.accounts.lookup import list_called
from storage.accounts.watch_lists import make_list, put_accounts_on
from storage.model.core.accounts import Account
from storage.model.stories.stories import (
    MOST_CAPTIONS,
    StoryFault,
    StoryHead,
    WrittenStory,
)
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from storage.stories.stories import (
    add_caption,
    change_caption,
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


async def test_a_story_keeps_whose_it_is_whatever_becomes_of_the_list(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one, two), _ = await written(conn)
        head = replace(HEAD, list_id=await list_called(conn, "Desk"))
        kept = await write_story(conn, head, LATE, "ada", NOW)
        (three,) = await enlist(conn, X, ["3"], ("Desk",))
        again = await change_story(conn, kept.story_id, replace(head, title="Other"), "bob", minutes(201))
        await make_list(conn, "Later", "ada", NOW)
        later = await list_called(conn, "Later")
        await put_accounts_on(conn, "Later", [three.account_id], "ada", NOW)
        moved = await change_story(conn, kept.story_id, replace(head, list_id=later), "bob", minutes(202))

    assert (kept.list_name, kept.account_ids) == ("Desk", (one.account_id, two.account_id))
    assert (again.head.title, again.account_ids) == ("Other", kept.account_ids)
    assert (moved.list_name, moved.account_ids) == ("Later", (three.account_id,))
    assert (moved.version, moved.written_by, moved.changed_by) == (3, "ada", "bob")


async def test_captions_stand_by_their_moments_and_every_edit_is_on_record_without_its_words(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        _, kept = await written(conn)
        number = kept.story_id
        await add_caption(conn, number, minutes(60), "6 pm: all back", "ada", minutes(201))
        two = await add_caption(conn, number, minutes(10), "first blocks", "bob", minutes(202))
        early, late = two.captions
        three = await change_caption(conn, late.caption_id, minutes(61), "all back", "bob", minutes(203))
        same = await change_caption(conn, late.caption_id, minutes(61), "all back", "bob", minutes(204))
        four = await remove_caption(conn, early.caption_id, "ada", minutes(205))
        await remove_story(conn, number, "ada", minutes(206))
        assert await story(conn, number) is None
        assert await conn.fetchval("select count(*) from written_caption") == 0
        logged = [(a.actor, a.action, a.subject) for a in await acts(conn, 9)]
        told = await conn.fetchval("select string_agg(detail::text, ' ') from audit_log")

    assert [(c.at, c.text) for c in three.captions] == [
        (minutes(10), "first blocks"),
        (minutes(61), "all back"),
    ]
    assert [one.version for one in (kept, two, three, same, four)] == [1, 3, 4, 4, 5]
    assert logged == [
        ("ada", "story removed", f"story {number}"),
        ("ada", "caption removed", f"story {number}"),
        ("bob", "caption changed", f"story {number}"),
        ("bob", "caption added", f"story {number}"),
        ("ada", "caption added", f"story {number}"),
        ("ada", "story written", f"story {number}"),
    ]
    assert not any(word in told for word in ("back", "blocks"))


async def test_words_of_any_writing_are_taken(pool: Pool) -> None:
    hindi = "\u0915\u094d\u200d\u0937"  # with a joiner, which shows another form of the letters
    async with transaction(pool) as conn:
        _, kept = await written(conn, replace(HEAD, title=hindi))
        made = await add_caption(conn, kept.story_id, minutes(1), f"{hindi}\n{hindi}", "ada", NOW)
    assert (made.head.title, made.captions[0].text) == (hindi, f"{hindi}\n{hindi}")


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
