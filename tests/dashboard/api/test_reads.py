"""What the API tells is what the store tells, page by page; what it refuses it refuses in a sentence."""

import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from dashboard.orders.facts import read_order
from dashboard.orders.order_json import order_json
from jobs.export.export import ExportRequest, Format, export_to_stream
from storage.accounts.tags import edit_tags
from storage.export.exports import EXPORTS
from storage.model.evidence.export_kinds import Choice, ExportFilter, Kind
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings.readings import attempts_of, readings_of
from tests.support.clients.api import Api
from tests.support.samples.readings import T0
from tests.support.seeds.alerts import Played, play_alerts
from tests.support.seeds.chain_rows import table
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, served_apart

NOW = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class World:
    """The story of `play_alerts`, with a served API."""

    api: Api
    played: Played
    pool: Pool
    now: datetime


@pytest.fixture(scope="module")
def shared(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> Generator[tuple[str, str, Played]]:
    """The database, the address and what was played: of all tests of this module, which only read."""
    with fresh_database() as dsn, served_apart(dsn, NOW, _prepared) as (base, played):
        yield dsn, base, played


async def _prepared(pool: Pool) -> Played:
    played = await play_alerts(pool, NOW)
    async with transaction(pool) as conn:
        await edit_tags(conn, played.story.accounts[0][:2], ["press"], [], "desk", NOW)
        await turn_into_posts(conn, played.story.accounts[0][-2:])
    return played


@pytest.fixture
async def world(shared: tuple[str, str, Played]) -> AsyncGenerator[World]:
    dsn, base, played = shared
    async with open_pool(dsn, max_size=1) as pool, aiohttp.ClientSession() as session:
        yield World(Api(base, session), played, pool, NOW)


WALKED = [
    ("/accounts", "account_id"),
    ("/statuses", "account_id"),
    ("/changes", "change_id"),
    ("/spells", "change_id"),
    ("/signals", "signal_id"),
    ("/mails", "mail_id"),
    ("/stories", "story_key"),
    ("/mutes", "mute_id"),
    ("/rules", "rule_id"),
    ("/lists", "list_id"),
    ("/orders", None),
]


@pytest.mark.parametrize(("path", "key"), WALKED)
async def test_a_walk_over_pages_sees_what_one_page_shows_each_once(
    world: World, path: str, key: str | None
) -> None:
    whole = await world.api.get(path, limit=500)
    walked = [
        item async for items in world.api.walk(path, 1 if len(whole.items) < 9 else 7) for item in items
    ]

    assert whole.json["next"] is None
    assert len(walked) > 1
    if key is None:
        assert walked == [] or [i["order"]["order_id"] for i in walked] == sorted(
            i["order"]["order_id"] for i in whole.items
        )
    else:
        assert [i[key] for i in walked] == [i[key] for i in whole.items]


async def test_a_cursor_belongs_to_its_question(world: World) -> None:
    first = await world.api.get("/accounts", limit=3, platform="x")
    following = first.json["next"]
    for path, said in [
        (following.replace("platform=x", "platform=bluesky"), "cursor does not belong to this request"),
        (following.replace("/accounts?", "/statuses?"), "cursor does not belong to this request"),
        ("/accounts?cursor=aGVsbG8", "cursor does not belong to this request"),
        ("/accounts?cursor=%00", "cursor does not belong to this request"),
        ("/accounts?cursor=" + "A" * 401, "at most 400 characters"),
        ("/accounts?cursor=" + "W1" * 190, "cursor does not belong to this request"),
    ]:
        refused = await world.api.send("GET", path)
        assert refused.status == 422
        assert said in refused.detail
    again = await world.api.send("GET", following.replace("limit=3", "limit=5"))
    assert len(again.items) == 5


def _state(account: Mapping[str, Any]) -> dict[str, Any]:
    return account["state"] or {}


def _unheard(rows: int, at: datetime | None) -> None:
    """How far an export is."""


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in row.items()
    }


async def test_changes_and_spells_are_those_of_the_export(world: World) -> None:
    async with transaction(world.pool) as conn:
        changes = [_cells(r) for r in await table(conn, Kind.CHANGES)]
        spells = [_cells(r) for r in await table(conn, Kind.SPELLS)]
    told = (await world.api.get("/changes", limit=500)).items
    periods = (await world.api.get("/spells", limit=500)).items

    periods.sort(key=lambda s: (s["since"], s["account_id"]))
    for shown, exported in ((list(reversed(told)), changes), (periods, spells)):
        assert len(shown) == len(exported) > 20
        for one, row in zip(shown, exported, strict=True):
            named = {**row, "native_id": row["account_id"]}
            del named["account_id"]
            assert {name: one[name] for name in named} == named


