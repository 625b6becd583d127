"""What the API tells is what the store tells, page by page; what it refuses it refuses in a sentence."""

import json
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio

from dashboard.orders.facts import read_order
from dashboard.orders.order_json import order_json
from storage.accounts.tags import edit_tags
from storage.countries.measured_networks import record_days, record_failure
from storage.model.core.reachability import MeasuredDay
from storage.model.stories.stories import StoryFault
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings.readings import attempts_of, readings_of
from tests.support.clients.api import Api, api_served
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


GIVEN = {
    "kind": "government order",
    "said_by": "platform notice",
    "source": "notice.eml",
    "stated_on": "2021-01-25T00:00:00Z",
    "legal_basis": "Section 69A IT Act",
}


@pytest.fixture
async def api(played: Played, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as api:
        yield api


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        pytest.param({}, 422, "body: Give one of", id="about nothing"),
        pytest.param({"account_id": 1, "change_id": 1}, 422, "body: Give one of", id="about two things"),
        pytest.param({"account_id": 999}, 409, "There is no account 999.", id="about nobody"),
        pytest.param({"order": "none"}, 409, "There is no order 'none'.", id="about no order"),
        pytest.param({"account_id": 1, "kind": "weather"}, 422, "body.kind", id="no cause"),
        pytest.param(
            {"account_id": 1, "said_by": "press"},
            422,
            "body.speaker: speaker is empty",
            id="a nameless paper",
        ),
        pytest.param(
            {"account_id": 1, "stated_on": "2031-01-01T00:00:00Z"}, 422, "body.stated_on", id="not yet said"
        ),
    ],
)
async def test_what_cannot_be_a_cause_is_refused_and_nothing_is_stored(
    api: Api, given: dict[str, object], status: int, why: str
) -> None:
    refused = await api.send("POST", "/causes", {**GIVEN, **given})
    assert (refused.status, refused.detail.startswith(why)) == (status, True), refused.detail
    assert (await api.get("/causes")).items == []


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


STORIES_GIVEN = {
    "title": "All back",
    "list": "Order 1 list",
    "from": "2021-01-24T12:00:00Z",
    "to": "2021-01-28T00:00:00Z",
}
CAPTION = {"at": "2021-01-25T06:00:00Z", "text": "6 am: all back"}


async def test_what_does_not_fit_is_refused(api: Api) -> None:
    number = (await api.send("POST", "/written-stories", STORIES_GIVEN)).json["story_id"]
    where = f"/written-stories/{number}"
    wrong = [
        (
            "POST",
            "/written-stories",
            {**STORIES_GIVEN, "to": "2021-01-01T00:00:00Z"},
            409,
            StoryFault.ENDLESS.value,
        ),
        ("POST", "/written-stories", {**STORIES_GIVEN, "list": "Nowhere"}, 409, "There is no list 'Nowhere'"),
        ("POST", "/written-stories", {**STORIES_GIVEN, "title": ""}, 422, "body.title"),
        ("PUT", "/written-stories/999", STORIES_GIVEN, 404, "There is no story 999."),
        (
            "POST",
            f"{where}/captions",
            {**CAPTION, "at": "2021-02-01T00:00:00Z"},
            409,
            StoryFault.OUTSIDE.value,
        ),
        ("DELETE", "/captions/999", None, 409, "There is no caption 999."),
        (
            "GET",
            f"{where}/figures?as_known_at=2021-01-25T00:00:00Z",
            None,
            422,
            StoryFault.KNOWN_TOO_EARLY.value,
        ),
    ]
    for method, path, body, status, why in wrong:
        answer = await api.send(method, path, body)
        assert (answer.status, why in answer.detail) == (status, True), answer.text


TODAY = T0.date()
ASKED = TODAY - 30 * DAY, TODAY + DAY


@pytest_asyncio.fixture
async def networks_api(pool: Pool, dsn: str) -> AsyncGenerator[Api]:
    first, grown = (
        MeasuredDay("x.com", TODAY - DAY, 0, 2, 0, 1),
        MeasuredDay("x.com", TODAY - DAY, 1, 20, 3, 2),
    )
    async with transaction(pool) as conn:
        await record_days(conn, "TR", ASKED, [first], T0 - 9 * HOUR)
        await record_days(conn, "TR", ASKED, [grown], T0 - 3 * HOUR)
        await record_failure(conn, "TR", ASKED, "HTTP 502", T0 - HOUR)
    async with api_served(pool, dsn, T0) as served:
        yield served


async def test_only_the_days_of_the_range_are_given(networks_api: Api) -> None:
    after, around = {"from": T0}, {"from": T0 - DAY, "to": T0}
    assert (await networks_api.get("/networks/TR", None, **after)).json["days"] == []
    assert len((await networks_api.get("/networks/TR", None, **around)).json["days"]) == 1
