"""Whom an X user follows, page by page, what it costs, and when a list is not to be compared."""

from collections.abc import Callable

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.abilities import Follows
from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.wire.envelope import UnreadableResource
from collectors.x.wire.follows import (
    MAX_PAGES,
    FollowsListing,
    FollowsPage,
    price_of,
    price_sentence,
    read_counts,
    read_following,
)
from storage.model.core.availability import MissedReason, State, Status
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import MINUTE, T0
from tests.support.samples.x_answers import ERROR, ID, OTHER, USER, body, recorded
from tests.support.simulated.scripted_x import collector, plain, scripted

EXECUTIVE = "310000001"


def follow(target: int, minute: float = 0, kind: SignalKind = SignalKind.FOLLOW) -> SimulatedAct:
    return SimulatedAct(EXECUTIVE, T0 + minute * MINUTE, kind, str(target), str(target), None)


def page(*ids: str, token: str | None = None, **parts: object) -> bytes:
    users = [{"id": i, "name": "n", "username": f"h{i}"} for i in ids]
    meta = {"result_count": len(ids)} | ({} if token is None else {"next_token": token})
    return body(data=users, meta=meta, **parts)


# one page ------------------------------------------------------------------------------------------------


def test_a_page_lists_ids_and_handles_and_says_where_the_next_one_is() -> None:
    said = read_following(200, page("7", "8", token="abc"), ID)
    assert said == FollowsPage((("7", "h7"), ("8", "h8")), "abc", whole=True)


@pytest.mark.parametrize(
    ("status", "answer", "want"),
    [
        pytest.param(200, body(meta={"result_count": 0}), (), id="who follows nobody has an empty page"),
        pytest.param(
            200, body(data=[{"id": "7"}], meta={}), (("7", ""),), id="a target without a handle is a target"
        ),
        pytest.param(
            200,
            body(data=[{"id": "7"}, {"username": "x"}], meta={}),
            MissedReason.MALFORMED,
            id="a target without an id spoils the page: passed over it would look unfollowed",
        ),
        pytest.param(200, body(data=[None], meta={}), MissedReason.MALFORMED, id="an item is an object"),
        pytest.param(
            200,
            body(data=[{"id": 7}], meta={}),
            MissedReason.MALFORMED,
            id="a number is no id",
        ),
        pytest.param(
            200, page("7", token="a")[:-9], MissedReason.MALFORMED, id="a truncated page is no page"
        ),
        pytest.param(
            200, body(data=[], meta={"next_token": 5}), MissedReason.MALFORMED, id="an odd token spoils it"
        ),
        pytest.param(200, body(errors=[]), MissedReason.MALFORMED, id="neither data nor meta is no page"),
        pytest.param(404, b"", MissedReason.UPSTREAM, id="404 is not an empty list"),
        pytest.param(429, b"", MissedReason.RATE_LIMITED, id="429 is not an empty list"),
        pytest.param(402, b"", MissedReason.CREDITS, id="402 is not an empty list"),
        pytest.param(403, b"", MissedReason.ACCESS, id="403 is not an empty list"),
    ],
)
def test_a_page_is_used_whole_or_not_at_all(
    status: int, answer: bytes, want: tuple[tuple[str, str], ...] | MissedReason
) -> None:
    said = read_following(status, answer, ID)
    assert not isinstance(said, UnreadableResource)
    assert (said.reason if isinstance(said, WireFault) else said.targets) == want


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("name", ["protected_timeline", "suspended_timeline"])
def test_a_list_that_x_does_not_show_is_about_that_user_alone(name: str, status: int) -> None:
    assert isinstance(read_following(status, recorded(name), "1500850517966311430"), UnreadableResource)


def test_a_page_that_could_not_show_somebody_is_not_the_whole_page() -> None:
    said = read_following(200, page("7", errors=[{**ERROR, "value": OTHER, "resource_id": OTHER}]), ID)
    assert said == FollowsPage((("7", "h7"),), None, whole=False)


