"""A story tells what is stated of why its accounts were blocked, as it was known at its moments."""

import json
from dataclasses import replace
from typing import Any

import pytest

from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.story_json import story_json
from dashboard.stories.words import causes_note
from storage.causes.ledger import correct_cause, record_cause, withdraw_cause
from storage.model.causes.causes import CauseSubject
from storage.model.stories.stories import StoryHead, View
from storage.postgres.pool import Pool, transaction
from storage.stories.stories import add_caption, write_story
from tests.dashboard.stories.test_standalone_html import HOSTILE, LATE, NOW, html, read, small
from tests.storage.causes.test_ledger import NOTICE, PAPER
from tests.storage.health.test_status_at import played as played_desk
from tests.support.clients.page_text import said
from tests.support.clients.report_text import Page
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, SUSPENDED, WITHHELD_IN, minutes
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, page_of

STATED = (
    "An order of a government (Section 69A IT Act), according to the platform's notice to the owner of "
    "1 Feb 2021, notice.eml; stated by the platform."
)
KNOWN_AT = minutes(80)


async def block_of(pool: Pool) -> tuple[int, CauseSubject]:
    """The number of the account that was withheld, and the change by which it was, as it is known now."""
    async with transaction(pool) as conn:
        account_id: int = await conn.fetchval("select account_id from account where native_id = '1'")
        change_id: int = await conn.fetchval(
            "select change_id from standing_change where account_id = $1 and kind = 'block'", account_id
        )
    return account_id, CauseSubject(change_id=change_id)


async def test_a_cause_is_told_beside_the_changes_that_it_explains_with_its_source(pool: Pool) -> None:
    await played_desk(pool)
    _, block = await block_of(pool)
    async with transaction(pool) as conn:
        await record_cause(conn, block, NOTICE, "ada", KNOWN_AT)
    story = await small(pool, View.AS_IT_WAS)
    found = await read(pool, story, NOW)
    page = Page(html(found))
    async with transaction(pool) as conn:
        shown = said(await page_of(conn, f"/stories/{story.story_id}", NOW, SETTINGS, "light"))

    assert page.tables["causes-1"].rows == page.tables["causes"].rows == [["1 account", STATED]]
    assert not {"causes-2", "causes-3", "causes-4"} & page.tables.keys()
    assert f"1 account {STATED}" in shown
    assert "Cause: not known" not in page.words + shown
    data: Any = json.loads(json.dumps(story_json(found)))
    (one,) = data["causes"]
    assert data["captions"][0]["causes"] == [one]
    assert (one["accounts"], one["cause"]["said_by"], one["cause"]["source"]) == (
        1,
        "platform notice",
        "notice.eml",
    )


async def test_as_known_then_a_moment_tells_no_cause_that_was_recorded_later(pool: Pool) -> None:
    await played_desk(pool)
    account_id, _ = await block_of(pool)
    async with transaction(pool) as conn:
        cause_id = await record_cause(conn, CauseSubject(account_id=account_id), NOTICE, "ada", minutes(150))
        await correct_cause(conn, cause_id, PAPER, "ada", minutes(200))
        pages: list[Page] = []
        for view in (View.AS_KNOWN_THEN, View.AS_IT_WAS):
            head = StoryHead("Back", None, minutes(-5), minutes(180), view)
            story = await write_story(conn, head, LATE, "ada", NOW)
            story = await add_caption(conn, story.story_id, minutes(21), "withheld", "ada", NOW)
            found = await read_story(conn, story.story_id, NOW, synthetic=False)
            assert isinstance(found, StoryRead)
            pages.append(Page(html(found)))
    then_known, now_known = pages

    assert [name for name in then_known.tables if name.startswith("causes")] == ["causes"]
    assert then_known.tables["causes"].rows == [["1 account", STATED]]
    assert [name for name in now_known.tables if name.startswith("causes")] == ["causes-1", "causes"]
    assert "according to the press (A paper)" in now_known.tables["causes-1"].rows[0][1]


async def test_what_is_recorded_after_its_knowledge_changes_nothing(pool: Pool) -> None:
    await played_desk(pool)
    _, block = await block_of(pool)
    settled = [await small(pool, View.AS_KNOWN_THEN), await small(pool, View.AS_IT_WAS, minutes(100))]
    before = [html(await read(pool, story, NOW)) for story in settled]
    async with transaction(pool) as conn:
        await record_cause(conn, block, NOTICE, "ada", minutes(101))
    assert [html(await read(pool, story, NOW)) for story in settled] == before


@pytest.mark.parametrize("is_withdrawn", [False, True])
async def test_without_a_cause_the_story_says_once_that_none_is_known(pool: Pool, is_withdrawn: bool) -> None:
    await played_desk(pool)
    _, block = await block_of(pool)
    if is_withdrawn:
        async with transaction(pool) as conn:
            await withdraw_cause(
                conn, await record_cause(conn, block, NOTICE, "ada", KNOWN_AT), "ada", KNOWN_AT
            )
    story = await small(pool, View.AS_IT_WAS)
    found = await read(pool, story, NOW)
    page = Page(html(found))
    async with transaction(pool) as conn:
        shown = said(await page_of(conn, f"/stories/{story.story_id}", NOW, SETTINGS, "light"))

    for text in (page.words, shown):
        assert text.count("Cause: not known") == text.count("Nobody has recorded one.") == 1
    assert not [name for name in page.tables if name.startswith("causes")]
    assert story_json(found)["causes"] == [{"accounts": 1, "posts": 0, "cause": None}]


async def test_a_story_without_a_block_says_nothing_of_causes(pool: Pool) -> None:
    desk = Desk(pool)
    await desk.enlist("1")
    for at in (0, 1):
        await desk.take(Sent(at, {"1": SUSPENDED}))
    found = await read(pool, await small(pool, View.AS_IT_WAS), NOW)
    assert (causes_note(found), "Cause" in Page(html(found)).words) == ("", False)


async def test_accounts_and_posts_are_counted_apart_and_those_without_a_cause_last(pool: Pool) -> None:
    desk = Desk(pool)
    names = [str(n) for n in range(1, 9)]
    await desk.enlist(*names)
    for at, state in ((0, AVAILABLE), (1, AVAILABLE), (20, WITHHELD_IN), (40, WITHHELD_IN)):
        await desk.take(Sent(at, dict.fromkeys(names, state)))
    async with transaction(pool) as conn:
        rows = await conn.fetch("select account_id, native_id from account")
        number = {r["native_id"]: r["account_id"] for r in rows}
        await turn_into_posts(conn, [number["7"], number["8"]])
        for name in ("1", "2", "3", "7"):
            text = replace(NOTICE, note=f"of {name}")
            await record_cause(conn, CauseSubject(account_id=number[name]), text, "ada", KNOWN_AT)
        await record_cause(conn, CauseSubject(account_id=number["3"]), PAPER, "ada", KNOWN_AT)
        hostile = replace(PAPER, source=HOSTILE)
        await record_cause(conn, CauseSubject(account_id=number["4"]), hostile, "ada", KNOWN_AT)
    page = Page(html(await read(pool, await small(pool, View.AS_IT_WAS), NOW)))

    rows = page.tables["causes"].rows
    assert [row[0] for row in rows] == ["3 accounts", "1 account", "1 post", "2 accounts", "1 post"]
    assert [row[1] for row in rows[-2:]] == ["Cause: not known.", "Cause: not known."]
    assert rows[0][1] == rows[2][1] == STATED