@pytest.mark.parametrize("hours", [0, 30, 100])
async def test_statuses_are_those_of_the_export_at_any_moment_as_known_at_any_other(
    world: World, hours: int
) -> None:
    at = world.now - timedelta(hours=hours)
    known = world.now - timedelta(hours=hours // 2)
    async with transaction(world.pool) as conn:
        wanted = ExportFilter(world.now, at=at, known_at=known)
        exported = [_cells(r) for r in await table(conn, Kind.STATES, wanted)]
    told = (await world.api.get("/statuses", at=at, as_known_at=known, limit=500)).items

    assert len(told) == len(exported)
    for one, row in zip(told, exported, strict=True):
        state = _state(one)
        assert one["native_id"] == row["account_id"]
        assert one["post"] is row["post"]
        assert one["last_read_at"] == row["last_read_at"]
        assert one["recorded_at"] == row["recorded_at"]
        for name in ("status", "withheld_in", "flags", "last_seen_old", "since", "source", "change_id"):
            assert state.get(name) == row[name], name


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL])
async def test_an_export_is_what_the_command_writes(world: World, kind: Kind, form: Format) -> None:
    choices = EXPORTS[kind].choices
    since = world.now - timedelta(days=3)
    wanted = ExportFilter(world.now + timedelta(hours=1), since=since if Choice.SINCE in choices else None)
    if kind is Kind.STATES:
        wanted = dataclasses.replace(wanted, at=world.now, known_at=world.now)
    written = io.BytesIO()
    await export_to_stream(world.pool, ExportRequest(kind, form, wanted), written, _unheard)
    asked: dict[str, Any] = {"from_": wanted.since} if wanted.since is not None else {}
    asked |= {"at": wanted.at, "as_known_at": wanted.known_at} if kind is Kind.STATES else {}
    answer = await world.api.get(f"/export/{kind.value}", format=form.value, **asked)

    assert answer.status == 200
    assert answer.text == written.getvalue().decode()
    assert answer.media_type == ("text/csv" if form is Format.CSV else "application/x-ndjson")
    assert answer.headers["cache-control"] == "no-store"
    assert f'filename="{kind.value}.{form.value}"' in answer.headers["content-disposition"]
    if kind in {Kind.CHANGES, Kind.STATES, Kind.ACCOUNTS}:
        lines = answer.text.splitlines()
        assert len(list(csv.reader(lines)) if form is Format.CSV else [json.loads(x) for x in lines]) > 3


async def test_what_an_export_cannot_be_asked_is_refused_with_what_it_can(world: World) -> None:
    refused = await world.api.get("/export/accounts", at=world.now)
    assert (refused.status, refused.detail) == (
        422,
        "query: at does not apply to accounts. These do: as_known_at, list, platform, post, "
        "repeatedly_blocked.",
    )
    missing = await world.api.get("/export/changes", list="Nobody")
    assert (missing.status, missing.detail) == (
        404,
        "There is no list 'Nobody'; there are: Order 1 list, Order 2 list.",
    )


async def test_readings_and_missed_are_those_of_the_store_and_are_paged(world: World) -> None:
    account_id = world.played.story.accounts[0][2]
    since, until = world.now - timedelta(days=5), world.now - timedelta(days=2)
    async with transaction(world.pool) as conn:
        readings = await readings_of(conn, account_id, since, until)
        missed = await attempts_of(conn, account_id, since, until)
    for path, stored, limit in (("readings", readings, 40), ("missed", missed, 2)):
        walked = [
            item
            async for items in world.api.walk(f"/accounts/{account_id}/{path}", limit, from_=since, to=until)
            for item in items
        ]
        assert [datetime.fromisoformat(i["at"]) for i in walked] == [r.at for r in stored]
        assert len(walked) > limit
        assert [i["roster_id"] for i in walked] == [r.roster_id for r in stored]
    told = await world.api.get(f"/accounts/{account_id}/readings", from_=T0 - timedelta(days=400), to=T0)
    assert (told.status, told.detail) == (
        422,
        "query.from: The time range may be at most 366 days. Set `from` and `to`.",
    )


async def test_an_order_has_the_figures_of_its_page(world: World) -> None:
    at = world.now - timedelta(hours=12)
    async with transaction(world.pool) as conn:
        found = await read_order(conn, 1, at, SETTINGS.gap_after)
    assert found is not None
    answer = await world.api.get("/orders/1", at=at)
    assert answer.json == json.loads(json.dumps(order_json(found)))


