"""Whom an X user follows, page by page, what it costs, and when a list is not to be compared."""

from collections.abc import Callable

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.abilities import Follows
from collectors.core.collector import RequestFailure
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.wire.follows import (
    MAX_PAGES,
    FollowsListing,
    FollowsPage,
    price_of,
    price_sentence,
)
from storage.model.core.availability import MissedReason, State, Status
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import MINUTE, T0
from tests.support.samples.x_answers import body
from tests.support.simulated.scripted_x import collector, plain, scripted

EXECUTIVE = "310000001"


def follow(target: int, minute: float = 0, kind: SignalKind = SignalKind.FOLLOW) -> SimulatedAct:
    return SimulatedAct(EXECUTIVE, T0 + minute * MINUTE, kind, str(target), str(target), None)


def page(*ids: str, token: str | None = None, **parts: object) -> bytes:
    users = [{"id": i, "name": "n", "username": f"h{i}"} for i in ids]
    meta = {"result_count": len(ids)} | ({} if token is None else {"next_token": token})
    return body(data=users, meta=meta, **parts)


# one page ------------------------------------------------------------------------------------------------


# counts and prices ---------------------------------------------------------------------------------------


def test_a_reading_costs_a_cent_for_each_user_returned() -> None:
    assert price_of([]) == 0
    assert price_of([2000]) == 20.00
    assert price_of([340, 1200, 7]) == 15.47
    assert price_sentence([2000]) == (
        "Reading whom 1 executive follows costs about $20.00 each time they are read."
    )
    assert price_sentence([90_000, 60_000]) == (
        "Reading whom 2 executives follow costs about $1,500.00 each time they are read."
    )


# pages put together --------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(1, 50), max_size=8), min_size=1, max_size=MAX_PAGES))
def test_a_listing_is_complete_once_its_last_page_is_in(pages: list[list[int]]) -> None:
    listing = FollowsListing()
    for n, ids in enumerate(pages):
        token = str(n) if n + 1 < len(pages) else None
        assert listing.add(FollowsPage(tuple((str(i), "h") for i in ids), token, whole=True)) == token
    said = listing.so_far()
    assert said.complete
    assert {i for i, _ in said.targets} == {str(i) for ids in pages for i in ids}


@pytest.mark.parametrize(
    ("tokens", "pages"),
    [
        pytest.param(["a", "a"], 2, id="a token that comes back would go round for ever"),
        pytest.param([str(n) for n in range(99)], MAX_PAGES, id="a list beyond what may be spent"),
    ],
)
def test_a_listing_that_is_ended_by_us_is_not_complete(tokens: list[str], pages: int) -> None:
    listing = FollowsListing()
    for token in tokens:
        if listing.add(FollowsPage((("7", "h"),), token, whole=True)) is None:
            break
    assert listing.pages == pages
    assert not listing.so_far().complete


# over real sockets ---------------------------------------------------------------------------------------


async def test_the_list_is_that_of_the_time_without_those_who_cannot_be_seen() -> None:
    suspended = settled(
        X,
        "7",
        [(T0, State(Status.AVAILABLE), "a"), (T0 + 2 * MINUTE, State(Status.SUSPENDED), "a")],
    )
    acts = [follow(7), follow(8), follow(9, 1), follow(8, 1, SignalKind.UNFOLLOW)]
    async with serve_x(History((suspended,)), acts=acts, now=T0) as server, collector(server.base_url) as x:
        seen: list[set[str]] = []
        for minute in range(3):
            server.set_clock(T0 + minute * MINUTE)
            said = await x.follows(EXECUTIVE, T0)
            assert isinstance(said, Follows)
            seen.append({target for target, _ in said.targets})
        assert seen == [{"7", "8"}, {"7", "9"}, {"9"}]


async def test_a_used_up_limit_of_this_list_does_not_stop_the_lookups() -> None:
    async with (
        serve_x(History(()), acts=[follow(7)], now=T0, limit={"users/:id/following": 1}) as server,
        collector(server.base_url) as x,
    ):
        assert isinstance(await x.follows(EXECUTIVE, T0), Follows)
        second = await x.follows(EXECUTIVE, T0)
        assert isinstance(second, RequestFailure)
        assert second.reason is MissedReason.RATE_LIMITED
        assert (await x.read([EXECUTIVE], T0)).readings
        assert server.counts["users/:id/following"] == {"requests": 1, "ids": 1, "refused": 0}


@pytest.mark.parametrize(
    ("script", "reason", "breaker"),
    [
        pytest.param(plain(401), MissedReason.AUTH, True, id="a bad token"),
        pytest.param(plain(402), MissedReason.CREDITS, True, id="no credits"),
        pytest.param(plain(403), MissedReason.ACCESS, False, id="a plan without lists still looks up"),
        pytest.param(plain(503), MissedReason.UPSTREAM, False, id="X is down"),
    ],
)
async def test_counts_and_lists_share_the_pauses_of_the_lookups(
    script: Callable[[web.BaseRequest], web.Response], reason: MissedReason, breaker: bool
) -> None:
    async with scripted(script) as server, collector(server.base_url) as x:
        said = await x.follows(EXECUTIVE, T0)
        assert isinstance(said, RequestFailure)
        assert (said.reason, said.breaker) == (reason, breaker)
        counts = await x.following_counts([EXECUTIVE], T0)
        assert isinstance(counts, RequestFailure)
        assert len(server.asked) == (1 if breaker else 2)


async def test_what_is_no_id_is_not_asked_for() -> None:
    async with collector("http://127.0.0.1:9") as x:
        with pytest.raises(ValueError, match="of X"):
            await x.follows("me", T0)
        with pytest.raises(ValueError, match="at most 100"):
            await x.following_counts([str(n) for n in range(101)], T0)
        assert await x.following_counts(["me"], T0) == {}
