"""What people write over the API, who may, and what those see who walk or come back while it is written."""

import dataclasses
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from storage.alerts.rules import load_rules
from storage.model.core.people import Role
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Api, api_served
from tests.support.seeds.alerts import Played
from tests.support.servers.dashboard import SETTINGS


@dataclass(frozen=True, slots=True)
class World:
    """The story of `play_alerts`, with a served API."""

    api: Api
    played: Played
    pool: Pool
    now: datetime


@pytest.fixture
async def world(played: Played, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[World]:
    async with api_served(pool, dsn, now) as api:
        yield World(api, played, pool, now)


async def _logged(pool: Pool) -> list[tuple[str, str, str]]:
    async with transaction(pool) as conn:
        return [(a.actor, a.action, a.subject) for a in await acts(conn, 3)]


async def test_how_long_the_evidence_of_a_list_is_kept_is_said_by_its_number(world: World) -> None:
    made = await world.api.send("POST", "/lists", {"name": "Desk"})
    where = f"/lists/{made.json['list_id']}"
    kept = await world.api.send("PATCH", where, {"evidence_days": 365})
    assert kept.json["evidence_days"] == 365
    assert (await world.api.send("PATCH", where, {"evidence_days": None})).json["evidence_days"] is None
    renamed = await world.api.send("PATCH", where, {"name": "News desk"})
    assert (renamed.json["name"], renamed.json["rules_with_old_name"]) == ("News desk", [])
    of_order = await world.api.send("PATCH", "/lists/1", {"name": "Other"})
    assert (of_order.status, "belongs to an order" in of_order.detail) == (409, True)
    await world.api.send("PATCH", where, {"name": "Desk"})
    assert (await world.api.send("PATCH", where, {})).status == 422
    short = await world.api.send("PATCH", "/lists/1", {"evidence_days": 30})
    assert short.status == 409
    assert "kept at least 1095 days" in short.detail
    again = await world.api.send("POST", "/lists", {"name": "Desk"})
    assert (again.status, again.detail) == (409, "The list 'Desk' already exists.")


async def test_mutes_are_made_and_ended(world: World) -> None:
    account_id = world.played.story.accounts[0][0]
    until = world.now + timedelta(days=1)
    made = await world.api.send(
        "POST", "/mutes", {"account_id": account_id, "until": until.isoformat(), "note": "known\n issue"}
    )
    assert made.status == 201
    assert (made.json["account_id"], made.json["until"], made.json["note"]) == (
        account_id,
        "2021-02-02T12:00:00Z",
        "known issue",
    )
    window = await world.api.send("POST", "/mutes", {"everything": True})
    assert (window.status, window.detail) == (422, "body.until: Set `until` for a maintenance window.")
    both = await world.api.send("POST", "/mutes", {"account_id": account_id, "list": "Order 1 list"})
    assert (both.status, both.detail) == (422, "body: Set exactly one of account_id, list and everything.")
    past = await world.api.send("POST", "/mutes", {"list": "SYN/1", "until": "2020-01-01T00:00:00Z"})
    assert (past.status, past.detail) == (
        409,
        "The end of a mute must be in the future and after its beginning.",
    )
    unknown = await world.api.send("POST", "/mutes", {"list": "Nobody"})
    assert (unknown.status, unknown.detail) == (
        409,
        "There is no list or order 'Nobody'; there are: SYN/1, SYN/2, Order 1 list, Order 2 list.",
    )
    assert (await world.api.send("DELETE", f"/mutes/{made.json['mute_id']}")).status == 204
    assert (await world.api.send("DELETE", f"/mutes/{made.json['mute_id']}")).status == 404


async def test_a_rule_is_added_once_moved_and_tried_on_the_past(world: World) -> None:
    toml = 'name = "press"\nrecipients = ["press@example.org"]\nlists = ["Order 1 list"]\n'
    tried = await world.api.send("POST", "/rules/preview", {"toml": toml})
    assert (tried.status, tried.json["recipients"]) == (200, ["press@example.org"])
    assert tried.json["words"] == (
        f"In the last 30 days this rule would have sent {tried.json['emails']} emails to 1 person."
    )
    assert tried.json["largest"][0]["accounts"] == 9
    long_ago = {"toml": toml, "since": "2020-01-01T00:00:00Z", "until": "2020-01-03T00:00:00Z"}
    earlier = await world.api.send("POST", "/rules/preview", long_ago)
    assert earlier.json["words"].startswith("From 2020-01-01 00:00 to 2020-01-03 00:00 UTC nothing was read")
    assert [r["name"] for r in (await world.api.get("/rules")).items if r["name"] == "press"] == []
    added = await world.api.send("POST", "/rules", {"toml": toml})
    assert (added.status, added.json["toml"]) == (201, toml)
    again = await world.api.send("POST", "/rules", {"toml": toml})
    assert (again.status, again.detail) == (
        409,
        "There is a rule 'press' already. Choose another name.",
    )
    moved = await world.api.send("PATCH", "/rules", {"name": "press", "move": "up"})
    assert moved.status == 200
    async with transaction(world.pool) as conn:
        assert [s.rule.name for s in await load_rules(conn)][-2:] == ["press", "Old"]
    for body, why in (
        ({"toml": toml, "until": "2031-01-01T00:00:00Z"}, "body.until: This time is in the future."),
        ({"toml": toml, "since": "2001-01-01T00:00:00Z"}, "body.since: It must be before `until`"),
    ):
        refused = await world.api.send("POST", "/rules/preview", body)
        assert (refused.status, refused.detail.startswith(why)) == (422, True), refused.detail
    nothing = await world.api.send("PATCH", "/rules", {"name": "press"})
    assert (nothing.status, nothing.detail) == (422, "body: Give `enabled`, `move` or both.")


STORY = {
    "title": "A day",
    "since": "2021-02-01T00:00:00Z",
    "until": "2021-02-02T00:00:00Z",
    "view": "as_it_was",
}
CAPTION = {"at": "2021-02-01T12:00:00Z", "text": "noon"}
ORDER = {
    "reference": "A",
    "title": "T",
    "issuer": "I",
    "country": "IN",
    "legal_basis": "Section 69A IT Act",
    "issued_at": "2021-01-24T00:00:00Z",
}
EVENT = {"kind": "notice", "at": "2021-01-25T00:00:00Z", "text": "noticed", "source": "press"}
CAUSE = {"kind": "unknown", "said_by": "owner", "source": "mail", "stated_on": "2021-01-25T00:00:00Z"}
WRITES: list[tuple[str, str, object, Role]] = [
    ("POST", "/accounts/tags", {"accounts": [1], "add": ["press"]}, Role.ANALYST),
    ("POST", "/lists/1/accounts", {"add": [1]}, Role.ANALYST),
    ("POST", "/lists/1/accounts/move", {"to": 2, "accounts": [1]}, Role.ANALYST),
    ("POST", "/accounts/1/notes", {"text": "seen"}, Role.ANALYST),
    ("DELETE", "/notes/1", None, Role.ANALYST),
    ("POST", "/accounts/1/purge", {"confirm": "not its handle"}, Role.ADMIN),
    ("POST", "/stories/none/acknowledgement", {}, Role.ANALYST),
    ("POST", "/incidents/none/acknowledgement", {}, Role.ANALYST),
    ("DELETE", "/incidents/none/acknowledgement", None, Role.ANALYST),
    ("PATCH", "/incidents/none", {"note": "seen"}, Role.ANALYST),
    ("POST", "/mutes", {"list": "Order 1 list"}, Role.ANALYST),
    ("POST", "/mutes", {"everything": True, "until": "2031-01-01T00:00:00Z"}, Role.ADMIN),
    ("DELETE", "/mutes/1", None, Role.ANALYST),
    ("DELETE", "/mutes/2", None, Role.ADMIN),
    ("POST", "/mails/1/resend", None, Role.ANALYST),
    ("POST", "/lists", {"name": "Desk"}, Role.ANALYST),
    ("PATCH", "/lists/1", {"evidence_days": None}, Role.ADMIN),
    ("POST", "/lists/1/thresholds/preview", {"thresholds": None}, Role.ADMIN),
    ("PUT", "/rules", {"toml": 'name = "a"\nrecipients = []'}, Role.ADMIN),
    ("POST", "/rules", {"toml": 'name = "b"\nrecipients = []'}, Role.ADMIN),
    ("POST", "/rules/preview", {"toml": 'name = "b"\nrecipients = []'}, Role.ADMIN),
    ("PATCH", "/rules", {"name": "a", "enabled": True}, Role.ADMIN),
    ("DELETE", "/rules?name=a", None, Role.ADMIN),
    ("POST", "/written-stories", STORY, Role.ANALYST),
    ("PUT", "/written-stories/1", STORY, Role.ANALYST),
    ("POST", "/written-stories/1/captions", CAPTION, Role.ANALYST),
    ("PUT", "/captions/1", CAPTION, Role.ANALYST),
    ("DELETE", "/captions/1", None, Role.ANALYST),
    ("DELETE", "/written-stories/1", None, Role.ANALYST),
    ("POST", "/causes", {**CAUSE, "account_id": 1}, Role.ANALYST),
    ("PUT", "/causes/1", CAUSE, Role.ANALYST),
    ("DELETE", "/causes/2", None, Role.ANALYST),
    ("POST", "/name-checks", {"text": "x:stranger"}, Role.ANALYST),
    ("POST", "/accounts", {"name_check_id": 1}, Role.ANALYST),
    ("PATCH", "/accounts", {"accounts": [1], "watched": True}, Role.ANALYST),
    ("POST", "/orders", ORDER, Role.ANALYST),
    ("PATCH", "/orders/1", {"title": "Other"}, Role.ANALYST),
    ("POST", "/orders/1/names", {"names": ["x:h1"]}, Role.ANALYST),
    ("POST", "/orders/1/names/withdraw", {"names": ["x:h1"], "reason": "taken back"}, Role.ANALYST),
    ("POST", "/orders/1/events", EVENT, Role.ANALYST),
    ("POST", "/orders/1/keywords", {"add": ["protest"]}, Role.ANALYST),
    ("POST", "/orders/1/documents?name=a.txt&source=press", b"an invented order", Role.ANALYST),
]


@pytest.mark.slow
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.usefixtures("played")
async def test_each_write_takes_its_role(pool: Pool, dsn: str, now: datetime, role: Role) -> None:
    async with api_served(pool, dsn, now, dataclasses.replace(SETTINGS, role=role)) as api:
        document = (await api.get("/openapi.json")).json
        for method, path, body, needed in WRITES:
            answer = await api.send(method, path, body)
            assert (answer.status == 403) is not role.includes(needed), (method, path, answer.text)
            if answer.status == 403:
                assert answer.detail.endswith(f"; your role is {role.value}.")
    written = {(m.upper(), p) for p, of in document["paths"].items() for m in of if m not in {"get", "head"}}
    assert len(written) == len(WRITES) - 2  # two ways to mute, and to end that, each by its role


HOSTILE: list[tuple[str, str, object, int, str]] = [
    ("POST", "/accounts/tags", {"accounts": [1], "add": ["a b"]}, 422, "body: Tag 'a b' holds a space"),
    ("POST", "/accounts/tags", {"accounts": [1], "add": ["a\0"]}, 422, "visible characters"),
    ("POST", "/accounts/tags", {"accounts": [1], "add": ["\ud800"]}, 422, "body.add.0"),
    ("POST", "/accounts/tags", {"accounts": [1]}, 422, "body: Name a tag to add or to remove."),
    ("POST", "/accounts/tags", {"accounts": [], "add": ["a"]}, 422, "body.accounts"),
    ("POST", "/accounts/tags", {"accounts": [True], "add": ["a"]}, 422, "body.accounts.0"),
    ("POST", "/accounts/tags", {"accounts": [2**63], "add": ["a"]}, 422, "body.accounts.0"),
    ("POST", "/accounts/tags", {"accounts": [1], "add": ["a"], "colour": 1}, 422, "body.colour"),
    ("POST", "/accounts/tags", {"accounts": [1], "add": ["a"], "remove": ["a"]}, 422, "added and removed"),
    ("POST", "/accounts/tags", b"{", 422, "body"),
    ("POST", "/accounts/tags", b"\xff", 400, "body"),
    ("POST", "/accounts/tags", b"[" * 100_000, 400, "body"),
    ("POST", "/accounts/tags", b" " * 1_000_001, 413, "larger than 1,000,000 bytes"),
    ("POST", "/lists", {"name": "a;b"}, 422, "cannot be the name of a list"),
    ("POST", "/lists", {"name": " "}, 422, "cannot be the name of a list"),
    ("POST", "/lists/1/accounts", {"add": [1], "remove": [1]}, 422, "both added and removed"),
    ("POST", "/lists/1/accounts", {}, 422, "Give account numbers in “add”"),
    ("POST", "/lists/99/accounts", {"add": [1]}, 404, "There is no list 99."),
    ("POST", "/lists/1/accounts/move", {"to": 1, "accounts": [1]}, 409, "Choose two different lists."),
    ("POST", "/lists/1/accounts/move", {"to": 99, "accounts": [1]}, 404, "There is no list 99."),
    ("POST", "/lists/1/accounts/move", {"to": 2, "accounts": []}, 422, "body.accounts: The list is empty."),
    ("POST", "/lists/1/accounts/move", {"accounts": [1]}, 422, "body.to"),
    ("POST", "/accounts/1/notes", {"text": "  "}, 422, "body.text: The note is empty."),
    ("POST", "/accounts/1/notes", {"text": "a\0b"}, 422, "contains a character that is not allowed"),
    ("POST", "/accounts/1/notes", {"text": "x" * 4001}, 422, "body.text"),
    ("POST", "/accounts/99999/notes", {"text": "x"}, 404, "There is no account 99999."),
    ("POST", "/mutes", {"account_id": 99999}, 404, "There is no account 99999."),
    ("POST", "/mutes", {"account_id": 1, "until": "tomorrow"}, 422, "body.until: This is not a time"),
    ("POST", "/mutes", {"account_id": 1, "until": 1612137600}, 422, "body.until: This is not a time"),
    ("PUT", "/rules", {"toml": 'name = "a\0b"'}, 422, "body.toml"),
    ("PUT", "/rules", {"toml": "[" * 19_000}, 422, "body.toml"),
]


@pytest.mark.slow
async def test_what_is_sent_wrongly_is_refused_in_a_sentence_and_writes_nothing(world: World) -> None:
    before = await _logged(world.pool)
    for method, path, body, status, said in HOSTILE:
        answer = await world.api.send(method, path, body)
        assert answer.status == status, (path, str(body)[:80], answer.text)
        assert said in answer.detail
    assert await _logged(world.pool) == before


async def test_without_the_database_the_api_says_so_and_when_to_ask_again(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with api_served(pool, dsn, now) as api:
        async with transaction(pool) as conn:
            await conn.execute("alter table account rename to gone")
        answer = await api.get("/accounts")

    assert answer.status == 503
    assert "The database could not do this" in answer.detail
    assert answer.headers["retry-after"] == "5"