Found = Mapping[str, Any]
FILTERS: list[tuple[str, dict[str, Any], Callable[[Found], bool]]] = [
    ("an account of a list", {"list": "Order 1 list"}, lambda a: "Order 1 list" in a["lists"]),
    ("of an order", {"order": "SYN/2"}, lambda a: "SYN/2" in a["orders"]),
    ("in a status", {"status": "withheld"}, lambda a: _state(a).get("status") == "withheld"),
    ("with nothing confirmed", {"status": "unknown"}, lambda a: a["state"] is None),
    (
        "in one of two statuses",
        {"status": ["suspended", "withheld"]},
        lambda a: _state(a).get("status") in {"suspended", "withheld"},
    ),
    ("withheld in a country", {"country": "IN"}, lambda a: "IN" in _state(a).get("withheld_in", [])),
    ("with a tag", {"tag": "press"}, lambda a: "press" in a["tags"]),
    ("with a part of a handle", {"q": "TRACTOR"}, lambda a: "tractor" in a["handle"]),
    ("with an id", {"q": "110000003"}, lambda a: a["native_id"] == "110000003"),
    ("not watched", {"watched": "false"}, lambda a: not a["watched"]),
    ("only posts", {"post": "true"}, lambda a: a["post"]),
    ("only accounts", {"post": "false"}, lambda a: not a["post"]),
    ("of a platform where nobody is", {"platform": "mastodon"}, lambda _: False),
]


@pytest.mark.parametrize(("rule", "query", "fits"), FILTERS, ids=[rule for rule, _, _ in FILTERS])
async def test_accounts_are_chosen_by_what_is_known_of_them(
    world: World, rule: str, query: dict[str, Any], fits: Callable[[Found], bool]
) -> None:
    everybody = (await world.api.get("/accounts", limit=500)).items
    chosen = (await world.api.get("/accounts", limit=500, **query)).items

    assert [a["account_id"] for a in chosen] == [a["account_id"] for a in everybody if fits(a)]
    assert (len(chosen) == 0) is (rule == "of a platform where nobody is")


@pytest.mark.parametrize("path", ["/accounts", "/statuses"])
async def test_posts_and_accounts_can_be_listed_apart(world: World, path: str) -> None:
    everything = (await world.api.get(path, limit=500)).items
    found = {
        post: [one["account_id"] for one in (await world.api.get(path, limit=500, post=post)).items]
        for post in ("true", "false")
    }
    posts = set(world.played.story.accounts[0][-2:])
    assert set(found["true"]) == posts
    assert found["false"] == [one["account_id"] for one in everything if one["account_id"] not in posts]


@pytest.mark.parametrize("path", ["/changes", "/spells", "/export/changes", "/export/spells"])
async def test_what_is_of_posts_and_what_is_of_accounts_can_be_asked_for(world: World, path: str) -> None:
    everything = await listed(world, path)
    posts, accounts = [await listed(world, path, post=post) for post in ("true", "false")]
    assert posts == [one for one in everything if one["post"]]
    assert accounts == [one for one in everything if not one["post"]]
    assert posts
    assert accounts


@pytest.mark.parametrize("path", ["/accounts", "/statuses", "/export/accounts", "/export/states"])
async def test_who_was_blocked_more_than_once_can_be_asked_for(world: World, path: str) -> None:
    blocks = Counter[str]()
    shown: dict[str, bool] = {}
    for spell in sorted(await listed(world, "/export/spells"), key=lambda s: s["since"]):
        account, status = spell["account_id"], spell["status"]
        blocks[account] += status in {"withheld", "suspended"} and shown.get(account, True)
        if status in {"withheld", "suspended", "available", "protected"}:
            shown[account] = status in {"available", "protected"}
    expected = {account for account, times in blocks.items() if times > 1}
    assert expected

    found = await listed(world, path, repeatedly_blocked="true")
    name = "account_id" if path.startswith("/export") else "native_id"
    assert {one[name] for one in found} == expected
    assert len(await listed(world, path, repeatedly_blocked="false")) > len(found)


async def listed(world: World, path: str, **asked: Any) -> list[dict[str, Any]]:
    """What an address lists, or the rows of an export."""
    if not path.startswith("/export"):
        return (await world.api.get(path, limit=500, **asked)).items
    return [json.loads(line) for line in (await world.api.get(path, **asked)).text.splitlines()]


async def test_a_change_and_a_spell_say_whether_they_are_of_a_post(world: World) -> None:
    posts = set(world.played.story.accounts[0][-2:])
    for path in ("/changes", "/spells"):
        found = (await world.api.get(path, limit=500)).items
        assert {one["account_id"] for one in found if one["post"]} == posts


