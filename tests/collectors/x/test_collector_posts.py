"""Posts on X over real sockets: what is sent, what the simulator's worst makes of them, and their handles."""

from datetime import datetime, timedelta

import pytest

from collectors.core.collector import ResolvedHandle, UnresolvedReason
from collectors.core.settings import control
from collectors.simulator.faults import PROFILES, FaultKind, FaultPlan, profile
from collectors.simulator.history import WITH_AUTHOR, History, HistoryAccount, settled
from collectors.simulator.history_conversion import recast
from collectors.simulator.platform_simulator import simulator_of
from collectors.x.client import POST_SPELLING, TWEET_SPELLING
from collectors.x.collector import XCollector
from collectors.x.declaration import DECLARATION, X
from collectors.x.simulator.app import XServer, serve_x
from collectors.x.simulator.payloads import Spelling
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, Reading, State, Status, Strength
from storage.model.evidence.decisive import decisive_words
from storage.model.text.states import state_words
from tests.collectors.conformance.test_faults import tells_the_truth
from tests.collectors.x.test_collector_faults import ABOUT_ONE, LIES, REASONS
from tests.support.samples.readings import T0
from tests.support.samples.x_answers import AUTHOR, CROWD, HOUR, POST, POST_ID, posts_body
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


@pytest.mark.parametrize("name", [name for name, plan in PROFILES.items() if tells_the_truth(plan)])
async def test_under_every_profile_that_does_not_lie_what_is_read_of_posts_is_the_truth(name: str) -> None:
    count = 0
    async with (
        serve_x(POSTS, faults=profile(name, seed=3)) as server,
        collector(server.base_url) as x,
    ):
        for n in range(16):
            readings, _ = await read_posts(server, x, T0 + n * HOUR / 2)
            count += len(readings)
    assert count > 27 * 6


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


async def test_a_client_in_the_other_spelling_than_x_misses_what_is_shown() -> None:
    async with (
        serve_x(POSTS, spelling=Spelling.POST) as server,
        collector(server.base_url, spelling=TWEET_SPELLING) as x,
    ):
        readings, missed = await read_posts(server, x, T0)
    assert {reading.state.status for reading in readings} == {Status.NOT_FOUND}
    assert set(missed) == {MissedReason.MALFORMED}


@pytest.mark.parametrize(
    ("spelling", "name"), [(TWEET_SPELLING, "tweet.fields"), (POST_SPELLING, "post.fields")]
)
async def test_tweepy_asks_for_posts_with_their_authors_and_for_no_field_that_is_not_used(
    spelling: dict[str, str], name: str
) -> None:
    async with (
        scripted(plain(200, posts_body(POST))) as server,
        collector(server.base_url, spelling=spelling) as x,
    ):
        answer = await x.read([f"post:{POST_ID}"], T0)
        evidence = x.evidence(answer.exchanges, [f"post:{POST_ID}", "post:1"])
    (request,) = server.asked
    assert request.path == "/2/tweets"
    assert dict(request.rel_url.query) == {
        "ids": POST_ID,
        name: "author_id,withheld",
        "expansions": "author_id",
        "user.fields": "username,protected,withheld",
    }
    handle = f"{AUTHOR['username']}/{POST_ID}"
    want = Reading(f"post:{POST_ID}", T0, State(Status.AVAILABLE), Strength.STRONG, handle)
    assert [reading.dated(T0) for reading in answer.readings] == [want]
    assert [exchange.url for exchange in answer.exchanges] == [f"/2/tweets?ids={POST_ID}"]
    assert evidence.keys() == {f"post:{POST_ID}"}


async def test_what_decides_the_status_of_a_post_is_found_in_its_evidence_and_differs_by_status() -> None:
    ids = [post.native_id for post in POSTS.accounts]
    async with serve_x(POSTS) as server, collector(server.base_url) as x:
        answer = await x.read(ids, T0)
        evidence = x.evidence(answer.exchanges, ids)
    assert evidence.keys() == set(ids)
    shown: dict[str, set[tuple[State, frozenset[Flag]]]] = {}
    for reading in answer.readings:
        kept, number = evidence[reading.native_id], reading.native_id.removeprefix("post:")
        words = " ".join(decisive_words(kept, DECLARATION.decisive)).replace(number, "")
        assert ": " in words
        assert [other for other in ids if f'"{other.removeprefix("post:")}"'.encode() in kept] == [
            reading.native_id
        ]
        shown.setdefault(words, set()).add((reading.state, reading.flags))
    assert all(len(states) == 1 for states in shown.values()), shown
    assert len(shown) == 5


async def test_another_handle_of_the_author_is_the_same_post_under_another_handle() -> None:
    available = State(Status.AVAILABLE)
    renamed = settled(X, "post:7", [(T0, available, "before/7"), (T0 + HOUR, available, "after/7")])
    async with serve_x(History((renamed,))) as server, collector(server.base_url) as x:
        handles: list[str | None] = []
        for now in (T0, T0 + HOUR):
            server.set_clock(now)
            (reading,) = (await x.read(["post:7"], now)).readings
            handles.append(reading.handle)
    assert handles == ["before/7", "after/7"]


