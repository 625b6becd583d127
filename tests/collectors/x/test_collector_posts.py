"""Posts on X over real sockets: what is sent, what the simulator's worst makes of them, and their handles."""

from datetime import datetime

import pytest

from collectors.core.collector import UnresolvedReason
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import WITH_AUTHOR, History, HistoryAccount, settled
from collectors.simulator.history_conversion import recast
from collectors.simulator.platform_simulator import simulator_of
from collectors.x.client import POST_SPELLING, TWEET_SPELLING
from collectors.x.collector import XCollector
from collectors.x.declaration import DECLARATION, X
from collectors.x.simulator.app import XServer, serve_x
from collectors.x.simulator.payloads import Spelling
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, Reading, State, Status
from tests.collectors.x.test_collector import ABOUT_ONE, LIES, REASONS
from tests.support.samples.readings import T0
from tests.support.samples.x_answers import HOUR
from tests.support.simulated.scripted_x import ONCE, collector, plain, scripted

STATES = [
    (State(Status.AVAILABLE), ""),
    (State(Status.WITHHELD, ("IN",)), ""),
    (State(Status.WITHHELD, ("IN", "TR")), WITH_AUTHOR),
    (State(Status.NOT_FOUND), ""),
    (State(Status.AVAILABLE), ""),
    (State(Status.SUSPENDED), WITH_AUTHOR),
    (State(Status.PROTECTED), WITH_AUTHOR),
    (State(Status.DEACTIVATED), ""),
    (State(Status.SUSPENDED), ""),
]
"""Post i begins with the i-th of these and goes on to the next one every hour."""


def _post(number: int) -> HistoryAccount:
    steps = [(T0 + n * HOUR, *STATES[(number + n) % len(STATES)]) for n in range(9)]
    return settled(
        X,
        f"post:{number}",
        [(at, state, f"author_{number}/{number}") for at, state, _ in steps],
        details={at: detail for at, _, detail in steps},
    )


POSTS = History(tuple(_post(2000 + n) for n in range(27)))
"""Three of each state."""


def seen(post: HistoryAccount, now: datetime) -> tuple[State, frozenset[Flag]]:
    """What X shows of a post: written apart from the simulator."""
    state, with_author = post.at(now), post.detail_at(now) == WITH_AUTHOR
    if state.status in {Status.AVAILABLE, Status.WITHHELD}:
        return state, frozenset({Flag.WITH_AUTHOR} if with_author else ())
    hidden = with_author and state.status in {Status.SUSPENDED, Status.PROTECTED}
    return State(Status.NOT_FOUND), frozenset({Flag.WITH_AUTHOR} if hidden else ())


async def read_posts(
    server: XServer, x: XCollector, now: datetime
) -> tuple[list[Reading], list[MissedReason]]:
    """Read all posts. Every reading must be so, and every post answered for once."""
    server.set_clock(now)
    truth = {post.native_id: seen(post, now) for post in POSTS.accounts}
    answer = await x.read(list(truth), now)
    assert sorted(said.native_id for said in (*answer.readings, *answer.missed)) == sorted(truth)
    assert [r for r in answer.readings if (r.state, r.flags) != truth[r.native_id]] == []
    return list(answer.readings), [miss.reason for miss in answer.missed]


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in LIES])
async def test_no_fault_makes_a_reading_of_a_post_that_differs_from_the_truth(kind: FaultKind) -> None:
    faults = FaultPlan({kind: 100_000}, hang_s=0.01)
    async with serve_x(POSTS, faults=faults) as server, collector(server.base_url) as x:
        for n in range(3):
            readings, missed = await read_posts(server, x, T0 + n * HOUR)
            reason = REASONS[kind]
            assert set(missed) == ({reason} if reason else set())
            assert len(readings) == (27 if reason is None else 26 if kind in ABOUT_ONE else 0)


async def test_an_answer_that_no_post_exists_takes_the_control_posts_with_it() -> None:
    canaries = simulator_of(X).canaries(POSTS)
    history = History((*POSTS.accounts, *canaries))
    faults = FaultPlan({FaultKind.ALL_NOT_FOUND: 100_000})
    async with serve_x(history, faults=faults) as server, collector(server.base_url) as x:
        answer = await x.read([canary.native_id for canary in canaries], T0)
    assert {reading.state.status for reading in answer.readings} == {Status.NOT_FOUND}
    assert {x.place(canary.native_id) for canary in canaries} == {"posts"}


@pytest.mark.parametrize("spelling", Spelling)
async def test_the_request_and_the_answer_may_be_in_either_spelling(spelling: Spelling) -> None:
    names = TWEET_SPELLING if spelling is Spelling.TWEET else POST_SPELLING
    async with (
        serve_x(POSTS, spelling=spelling) as server,
        collector(server.base_url, spelling=names) as x,
    ):
        readings, missed = await read_posts(server, x, T0)
        assert (len(readings), missed) == (27, [])


# places --------------------------------------------------------------------------------------------------


# names ---------------------------------------------------------------------------------------------------


async def test_a_post_is_not_resolved_by_a_request_that_failed() -> None:
    async with scripted(plain(503)) as server, collector(server.base_url) as x:
        said = await x.resolve(["alice/11"], T0)
    assert said.found == ()
    assert [(one.asked, one.why) for one in said.unresolved] == [("alice/11", UnresolvedReason.NO_ANSWER)]
    assert said.trouble is not None
    assert said.trouble.reason is MissedReason.UPSTREAM


async def test_a_hundred_posts_go_into_one_request() -> None:
    names = [f"alice/{n}" for n in range(1, 102)]
    async with serve_x(POSTS) as server, collector(server.base_url, http=ONCE) as x:
        said = await x.resolve(names, T0)
        assert server.counts["tweets"]["requests"] == 2
    assert [one.asked for one in said.found] == names


# simulated posts -----------------------------------------------------------------------------------------


def test_a_post_that_becomes_one_of_x_stays_a_post_with_its_states_and_details() -> None:
    native_id = "at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l"
    blocked, when = State(Status.WITHHELD, ("IN",)), T0 + HOUR
    seen_there = [
        (T0, State(Status.AVAILABLE), "alice.example/3l6oveex3ii2l"),
        (when, blocked, "alice.example/3l6oveex3ii2l"),
        (when + HOUR, blocked, "renamed.example/3l6oveex3ii2l"),
    ]
    details = {when: WITH_AUTHOR, when + HOUR: WITH_AUTHOR}
    post = settled(Platform("bluesky"), native_id, seen_there, details=details)
    (again,) = recast(History((post,)), X).accounts
    assert DECLARATION.is_post(again.native_id)
    assert all(map(DECLARATION.is_post_handle, again.handles))
    assert (again.times, again.states, again.details) == (post.times, post.states, post.details)
    assert len(again.handles) == 2