async def test_what_is_not_confirmed_yet_stands_beside_the_state_and_is_none(world: World) -> None:
    accounts = (await world.api.get("/accounts", limit=500)).items
    told = {a["account_id"]: a["provisional"] for a in accounts if a["provisional"]}
    waiting = (await world.api.get("/changes", outcome="provisional")).items

    assert {c["account_id"]: c["change_id"] for c in waiting if c["kind"] != "baseline"}.items() <= {
        i: p["change_id"] for i, p in told.items()
    }.items()
    assert told


HOSTILE = [
    ("GET", "/accounts?q=%00", 422, "query.q: This text contains a character that is not allowed."),
    ("GET", "/accounts?list=%00", 422, "query.list: This text contains a character that is not allowed."),
    ("GET", "/accounts?tag=" + "x" * 201, 422, "query.tag: String should have at most 200 characters."),
    ("GET", "/accounts?q=%FF%FE", 200, None),
    ("GET", "/accounts?q=%F0%9F%A6%A3%E2%80%AE", 200, None),
    ("GET", "/accounts?q=%25_%27%3B--", 200, None),
    ("GET", "/accounts/9223372036854775807", 422, "less than or equal to"),
    ("GET", "/accounts/99999999999999", 404, "There is no account 99999999999999."),
    ("GET", "/accounts/99999999999999/readings", 404, "There is no account 99999999999999."),
    ("GET", "/accounts/" + "9" * 5000, 422, "path.account_id"),
    ("GET", "/accounts/0", 422, "greater than or equal to 1"),
    ("GET", "/accounts/-1", 422, "greater than or equal to 1"),
    ("GET", "/accounts/1%0A", 404, "nothing at this address"),
    ("GET", "/accounts/%0A/readings", 404, "nothing at this address"),
    ("GET", "/accounts?limit=0", 422, "query.limit"),
    ("GET", "/accounts?limit=501", 422, "query.limit"),
    ("GET", "/accounts?status=blocked", 422, "query.status.0"),
    ("GET", "/accounts?country=india", 422, "query.country"),
    ("GET", "/statuses?at=2021-02-30T00:00:00Z", 422, "query.at: This is not a time"),
    ("GET", "/statuses?at=2021-02-01T00:00:00", 422, "query.at: This time has no zone"),
    ("GET", "/statuses?at=0001-01-01T00:00:00Z", 422, "The year must be between 1900 and 9998"),
    ("GET", "/statuses?at=9999-12-31T23:59:59-23:59", 422, "The year must be between 1900 and 9998"),
    ("GET", "/statuses?at=2031-01-01T00:00:00Z", 422, "query.at: This time is in the future"),
    ("GET", "/statuses?as_known_at=1612137600", 422, "query.as_known_at: This is not a time"),
    (
        "GET",
        "/changes?from=2021-02-02T00:00:00Z&to=2021-02-01T00:00:00Z",
        422,
        "query.to: `to` must be later",
    ),
    ("GET", "/changes?from=1900-01-01T00:00:00Z&to=9998-12-31T00:00:00Z", 200, None),
    ("GET", "/accounts/1/readings?from=9998-12-31T00:00:00Z", 200, None),
    ("GET", "/accounts/1/readings?to=1900-01-01T00:00:00Z", 200, None),
    ("GET", "/changes?list=Nobody", 404, "There is no list 'Nobody'; there are: Order 1 list"),
    (
        "GET",
        "/accounts?sttaus=withheld",
        422,
        "query.sttaus: There is no such field; this address accepts: pl",
    ),
    (
        "GET",
        "/accounts?platform=x&platform=bluesky",
        422,
        "query.platform: This field may be given only once",
    ),
    ("GET", "/accounts?status=withheld&status=suspended", 200, None),
    ("GET", "/standing?at=2021-01-01T00:00:00Z", 422, "this address accepts none"),
    ("GET", "/orders/1?limit=3", 422, "this address accepts: at, as_known_at"),
    ("GET", "/changes?since=2021-01-01T00:00:00Z", 422, "this address accepts: from, to, as_known_at"),
    ("GET", "/export/everything", 422, "path.kind"),
    ("GET", "/nothing", 404, "There is nothing at this address"),
    ("GET", "/", 404, "There is nothing at this address"),
    ("GET", "/accounts/", 404, "There is nothing at this address"),
    ("PUT", "/accounts", 405, "does not take that method"),
    ("POST", "/standing", 405, "does not take that method"),
]


@pytest.mark.parametrize(("method", "path", "status", "said"), HOSTILE, ids=[h[1][:60] for h in HOSTILE])
async def test_what_cannot_be_used_is_refused_in_a_sentence(
    world: World, method: str, path: str, status: int, said: str | None
) -> None:
    answer = await world.api.send(method, path)
    assert answer.status == status, answer.text
    if said is not None:
        assert said in answer.detail
        assert len(answer.text) < 2_000
