"""Writing stories on the dashboard: who may, what is refused, and what the audit log says of it."""

from datetime import datetime
from typing import Any

import aiohttp
import pytest

from dashboard.stories.form_input import begun, caption_text, head_of
from dashboard.stories.routes import STORY_ACTIONS
from dashboard.ui.form_input import Filled, WrongInput
from storage.model.stories.stories import StoryFault, View
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from storage.stories.stories import stories
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
BEGUN: list[tuple[str, dict[str, str], dict[str, str]]] = [
    (
        "from nowhere it is the day before now",
        {},
        {"from": "2021-01-31T12:00", "to": "2021-02-01T12:00", "view": "as_it_was", "at": ""},
    ),
    (
        "from a moment, the day before it, with a caption there",
        {"at": "2021-01-20T06:30:15"},
        {"from": "2021-01-19T06:30:15", "to": "2021-01-20T06:30:15", "at": "2021-01-20T06:30:15"},
    ),
    (
        "from a range and a list, those",
        {"from": "2021-01-01", "to": "2021-01-03", "list": "Desk"},
        {"from": "2021-01-01T00:00", "to": "2021-01-03T00:00", "list": "Desk"},
    ),
    (
        "as known at the moment itself is as it was known then",
        {"at": "2021-01-20", "as_known_at": "2021-01-20T00:00:00Z"},
        {"view": "as_known_then", "as_known_at": ""},
    ),
    (
        "as known at another one is kept",
        {"at": "2021-01-20", "as_known_at": "2021-01-21"},
        {"view": "as_it_was", "as_known_at": "2021-01-21T00:00"},
    ),
    (
        "what is not a time is left out",
        {"at": "noon", "from": "never"},
        {"at": "", "from": "2021-01-31T12:00"},
    ),
]


@pytest.mark.parametrize(("query", "expected"), [pytest.param(*row[1:], id=row[0]) for row in BEGUN])
def test_a_new_story_begins_with_what_its_address_says(
    query: dict[str, str], expected: dict[str, str], now: datetime
) -> None:
    told = begun(query, now)
    assert {name: told[name] for name in expected} == expected


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


def test_a_caption_keeps_its_lines_and_nothing_else_of_how_it_was_typed() -> None:
    assert caption_text(Filled(FIELDS)) == "noon:\nall of them"
    assert head_of(Filled(FIELDS), None).title == "All back"


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