# places --------------------------------------------------------------------------------------------------


async def test_accounts_and_posts_are_places_of_their_own() -> None:
    async with collector("http://127.0.0.1:9") as x:
        assert (x.place("20"), x.place("post:20")) == ("", "posts")
        for place, of_posts in (("", False), ("posts", True)):
            candidates = await x.candidates(place, T0)
            assert {DECLARATION.is_post(one.native_id) for one in candidates} == {of_posts}
            assert {DECLARATION.is_post_handle(one.handle) for one in candidates} == {of_posts}
            assert {x.place(one.native_id) for one in candidates} == {place}
        with pytest.raises(ValueError, match="accounts and posts"):
            await x.read(["20", "post:20"], T0)


def test_a_post_can_be_a_control_account_of_the_settings() -> None:
    assert control("post:20:jack/20:available", X) == ("post:20", "jack/20", Status.AVAILABLE)
    for mixed in ("post:20:jack:available", "20:jack/20:available"):
        with pytest.raises(ValueError, match="does not have the form"):
            control(mixed, X)


async def test_a_limit_of_posts_pauses_posts_and_not_accounts() -> None:
    history = History((*POSTS.accounts[:1], *CROWD.accounts[:1]))
    async with (
        serve_x(history, limit={"tweets": 1}) as server,
        collector(server.base_url) as x,
    ):
        assert (await x.read(["post:2000"], T0)).trouble is None
        second = await x.read(["post:2000"], T0)
        assert [miss.reason for miss in second.missed] == [MissedReason.RATE_LIMITED]
        assert not second.sent
        assert (await x.read(["1000"], T0)).sent
        assert (await x.read(["post:2000"], T0 + timedelta(minutes=16))).sent


async def test_a_post_id_that_x_refuses_is_found_and_the_others_are_read() -> None:
    async with serve_x(POSTS) as server, collector(server.base_url) as x:
        answer = await x.read(["post:0", "post:", "post:2000"], T0)
    assert [miss.native_id for miss in answer.missed] == ["post:0", "post:"]
    assert {miss.reason for miss in answer.missed} == {MissedReason.BAD_REQUEST}
    assert [reading.native_id for reading in answer.readings] == ["post:2000"]


# names ---------------------------------------------------------------------------------------------------


async def test_posts_are_resolved_in_one_request_and_accounts_beside_them() -> None:
    available = State(Status.AVAILABLE)
    history = History(
        (
            settled(X, "7", [(T0, available, "alice")]),
            settled(X, "post:11", [(T0, available, "alice/11")]),
            settled(X, "post:12", [(T0, State(Status.NOT_FOUND), "alice/12")]),
        )
    )
    asked = {
        "@Alice": ("7", "alice"),
        "@ALICE/11": ("post:11", "alice/11"),
        "bob/11": ("post:11", "alice/11"),
        "post:11": ("post:11", "alice/11"),
        "Bob/12": ("post:12", "Bob/12"),
        "post:12": ("post:12", "i/12"),
        "i/13": ("post:13", "i/13"),
    }
    async with serve_x(history) as server, collector(server.base_url) as x:
        said = await x.resolve([*asked, "no-handle"], T0)
        assert server.counts == {
            "users/by": {"requests": 1, "ids": 1, "refused": 0},
            "tweets": {"requests": 1, "ids": 3, "refused": 0},
        }
    assert said.found == tuple(ResolvedHandle(name, *found) for name, found in asked.items())
    assert [(one.asked, one.why) for one in said.unresolved] == [("no-handle", UnresolvedReason.NOT_A_HANDLE)]
    assert said.trouble is None


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


def test_a_post_that_is_gone_with_its_author_is_called_neither_suspended_nor_protected() -> None:
    assert state_words(State(Status.NOT_FOUND), X, {Flag.WITH_AUTHOR}) == (
        "not shown because of its author's account: suspended or protected, X does not say which"
    )
    about = [
        one.sentence for one in DECLARATION.unknown if one.is_about(Status.NOT_FOUND, {Flag.WITH_AUTHOR})
    ]
    assert len(about) == 1
    assert not any(one.is_about(Status.NOT_FOUND, set()) for one in DECLARATION.unknown)


# simulated posts -----------------------------------------------------------------------------------------


def test_a_history_of_posts_brings_control_posts_and_one_of_accounts_control_accounts() -> None:
    simulator = simulator_of(X)
    of_posts, of_accounts = simulator.canaries(POSTS), simulator.canaries(CROWD)
    both = simulator.canaries(History((*POSTS.accounts, *CROWD.accounts)))
    assert all(DECLARATION.is_post(one.native_id) for one in of_posts)
    assert not any(DECLARATION.is_post(one.native_id) for one in of_accounts)
    assert both == (*of_accounts, *of_posts)
    assert {simulator.observable_post(one.states[0]).status for one in of_posts} == {
        Status.AVAILABLE,
        Status.NOT_FOUND,
    }


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


def test_an_example_of_a_post_asks_for_posts() -> None:
    simulator = simulator_of(X)
    assert "/2/tweets?ids=2000&" in simulator.example("http://a", POSTS.accounts[0])
    assert simulator.made_up_handle("post:9") == "i/9"
