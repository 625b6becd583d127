"""A story tells what is stated of why its accounts were blocked, as it was known at its moments."""

import json
from typing import Any

from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.story_json import story_json
from storage.causes.ledger import correct_cause, record_cause
from storage.model.causes.causes import CauseSubject
from storage.model.stories.stories import StoryHead, View
from storage.postgres.pool import Pool, transaction
from storage.stories.stories import add_caption, write_story
from tests.dashboard.stories.test_standalone_html import LATE, NOW, html, read, small
from tests.storage.causes.test_ledger import NOTICE, PAPER
from tests.storage.health.test_status_at import played as played_desk
from tests.support.clients.page_text import said
from tests.support.clients.report_text import Page
from tests.support.samples.readings import minutes
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
