"""The Mastodon simulator against the documented answers of real Mastodon, and against our own collector."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.simulator.app import serve_mastodon
from collectors.simulator.canaries import with_canaries
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import WITH_AUTHOR, History, settled
from collectors.simulator.platform_simulator import simulator_of
from collectors.simulator.server import SimulatorServer
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from storage.model.core.availability import MissedReason, State, Status
from storage.model.core.signals import SignalKind
from tests.support.samples.mastodon_answers import HOST, HOUR, OTHER_HOST, TOWN, native_id, one
from tests.support.samples.readings import T0

ACTIVITY = "application/activity+json"
PATHS = ("/api/v1/accounts/1001", "/users/name_1", f"/.well-known/webfinger?resource=acct:name_1@{HOST}")


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes
    json: Any


@asynccontextmanager
async def client(server: SimulatorServer, host: str = HOST) -> AsyncGenerator[aiohttp.ClientSession]:
    headers = {"Host": host, "Accept": ACTIVITY}
    async with aiohttp.ClientSession(server.base_url, headers=headers) as session:
        yield session


async def got(server: SimulatorServer, path: str, host: str = HOST, **params: str) -> Got:
    async with client(server, host) as session, session.get(path, params=params or None) as answer:
        body = await answer.read()
        is_json = "json" in answer.headers.get("Content-Type", "") and body != b""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Got(answer.status, headers, body, await answer.json(content_type=None) if is_json else None)


async def batch(server: SimulatorServer, *ids: int, host: str = HOST) -> Any:
    query = "&".join(f"id[]={number}" for number in ids)
    return (await got(server, f"/api/v1/accounts?{query}", host)).json


# statuses ------------------------------------------------------------------------------------------------


async def test_an_account_that_is_not_found_is_404_everywhere_and_left_out_of_a_batch() -> None:
    async with serve_mastodon(one(Status.NOT_FOUND)) as server:
        for path in (*PATHS, "/api/v1/accounts/lookup?acct=name_1", "/api/v1/accounts/1001/statuses"):
            assert (await got(server, path)).status == 404
        assert (await got(server, PATHS[0])).json == {"error": "Record not found"}
        assert (await got(server, PATHS[2])).body == b""
        assert await batch(server, 1001) == []


# servers -------------------------------------------------------------------------------------------------


async def test_a_host_that_is_none_of_the_history_is_misdirected_and_never_404() -> None:
    async with serve_mastodon(TOWN) as server:
        refused = await got(server, "/api/v1/accounts/1000", "127.0.0.1")
        assert refused.status == 421
        assert HOST in refused.json["error"]


async def test_a_domain_that_only_names_end_in_sends_webfinger_on_to_its_server() -> None:
    named = settled(MASTODON, native_id(1), [(T0, State(Status.AVAILABLE), "name_1@example.org")])
    async with serve_mastodon(History((named,))) as server:
        url = f"{server.base_url}/.well-known/webfinger?resource=acct:name_1@example.org"
        headers = {"Host": "example.org"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            assert answer.status == 301
            assert answer.headers["Location"].startswith(f"https://{HOST}/.well-known/webfinger?")
        jrd = await got(server, "/.well-known/webfinger", resource="acct:name_1@example.org")
        assert jrd.json["subject"] == "acct:name_1@example.org"


async def test_the_contact_of_a_server_is_a_control_account() -> None:
    async with serve_mastodon(with_canaries(TOWN)) as server:
        said = (await got(server, "/api/v2/instance", OTHER_HOST)).json
        assert said["domain"] == OTHER_HOST
        assert said["contact"]["account"]["uri"] == f"https://{OTHER_HOST}/users/blockline_stable_1"
        blocks = await got(server, "/api/v1/instance/domain_blocks")
        assert (blocks.status, blocks.json) == (200, [])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/accounts/999", 404),
        ("/api/v1/accounts/lookup", 404),
        ("/.well-known/webfinger", 400),
        ("/users/nobody", 404),
        ("/api/v1/timelines/public", 404),
        ("/api/v1/accounts?" + "&".join(f"id[]={n}" for n in range(41)), 422),
    ],
)
async def test_what_a_server_refuses_is_refused(path: str, status: int) -> None:
    async with serve_mastodon(TOWN) as server:
        assert (await got(server, path)).status == status


async def test_the_page_of_a_profile_is_html_unless_the_actor_is_asked_for() -> None:
    async with serve_mastodon(TOWN) as server, aiohttp.ClientSession(server.base_url) as session:
        headers = {"Host": HOST, "Accept": "text/html"}
        async with session.get("/@name_0", headers=headers) as answer:
            assert answer.content_type == "text/html"
        assert (await got(server, "/@name_0")).json["id"] == f"https://{HOST}/users/name_0"


# watched posts -------------------------------------------------------------------------------------------


def post_history(status: Status, *, with_author: bool = False) -> History:
    """Post 77 of somebody whom the history does not name, which never changes."""
    seen = [(T0, State(status), f"name_7@{HOST}/77")]
    details = {T0: WITH_AUTHOR} if with_author else {}
    return History((settled(MASTODON, f"https://{HOST}/@name_7/77", seen, details=details),))


POST_PATHS = ("/api/v1/statuses/77", "/@name_7/77", "/users/name_7/statuses/77")
AUTHOR_PATHS = ("/api/v1/accounts/lookup?acct=name_7", f"/.well-known/webfinger?resource=acct:name_7@{HOST}")


@pytest.mark.parametrize(
    ("history", "statuses", "authors"),
    [
        pytest.param(post_history(Status.AVAILABLE), [200, 200, 200], [200, 200], id="there"),
        pytest.param(
            post_history(Status.DEACTIVATED), [200, 200, 200], [200, 200], id="a status that it never shows"
        ),
        pytest.param(post_history(Status.NOT_FOUND), [404, 404, 404], [200, 200], id="gone alone"),
        pytest.param(
            post_history(Status.NOT_FOUND, with_author=True),
            [404, 404, 404],
            [404, 404],
            id="with its author",
        ),
        pytest.param(post_history(Status.SUSPENDED), [404, 403, 403], [200, 200], id="author suspended"),
    ],
)
async def test_a_post_and_its_author_are_shown_as_the_history_says(
    history: History, statuses: list[int], authors: list[int]
) -> None:
    async with serve_mastodon(history) as server:
        assert [(await got(server, path)).status for path in POST_PATHS] == statuses
        found = [await got(server, path) for path in AUTHOR_PATHS]
        assert [one.status for one in found] == authors
        is_suspended = history.accounts[0].states[0].status is Status.SUSPENDED
        assert (b'"suspended":true' in found[0].body) is is_suspended
        listed = (await got(server, "/api/v1/statuses?id[]=77&id[]=78")).json
        assert [one["id"] for one in listed] == (["77"] if statuses[0] == 200 else [])


async def test_an_author_whom_the_history_names_has_the_statuses_given_there() -> None:
    (alone,) = post_history(Status.NOT_FOUND).accounts
    author = settled(
        MASTODON, f"https://{HOST}/users/name_7#7", [(T0, State(Status.SUSPENDED), f"name_7@{HOST}")]
    )
    async with serve_mastodon(History((alone, author))) as server:
        assert (await got(server, AUTHOR_PATHS[0])).json["id"] == "7"
        assert (await got(server, AUTHOR_PATHS[0])).json["suspended"] is True


# time ----------------------------------------------------------------------------------------------------


async def test_the_clock_is_set_and_the_counts_are_read_over_http() -> None:
    async with serve_mastodon(TOWN) as server, client(server) as session:
        assert "suspended" not in (await got(server, "/api/v1/accounts/1000")).json
        async with session.put("/_simulator/clock", json={"now": (T0 + HOUR).isoformat()}) as answer:
            assert answer.status == 204
        assert (await got(server, "/api/v1/accounts/1000")).json["suspended"] is True
        async with session.put("/_simulator/clock", json={"now": "soon"}) as answer:
            assert answer.status == 400
        async with session.post("/api/v1/accounts") as answer:
            assert answer.status == 405
        async with session.get("/_simulator/counts") as answer:
            assert await answer.json() == {"accounts/:id": {"requests": 2, "ids": 2}}


# posts ---------------------------------------------------------------------------------------------------

ACTOR, FAN = native_id(1), native_id(2, OTHER_HOST)
THEIR_POST = f"https://{OTHER_HOST}/users/name_2/statuses/77"


def act(kind: SignalKind, hour: int, post: int) -> SimulatedAct:
    needs_target = kind in {SignalKind.REPLY, SignalKind.QUOTE, SignalKind.REPOST}
    target, author = (THEIR_POST, FAN) if needs_target else (None, None)
    return SimulatedAct(ACTOR, T0 + hour * HOUR, kind, str(post), target, author)


ACTS = (
    act(SignalKind.POST, 0, 10),
    act(SignalKind.REPLY, 1, 20),
    act(SignalKind.QUOTE, 2, 30),
    act(SignalKind.REPOST, 3, 40),
    SimulatedAct(FAN, T0 + HOUR, SignalKind.LIKE, "10", None, ACTOR),
)
CALM = History(
    tuple(
        settled(MASTODON, who, [(T0, State(Status.AVAILABLE), handle)])
        for who, handle in ((ACTOR, f"name_1@{HOST}"), (FAN, f"name_2@{OTHER_HOST}"))
    )
)


async def test_posts_say_what_they_reply_to_boost_or_quote() -> None:
    async with serve_mastodon(CALM, acts=ACTS, now=T0 + 3 * HOUR) as server:
        boost, quote, reply, post = (await got(server, "/api/v1/accounts/1001/statuses")).json
        assert boost["reblog"]["uri"] == THEIR_POST
        assert boost["reblog"]["account"]["acct"] == f"name_2@{OTHER_HOST}"
        assert quote["quote"]["quoted_status"]["uri"] == THEIR_POST
        assert reply["in_reply_to_id"] is not None
        assert reply["in_reply_to_account_id"] == boost["reblog"]["account"]["id"] != "1002"
        assert post["uri"] == f"https://{HOST}/users/name_1/statuses/10"
        server.set_clock(T0 + HOUR)
        assert len((await got(server, "/api/v1/accounts/1001/statuses")).json) == 2


async def test_who_favourited_a_post_is_said_by_its_home_server_from_then_on() -> None:
    async with serve_mastodon(CALM, acts=ACTS) as server:
        path = "/api/v1/statuses/10/favourited_by"
        assert (await got(server, path)).json == []
        server.set_clock(T0 + HOUR)
        (fan,) = (await got(server, path)).json
        assert (fan["uri"], fan["acct"]) == (f"https://{OTHER_HOST}/users/name_2", f"name_2@{OTHER_HOST}")
        assert (await got(server, "/api/v1/statuses/11/favourited_by")).status == 404


async def test_an_actor_that_the_history_does_not_know_is_available() -> None:
    async with serve_mastodon(History(()), acts=ACTS[:1], now=T0) as server:
        assert (await got(server, "/api/v1/accounts/1001")).json["acct"] == "name_1"


# faults --------------------------------------------------------------------------------------------------

REASONS: dict[FaultKind, MissedReason | None] = {
    FaultKind.RESET: MissedReason.NETWORK,
    FaultKind.HANG: MissedReason.NETWORK,
    FaultKind.UNAUTHORIZED: MissedReason.ACCESS,
    FaultKind.CREDITS: MissedReason.ACCESS,
    FaultKind.FORBIDDEN: MissedReason.ACCESS,
    FaultKind.LIMIT_WITHOUT_RESET: MissedReason.RATE_LIMITED,
    FaultKind.LIMIT_PAST_RESET: MissedReason.RATE_LIMITED,
    FaultKind.LIMIT_ABSURD_RESET: MissedReason.RATE_LIMITED,
    FaultKind.LIMIT_HTML: MissedReason.RATE_LIMITED,
    FaultKind.USAGE_CAPPED: MissedReason.RATE_LIMITED,
    FaultKind.UNAVAILABLE_HTML: MissedReason.UPSTREAM,
    FaultKind.UNAVAILABLE_JSON: MissedReason.UPSTREAM,
    FaultKind.UNKNOWN_PATH: None,
    FaultKind.REDIRECT: MissedReason.UPSTREAM,
    FaultKind.BAD_REQUEST: MissedReason.BAD_REQUEST,
    FaultKind.EXPIRED_PAGE: None,
    FaultKind.TRUNCATED: MissedReason.MALFORMED,
    FaultKind.HTML: MissedReason.MALFORMED,
    FaultKind.EMPTY: MissedReason.MALFORMED,
    FaultKind.NULL: MissedReason.MALFORMED,
    FaultKind.OMITTED: None,
    FaultKind.CONTRADICTORY: MissedReason.CONTRADICTORY,
    FaultKind.ODD_ERROR: MissedReason.MALFORMED,
    FaultKind.NO_PROTECTED: None,
    FaultKind.ODD_WITHHELD: None,
    FaultKind.FOREIGN_ERROR: None,
    FaultKind.HOST_DOWN: MissedReason.UPSTREAM,
    FaultKind.LABELER_SILENT: None,
    FaultKind.LABELS_DROPPED: None,
    FaultKind.SLOW: None,
    FaultKind.NEW_HOST: None,
}
"""Why accounts are missed under each kind; None where everything is read all the same."""

ONE_HOST = History(tuple(a for a in TOWN.accounts if f"//{HOST}/" in a.native_id))
FAST = HttpOptions(retry=Retry(attempts=0), guard=Guard())


@asynccontextmanager
async def watched(faults: FaultPlan) -> AsyncGenerator[tuple[SimulatorServer, MastodonCollector]]:
    async with (
        serve_mastodon(ONE_HOST, faults=faults) as server,
        MastodonCollector(origins={HOST: server.base_url}, http=FAST) as collector,
    ):
        yield server, collector


@pytest.mark.parametrize("kind", REASONS)
async def test_no_fault_makes_a_reading_that_differs_from_the_truth(kind: FaultKind) -> None:
    async with watched(FaultPlan({kind: 100_000}, hang_s=0.01, slow_s=0.001)) as (server, collector):
        reasons: set[MissedReason] = set()
        for n in range(12):
            now = T0 + n * HOUR
            server.set_clock(now)
            truth = {a.native_id: simulator_of(MASTODON).visible(a.at(now)) for a in ONE_HOST.accounts}
            answer = await collector.read(list(truth), now)
            assert {r.native_id: r.state for r in answer.readings}.items() <= truth.items()
            assert sorted(s.native_id for s in (*answer.readings, *answer.missed)) == sorted(truth)
            reasons |= {miss.reason for miss in answer.missed}
            if REASONS[kind] is None:
                assert not answer.missed
        assert reasons <= {REASONS[kind]}
        assert bool(reasons) == (REASONS[kind] is not None)
