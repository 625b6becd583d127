"""The simulator against X's recorded answers."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from collectors.simulator.engagement_file import SimulatedAct, parse_acts
from collectors.simulator.history import History, HistoryAccount, parse_history
from collectors.x.declaration import post_of
from collectors.x.scenario.india import Scenario, pace, scenario
from collectors.x.simulator.app import XServer, serve_x
from collectors.x.simulator.payloads import Spelling
from collectors.x.simulator.rate_limits import DOCUMENTED_LIMITS
from storage.model.core.availability import Status
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import T0
from tests.support.samples.x_answers import CROWD, HOUR, one, recorded_json

LOCKED, GONE, OTHER, AUTHOR = "1500850517966311430", "481186914", "2244994945", "310000001"


@asynccontextmanager
async def client(server: XServer) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.base_url, headers={"Authorization": "Bearer t"}) as session:
        yield session


async def got(server: XServer, path: str, **params: str) -> Any:
    async with client(server) as session, session.get(path, params=params) as response:
        assert response.status == 200
        return await response.json()


def act(
    kind: SignalKind, hour: int, post: int, target: str | None = None, author: str | None = None
) -> SimulatedAct:
    return SimulatedAct(AUTHOR, T0 + hour * HOUR, kind, f"13560000000000000{post}", target, author)


ACTS = (
    act(SignalKind.POST, 5, 10),
    act(SignalKind.REPLY, 6, 20, "1355000000000000003", "777"),
    act(SignalKind.QUOTE, 7, 30, "1355000000000000002", "666"),
    act(SignalKind.REPOST, 8, 40, "1355000000000000001", "555"),
)


@pytest.mark.parametrize("spelling", Spelling)
async def test_a_timeline_is_that_of_the_time_in_either_spelling(spelling: Spelling) -> None:
    params = {
        f"{spelling}.fields": f"author_id,created_at,in_reply_to_user_id,referenced_{spelling}s",
        "expansions": f"referenced_{spelling}s.id",
    }
    async with serve_x(History(()), acts=ACTS, now=T0 + 8 * HOUR, spelling=spelling) as server:
        whole = await got(server, f"/2/users/{AUTHOR}/tweets", **params)
        want = recorded_json(f"timeline_{spelling}s")
        assert whole["data"] == want["data"]
        assert whole["meta"] == want["meta"]
        assert sorted(map(str, whole["includes"][f"{spelling}s"])) == sorted(
            map(str, want["includes"][f"{spelling}s"])
        )
        server.set_clock(T0 + 6 * HOUR)
        earlier = await got(server, f"/2/users/{AUTHOR}/tweets", **params)
        assert [post["id"] for post in earlier["data"]] == ["1356000000000000020", "1356000000000000010"]


async def test_pages_of_a_timeline_follow_each_other_down_to_since_id() -> None:
    acts = [act(SignalKind.POST, 0, n) for n in range(10, 22)]
    async with serve_x(History(()), acts=acts, now=T0) as server:
        params = {"max_results": "5", "since_id": "1356000000000000010"}
        seen: list[str] = []
        while True:
            page = await got(server, f"/2/users/{AUTHOR}/tweets", **params)
            seen += [post["id"][-2:] for post in page["data"]]
            if "next_token" not in page["meta"]:
                break
            params["pagination_token"] = page["meta"]["next_token"]
        assert seen == [str(n) for n in range(21, 10, -1)]


async def test_optional_fields_come_only_when_they_are_asked_for() -> None:
    async with serve_x(one(OTHER, "Somebody", Status.WITHHELD, "IN")) as server:
        bare = await got(server, "/2/users", ids=OTHER)
        assert bare == {"data": [{"id": OTHER, "name": "Somebody", "username": "Somebody"}]}
        full = await got(server, f"/2/users/{OTHER}", **{"user.fields": "created_at,verified,public_metrics"})
        assert full["data"].keys() == {"id", "name", "username", "created_at", "verified", "public_metrics"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/2/users?ids=7,seven", 400),
        ("/2/users?ids=", 400),
        ("/2/users?ids=" + ",".join(str(n) for n in range(101)), 400),
        ("/2/users/by?usernames=no-dash", 400),
        ("/2/users/seven", 400),
        ("/2/tweets?ids=seven", 400),
        ("/2/tweets?ids=" + ",".join(str(n) for n in range(101)), 400),
        ("/2/users/7/tweets?max_results=4", 400),
        ("/2/users/7/tweets?since_id=x", 400),
        ("/2/users/7/tweets?pagination_token=x", 400),
        ("/2/users/1000/following?max_results=0", 400),
        ("/2/users/1000/following?max_results=1001", 400),
        ("/2/users/1000/following?pagination_token=x", 400),
        ("/2/users/7/liked_tweets", 403),
        ("/2/users/7/followers", 404),
        ("/1.1/users/show.json", 404),
    ],
)
async def test_what_x_refuses_is_refused(path: str, status: int) -> None:
    async with serve_x(CROWD) as server, client(server) as session, session.get(path) as response:
        assert response.status == status
        if status == 404:
            assert await response.read() == b""
        else:
            assert (await response.json())["title"]


async def test_a_request_needs_the_token() -> None:
    async with (
        serve_x(CROWD, bearer_token="right") as server,
        aiohttp.ClientSession(server.base_url) as session,
    ):
        for header, status in (("", 401), ("Bearer wrong", 401), ("Bearer right", 200)):
            async with session.get("/2/users?ids=1000", headers={"Authorization": header}) as response:
                assert response.status == status


async def test_each_endpoint_has_its_documented_limit() -> None:
    async with serve_x(CROWD, limit=DOCUMENTED_LIMITS) as server, client(server) as session:
        for path, limit in (
            ("users?ids=1000", "300"),
            ("users/1000/tweets", "10000"),
            ("users/1000/liked_tweets", "75"),
            ("tweets?ids=1000", "3500"),
        ):
            async with session.get(f"/2/{path}") as response:
                assert response.headers["x-rate-limit-limit"] == limit


async def test_a_refused_request_is_counted_as_such_and_takes_nothing_from_the_window() -> None:
    async with serve_x(CROWD, limit={"users": 1}) as server, client(server) as session:
        for status in (200, 429, 429):
            async with session.get("/2/users?ids=1000") as response:
                assert response.status == status
        assert server.counts == {"users": {"requests": 3, "ids": 1, "refused": 2}}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/2/users", 405),
        ("POST", "/2/compliance/jobs", 400),
        ("GET", "/2/compliance/jobs/7", 404),
        ("DELETE", "/2/compliance/jobs/7", 404),
        ("PUT", "/_storage/submission/1000000", 403),
        ("GET", "/_storage/delivery/1000000", 403),
    ],
)
async def test_only_what_x_has_can_be_written_to(method: str, path: str, status: int) -> None:
    async with serve_x(CROWD) as server, client(server) as session:
        async with session.post("/2/compliance/jobs", json={"type": "users"}) as response:
            assert response.status == 200
        async with session.request(method, path, data=b"7") as response:
            assert response.status == status


ORDER_1 = "Order 1: 257 accounts"
ORDER_2 = "Order 2: 1,178 accounts"


@pytest.fixture(scope="module")
def story() -> Scenario:
    return scenario()


@pytest.fixture(scope="module")
def truth(story: Scenario) -> dict[str, HistoryAccount]:
    return {a.native_id: a for a in parse_history(story.to_csv(), "india.csv").accounts}


def members(story: Scenario, name: str) -> set[str]:
    """The accounts on a list, without its posts."""
    on_it = next({a.native_id for a in each.accounts} for each in story.lists if each.name == name)
    return {native_id for native_id in on_it if post_of(native_id) is None}


def on(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2021, 2, day, hour, minute, tzinfo=UTC)


def test_300_accounts_are_under_no_order_and_almost_none_of_them_ever_changes(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    listed = set[str]().union(*(members(story, each.name) for each in story.lists))
    quiet = listed - members(story, ORDER_1) - members(story, ORDER_2)
    assert len(quiet) == 300
    changed = [i for i in quiet if len(truth[i].states) > 1]
    assert len(changed) == 5
    assert not any(state.status.is_blocked for i in quiet for state in truth[i].states)


def test_both_executives_act_on_most_days_with_a_burst_between_notice_and_second_order(
    story: Scenario,
) -> None:
    acts = parse_acts(story.acts_csv(), "acts.csv")
    assert Counter(acts) == Counter(story.acts)
    for executive in story.executives:
        own = [a for a in acts if a.actor_id == executive.account.native_id]
        days = Counter(a.at.date() for a in own)
        assert len(days) == 14
        in_burst = sum(on(3, 14) <= a.at <= on(4, 5) for a in own)
        assert in_burst > 2 * (len(own) - in_burst) / 14
    kinds = {a.kind for a in acts}
    assert kinds == {SignalKind.POST, SignalKind.REPOST, SignalKind.QUOTE, SignalKind.REPLY}
    assert len({a.post_id for a in acts}) == len(acts)


def test_outside_the_scenario_the_pace_is_that_of_the_nearest_stretch(story: Scenario) -> None:
    assert pace(story.start - timedelta(days=9)) == pace(story.start)
    assert pace(story.end + timedelta(days=9)) == pace(story.end - timedelta(hours=1))
