"""What the API tells is what the store tells, page by page; what it refuses it refuses in a sentence."""

import json
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from dashboard.orders.facts import read_order
from dashboard.orders.order_json import order_json
from storage.accounts.tags import edit_tags
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings.readings import attempts_of, readings_of
from tests.support.clients.api import Api
from tests.support.samples.readings import T0
from tests.support.seeds.alerts import Played, play_alerts
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


@pytest.mark.parametrize("path", ["/changes", "/spells", "/export/changes", "/export/spells"])
async def test_what_is_of_posts_and_what_is_of_accounts_can_be_asked_for(world: World, path: str) -> None:
    everything = await listed(world, path)
    posts, accounts = [await listed(world, path, post=post) for post in ("true", "false")]
    assert posts == [one for one in everything if one["post"]]
    assert accounts == [one for one in everything if not one["post"]]
    assert posts
    assert accounts


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
