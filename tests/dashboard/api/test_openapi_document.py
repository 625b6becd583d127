"""The OpenAPI document of /api/v1 says what the API really answers: Schemathesis asks, a served app answers.

What is asked is the same in each run. In questions that fit the document, numbers of things that are there
stand in the place of numbers out of the air, which are hardly ever those of something.

The tests marked `long` guard `dashboard/api`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from collectors.x.declaration import X
from dashboard.asgi.problem_json import API
from storage.accounts.name_checks import open_check
from storage.accounts.notes import add_note
from storage.causes.cause_documents import given_document
from storage.causes.ledger import record_cause
from storage.countries.measured_networks import record_days
from storage.model.causes.causes import CauseKind, CauseSource, CauseSubject, CauseText, Confidence
from storage.model.core.orders import NameOutcome, NewName
from storage.model.core.people import Role
from storage.model.stories.stories import View
from storage.model.tables.name_check import check_lines
from storage.orders.documents import NewDocument, attach
from storage.orders.name_edits import add_names
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.api import Api
from tests.support.samples.label_signing import stated, store
from tests.support.seeds.alerts import Played
from tests.support.seeds.changes import enlist
from tests.support.seeds.every_page import a_story
from tests.support.seeds.people import WITH_LOGIN, a_person, browser_of
from tests.support.servers.dashboard import served

"""Of each operation, by kind: what fits the document, and what does not."""
GUARD_S = 120
"""A guard against hanging: an answer that needs a process of its own waits for it on a busy machine."""
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_RULE = "Spare desk"
_PURGED, _PURGED_HANDLE = 4_000, "leaving"
"""An account of which nothing else is asked."""
_STORY = {"title": "T", "from": "2021-01-23T00:00:00Z", "to": "2021-01-31T00:00:00Z"}
_CAPTION = {"at": "2021-01-26T12:00:00Z", "text": "noon"}
_ORDER = {
    "title": "T",
    "issuer": "I",
    "country": "IN",
    "legal_basis": "Section 69A IT Act",
    "issued_at": "2021-01-24T00:00:00Z",
}
_EVENT = {"kind": "notice", "at": "2021-01-25T00:00:00Z", "text": "noticed", "source": "press"}
_CAUSE = {
    "kind": "unknown",
    "said_by": "owner",
    "source": "a letter",
    "stated_on": "2021-01-25T00:00:00Z",
}
_FIT: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "POST /rules": {"body": [{"toml": 'name = "New desk"\nrecipients = ["new@example.org"]\n'}]},
    "POST /rules/preview": {"body": [{"toml": 'name = "Any"\nrecipients = ["any@example.org"]\n'}]},
    "PUT /rules": {"body": [{"toml": f'name = "{_RULE}"\nrecipients = ["spare@example.org"]\n'}]},
    "PATCH /rules": {"body": [{"name": _RULE, "enabled": False}, {"name": _RULE, "enabled": True}]},
    "DELETE /rules": {"query": [{"name": _RULE}]},
    "PATCH /lists/{list_id}": {"body": [{"evidence_days": 2000}, {"evidence_days": None}]},
    "POST /lists/{list_id}/accounts": {"body": [{"add": [1, 2, 999]}, {"remove": [1, 2]}]},
    "PATCH /incidents/{story_key}": {
        "body": [{"note": "call the court"}, {"due_at": "2999-01-01T00:00:00Z"}, {"close": "a test"}]
    },
    "POST /mutes": {
        "body": [{"account_id": 1}, {"list": "Order 1 list", "note": "known"}, {"account_id": 999}]
    },
    "POST /written-stories": {"body": [_STORY, {**_STORY, "list": "Order 1 list", "view": "as_known_then"}]},
    "PUT /written-stories/{written_story_id}": {"body": [{**_STORY, "title": "Other"}]},
    "POST /written-stories/{written_story_id}/captions": {"body": [_CAPTION]},
    "PUT /captions/{caption_id}": {"body": [_CAPTION]},
    "POST /causes": {"body": [{**_CAUSE, "account_id": 1}, {**_CAUSE, "order": "SYN/1"}]},
    "PUT /causes/{cause_id}": {"body": [_CAUSE]},
    "POST /name-checks": {"body": [{"text": "x:stranger\nx:NASA"}]},
    "POST /accounts": {
        "body": [
            {"accounts": [{"platform": "x", "account_id": "7001", "handle": "newcomer"}], "list": "Desk"},
            {"name_check_id": 1},
        ]
    },
    "POST /accounts/{account_id}/purge": {
        "path_parameters": [{"account_id": _PURGED}],
        "body": [{"confirm": _PURGED_HANDLE}, {"confirm": _PURGED_HANDLE, "reason": "asked for"}],
    },
    "PATCH /accounts": {
        "body": [{"accounts": [1, 999], "watched": False}, {"accounts": [1], "watched": True}]
    },
    "POST /orders": {
        "body": [
            {**_ORDER, "reference": "A", "names": {"names": ["x:h1", "@nobody"]}},
            {**_ORDER, "reference": "B"},
        ]
    },
    "PATCH /orders/{order_id}": {"body": [{"title": "Other"}, {"deadline_at": None}]},
    "POST /orders/{order_id}/names": {"body": [{"names": ["x:h1", "x:stranger"], "platform": "x"}]},
    "POST /orders/{order_id}/names/withdraw": {"body": [{"names": ["x:h1"], "reason": "taken back"}]},
    "POST /orders/{order_id}/events": {"body": [_EVENT]},
    "POST /orders/{order_id}/keywords": {"body": [{"add": ["protest"]}]},
    "POST /orders/{order_id}/documents": {
        "query": [{"name": "order.pdf", "source": "press"}],
        "body": [b"an invented file"],
    },
    "POST /lists/{list_id}/accounts/move": {"body": [{"to": n, "accounts": [1]} for n in (1, 2)]},
    "POST /lists": {"body": [{"name": f"Desk {n}"} for n in range(9)]},
    "POST /accounts/tags": {"body": [{"accounts": [1, 2, 999], "add": ["press"]}]},
}
"""What fits, where that is not to be found out of the air."""
SETTINGS = hypothesis.settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)


async def _there(pool: Pool, played: Played, now: datetime) -> dict[str, Sequence[Any]]:
    """Values of path parameters that name something, and one more of each that does not."""
    await store(pool, stated())
    async with transaction(pool) as conn:
        account_id = played.story.accounts[0][0]
        for _ in range(12):
            await a_story(conn, played, View.AS_IT_WAS, now)
        await conn.execute(
            """
            insert into account (account_id, platform, native_id, handle, added_at)
            overriding system value values ($1, 'x', '4000', $2, $3)
            """,
            _PURGED,
            _PURGED_HANDLE,
            now,
        )
        lines = check_lines("x:stranger", "names", None)
        check_id = await open_check(conn, lines, "names", None, None, "desk", now)
        await record_days(conn, "TR", (now.date(), now.date() + timedelta(days=1)), [], now)
        note_ids = [await add_note(conn, account_id, f"note {n}", "desk", now) for n in range(3)]

        async def numbers(query: Any) -> list[Any]:
            return [r[0] for r in await conn.fetch(query)]

        found = {
            "account_id": await numbers("select account_id from account order by 1"),
            "change_id": await numbers("select change_id from change order by 1"),
            "order_id": await numbers("select order_id from legal_order order by 1"),
            "sha256": [await _document(conn, now)],
            "list_id": await numbers("select list_id from watch_list order by 1"),
            "mail_id": await numbers("select mail_id from mail order by 1"),
            "mute_id": await numbers("select mute_id from mute order by 1"),
            "story_key": await numbers("select story_key from story order by story_id"),
            "written_story_id": await numbers("select written_story_id from written_story order by 1"),
            "caption_id": await numbers("select written_caption_id from written_caption order by 1"),
            "note_id": note_ids,
            "cause_id": [await _cause(conn, account_id, now) for _ in range(12)],
            "name_check_id": [check_id],
            "country": ["TR"],
            "label_id": await numbers("select label_id from label"),
        }
        none = {"story_key": "0", "sha256": "0" * 64, "country": "ZZ"}
        return {name: [*values, none.get(name, 999_999)] for name, values in found.items()}


async def _cause(conn: Conn, account_id: int, now: datetime) -> int:
    text = CauseText(CauseKind.UNKNOWN, CauseSource.OWNER, "owner", "", "a letter", now, Confidence.REPORTED)
    letter = given_document("letter.txt", b"an invented letter")
    return await record_cause(conn, CauseSubject(account_id=account_id), text, "desk", now, letter)


async def _document(conn: Conn, now: datetime) -> str:
    """The hash of a document that every order has, with a name that can be withdrawn."""
    for row in await conn.fetch("select order_id from legal_order"):
        file = NewDocument("order.txt", "text/plain", "press", b"an invented order")
        await attach(conn, row["order_id"], file, "desk", now)
        name = NewName("x:h1", X, "h1", None, NameOutcome.NOT_TRIED, None, "", "press")
        await add_names(conn, row["order_id"], [name], now)
    return sha256(b"an invented order").hexdigest()


def _ask(base: str, there: Mapping[str, Sequence[Any]]) -> dict[str, set[int]]:
    """Ask every operation; returns the statuses that each gave. Raises what Schemathesis finds."""
    schema: Any = schemathesis.openapi.from_url(f"{base}{API}/openapi.json")
    checks: list[Any] = [CHECKS.get_one(name) for name in _CHECKS]
    given: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        statuses = given.setdefault(operation.label, set())
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _explore(operation, mode, there, checks, base, statuses)
    return given


def _explore(
    operation: Any,
    mode: GenerationMode,
    there: Mapping[str, Sequence[Any]],
    checks: list[Any],
    base: str,
    statuses: set[int],
) -> None:
    @hypothesis.settings(SETTINGS, max_examples=10)
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE:
            for name in case.path_parameters or {}:
                if name in there:
                    case.path_parameters[name] = data.draw(st.sampled_from(there[name]))
            for part, values in _FIT.get(operation.label, {}).items():
                if data.draw(st.booleans()):
                    setattr(case, part, data.draw(st.sampled_from(values)))
        response = case.call(headers={"Origin": base}, timeout=GUARD_S)
        statuses.add(response.status_code)
        case.validate_response(response, checks=checks)

    ask()


@pytest.mark.long
async def test_every_answer_is_one_that_the_document_tells_of(
    played: Played, pool: Pool, dsn: str, now: datetime
) -> None:
    there = await _there(pool, played, now)
    async with served(pool, dsn, now) as base:
        given = await asyncio.to_thread(_ask, base, there)

    assert len(given) > 30
    assert [op for op, statuses in given.items() if not statuses & {200, 201, 204}] == []


TAGS = {"accounts": [1], "add": ["press"]}


@pytest.fixture
async def base(pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[str]:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"], ("Farmers",))
    for role in Role:
        await a_person(pool, role.value, role, now)
    async with served(pool, dsn, now, WITH_LOGIN) as base:
        yield base


@pytest.mark.slow
async def test_a_browser_that_is_logged_in_reads_and_writes_from_its_own_pages_only(
    base: str, pool: Pool
) -> None:
    async with browser_of(base, "analyst") as session:
        api = Api(base, session)
        assert (await api.get("/accounts")).status == 200
        assert (await api.send("POST", "/accounts/tags", TAGS)).status == 200
        elsewhere = {"Origin": "https://elsewhere.example"}
        refused = await api.send("POST", "/accounts/tags", TAGS, headers=elsewhere)
    assert (refused.status, "does not come from one of them" in refused.detail) == (403, True)