# counts and prices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metrics", "want"),
    [
        pytest.param({"following_count": 340}, {ID: 340}, id="X's own count"),
        pytest.param({"following_count": 0}, {ID: 0}, id="zero is a count"),
        pytest.param({}, {}, id="no count is not zero"),
        pytest.param(None, {}, id="no metrics are not zero"),
        pytest.param({"following_count": True}, {}, id="true is not one"),
        pytest.param({"following_count": -1}, {}, id="a negative count is none"),
        pytest.param({"following_count": "340"}, {}, id="a text is no count"),
    ],
)
def test_a_count_is_what_x_states_or_not_known(metrics: object, want: dict[str, int]) -> None:
    answer = body(data=[{**USER, "public_metrics": metrics}, {**USER, "id": "1"}])
    assert read_counts(200, answer, [ID, OTHER]) == want


def test_a_lookup_that_failed_states_no_counts() -> None:
    assert isinstance(read_counts(503, b"", [ID]), WireFault)


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


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
async def test_every_page_is_read(count: int) -> None:
    acts = [follow(5000 + n, n / 1000) for n in range(count)] or [follow(1, kind=SignalKind.UNFOLLOW)]
    now = T0 + 5 * MINUTE
    async with serve_x(History(()), acts=acts, now=now) as server, collector(server.base_url) as x:
        said = await x.follows(EXECUTIVE, now)
        assert isinstance(said, Follows)
        assert said.complete
        assert [target for target, _ in said.targets] == [str(5000 + n) for n in reversed(range(count))]
        assert server.counts["users/:id/following"]["requests"] == max(1, -(-count // 1000))
        assert await x.following_counts([EXECUTIVE, "404404"], now) == {EXECUTIVE: count}


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


@pytest.mark.parametrize("status", [Status.PROTECTED, Status.SUSPENDED, Status.NOT_FOUND])
async def test_an_unreadable_list_is_trouble_of_that_user_alone(status: Status) -> None:
    history = History((settled(X, EXECUTIVE, [(T0, State(status), "a")]),))
    async with serve_x(history) as server, collector(server.base_url) as x:
        for _ in range(2):
            said = await x.follows(EXECUTIVE, T0)
            assert isinstance(said, RequestFailure)
            assert (said.reason, said.breaker) == (MissedReason.ACCESS, False)
        assert server.counts["users/:id/following"]["requests"] == 2


@pytest.mark.parametrize(
    "kind", [FaultKind.EXPIRED_PAGE, FaultKind.UNAVAILABLE_HTML, FaultKind.TRUNCATED, FaultKind.LIMIT_HTML]
)
async def test_a_reading_that_fails_on_any_page_is_never_complete(kind: FaultKind) -> None:
    acts = [follow(5000 + n) for n in range(1500)]
    async with (
        serve_x(History(()), acts=acts, now=T0, faults=FaultPlan({kind: 100_000})) as server,
        collector(server.base_url) as x,
    ):
        said = await x.follows(EXECUTIVE, T0)
    if kind is FaultKind.EXPIRED_PAGE:
        assert isinstance(said, Follows)
        assert not said.complete
        assert len(said.targets) == 1000
        assert said.trouble is not None
    else:
        assert isinstance(said, RequestFailure)


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


async def test_tweepy_asks_for_a_thousand_at_a_time() -> None:
    async with scripted(plain(200, page("7"))) as server, collector(server.base_url) as x:
        await x.follows(EXECUTIVE, T0)
        (request,) = server.asked
    assert request.path == f"/2/users/{EXECUTIVE}/following"
    assert dict(request.rel_url.query) == {"max_results": "1000"}


async def test_what_is_no_id_is_not_asked_for() -> None:
    async with collector("http://127.0.0.1:9") as x:
        with pytest.raises(ValueError, match="of X"):
            await x.follows("me", T0)
        with pytest.raises(ValueError, match="at most 100"):
            await x.following_counts([str(n) for n in range(101)], T0)
        assert await x.following_counts(["me"], T0) == {}
