"""Writing stories on the dashboard: who may, what is refused, and what the audit log says of it."""

from datetime import datetime
from typing import Any

import aiohttp
import pytest

from dashboard.stories.form_input import head_of
from dashboard.stories.forms import new_form
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.routes import STORY_ACTIONS
from dashboard.ui.form_input import Filled, WrongInput
from storage.causes.ledger import correct_cause, record_cause
from storage.live.lists_and_executives import LiveList
from storage.model.causes.causes import CauseSubject
from storage.model.stories.stories import StoryFault, StoryHead, View
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from storage.stories.stories import add_caption, stories, write_story
from tests.dashboard.stories.test_standalone_html import LATE, NOW, html
from tests.storage.causes.test_ledger import NOTICE, PAPER
from tests.storage.health.test_status_at import played as played_desk
from tests.support.clients.page_walker import said
from tests.support.clients.report_text import Page
from tests.support.samples.readings import minutes
from tests.support.seeds.alerts import Played
from tests.support.servers.dashboard import served

FIELDS = {
    "title": "All  back",
    "from": "2021-01-25",
    "to": "2021-01-28T06:30",
    "list": "Order 1 list",
    "view": "as_it_was",
    "as_known_at": "",
    "at": "2021-01-26T12:00",
    "text": "noon:\r\n all of  them",
}


WRONG = [
    ("a beginning is a time", {"from": "morning"}, "From: this is not a time"),
    ("a range has both ends", {"to": ""}, "To is empty"),
    ("there are two views", {"view": "both"}, "must be as_it_was or as_known_then"),
    (
        "what it is known by is a time",
        {"as_known_at": "later"},
        "Known at: this is not a time",
    ),
]


@pytest.mark.parametrize(("given", "why"), [pytest.param(*row[1:], id=row[0]) for row in WRONG])
def test_what_cannot_be_read_is_refused_by_the_name_of_its_field(given: dict[str, str], why: str) -> None:
    with pytest.raises(WrongInput, match=why):
        head_of(Filled(FIELDS | given), None)


async def sent(
    session: aiohttp.ClientSession, base: str, path: str, fields: dict[str, str]
) -> tuple[int, Any]:
    """The status, with what came next or why not."""
    async with session.post(f"{base}/api/stories{path}", data=fields, headers={"Origin": base}) as answer:
        told = await answer.json()
        if answer.ok:
            assert told["toast"]["words"] == STORY_ACTIONS[path][0]
        return answer.status, told.get("next") or told["error"]


async def test_a_story_is_written_changed_and_removed(
    pool: Pool, dsn: str, played: Played, now: datetime
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        assert await sent(session, base, "", FIELDS) == (200, "/stories/1")
        async with transaction(pool) as conn:
            (first,) = await stories(conn)
        caption = str(first.captions[0].caption_id)
        steps = [
            ("/captions", {"story": "1", "at": "2021-01-27", "text": "later"}),
            ("/captions/change", {"caption": caption, "at": "2021-01-26T13:00", "text": "one"}),
            ("/change", FIELDS | {"story": "1", "view": "as_known_then", "list": ""}),
        ]
        for path, fields in steps:
            assert await sent(session, base, path, fields) == (200, "/stories/1")
        async with transaction(pool) as conn:
            (changed,) = await stories(conn)
        assert await sent(session, base, "/captions/remove", {"caption": caption}) == (200, "/stories/1")
        assert await sent(session, base, "/remove", {"story": "1"}) == (200, "/stories")
        assert await sent(session, base, "/remove", {"story": "1"}) == (409, "There is no story 1.")
    assert [(c.text, c.at.isoformat()) for c in first.captions] == [
        ("noon:\nall of them", "2021-01-26T12:00:00+00:00")
    ]
    assert len(first.account_ids) == len(played.story.accounts[0])
    assert [c.text for c in changed.captions] == ["one", "later"]
    assert (changed.head.view, changed.list_name) == (View.AS_KNOWN_THEN, None)
    async with transaction(pool) as conn:
        logged = [a.action for a in await acts(conn, 7)]
    assert logged == [
        "story removed",
        "caption removed",
        "story changed",
        "caption changed",
        "caption added",
        "caption added",
        "story written",
    ]


async def test_what_is_refused_leaves_nothing_behind(
    pool: Pool, dsn: str, played: Played, now: datetime
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        refused = [
            await sent(session, base, "", FIELDS | given)
            for given in ({"at": "2021-01-29"}, {"list": "Nowhere"}, {"title": " "}, {"to": "2021-02-02"})
        ]
        async with session.post(f"{base}/api/stories", data=FIELDS) as answer:
            elsewhere = answer.status
    async with transaction(pool) as conn:
        assert await stories(conn) == []
    assert refused == [
        (409, StoryFault.OUTSIDE.value),
        (409, "There is no list 'Nowhere'; there are: Order 1 list, Order 2 list."),
        (409, StoryFault.NO_TITLE.value),
        (409, StoryFault.TO_COME.value),
    ]
    assert elsewhere == 403, "a form of another site is refused"


STATED = (
    "An order of a government (Section 69A IT Act), according to the platform's notice to the owner of "
    "1 Feb 2021, notice.eml; stated by the platform."
)


async def block_of(pool: Pool) -> tuple[int, CauseSubject]:
    """The number of the account that was withheld, and the change by which it was, as it is known now."""
    async with transaction(pool) as conn:
        account_id: int = await conn.fetchval("select account_id from account where native_id = '1'")
        change_id: int = await conn.fetchval(
            "select change_id from standing_change where account_id = $1 and kind = 'block'", account_id
        )
    return account_id, CauseSubject(change_id=change_id)


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


LISTS = (LiveList(1, "Press", 3), LiveList(2, "Old desk", 3, is_archived=True))
EMPTY = dict.fromkeys(("title", "from", "to", "view", "as_known_at", "at", "text"), "")


@pytest.mark.parametrize(
    ("chosen", "shown", "hidden"),
    [
        pytest.param("", "Press", "Old desk", id="an archived list is not offered"),
        pytest.param("2", "Old desk (archived)", "Nowhere", id="a link names it by its number"),
        pytest.param("Old desk", "Old desk (archived)", "Nowhere", id="a story names it"),
        pytest.param("Nowhere", "Nowhere", "archived", id="a list that is not there is refused by name"),
    ],
)
def test_a_story_is_offered_lists_in_use_and_the_one_that_it_has(
    chosen: str, shown: str, hidden: str
) -> None:
    text = said(new_form({**EMPTY, "list": chosen}, LISTS))
    assert shown in text
    assert hidden not in text
