"""Follows and unfollows of executives: each between two complete readings, none out of an absence alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.abilities import Follows
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.wire.follows import MOST_FOLLOWS
from jobs.base.clock import SimulatedClock
from jobs.engagement.follows import FollowsPoller, compare
from storage.executives.follows import FollowReading, FollowStep, last_readings, open_follows, record_follows
from storage.executives.signals import add_executive
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State, Status
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Pool, StaleState, transaction
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, FakeCollector
from tests.support.simulated.scripted_x import collector

EXECUTIVE = "310000001"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

SIGNALS = "select kind, target_id, made_at, first_seen_at from signal order by first_seen_at, kind, target_id"
FOLLOWS = "select target_id, last_absent, first_seen, last_seen, first_absent from follow order by 1, 3"
ACCESS = "select since, observable from signal_access where kind = 'follow' order by since"


async def rows(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as conn:
        return [tuple(r) for r in await conn.fetch(query)]


async def enlist(pool: Pool, *native_ids: str) -> None:
    async with transaction(pool) as conn:
        for native_id in native_ids or (EXECUTIVE,):
            await add_executive(conn, X, native_id, f"h{native_id}", "Name", "Title", T0)


# the rule ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "listed", "shown", "want"),
    [
        pytest.param({}, "1 2", "", FollowStep(("1", "2"), (), (), ()), id="listed for the first time"),
        pytest.param({"1": False}, "1", "", FollowStep((), (), (), ()), id="still listed"),
        pytest.param({"1": False}, "", "1", FollowStep((), ("1",), (), ()), id="unfollowed, and still there"),
        pytest.param(
            {"1": False}, "", "", FollowStep((), (), ("1",), ()), id="gone itself: nothing of the follow"
        ),
        pytest.param({"1": True}, "1", "", FollowStep((), (), (), ("1",)), id="back with its follow"),
        pytest.param({"1": True}, "", "1", FollowStep((), ("1",), (), ()), id="back, but followed no longer"),
        pytest.param({"1": True}, "", "", FollowStep((), (), ("1",), ()), id="still gone itself"),
    ],
)
def test_only_who_is_shown_and_not_listed_was_unfollowed(
    known: dict[str, bool], listed: str, shown: str, want: FollowStep
) -> None:
    assert compare(known, listed.split(), set(shown.split())) == want


@given(
    st.dictionaries(st.text("123", min_size=1, max_size=2), st.booleans()),
    st.sets(st.text("123", min_size=1, max_size=2)),
    st.sets(st.text("123", min_size=1, max_size=2)),
)
def test_every_target_has_one_place_in_a_step(
    known: dict[str, bool], listed: set[str], shown: set[str]
) -> None:
    step = compare(known, listed, shown)
    assert set(step.began) == listed - known.keys()
    assert set(step.ended) | set(step.missing) == known.keys() - listed
    assert not set(step.ended) & set(step.missing)
    assert set(step.ended) <= shown
    assert set(step.back) <= listed & known.keys()


# through the simulator -----------------------------------------------------------------------------------


def follow(target: str, at: datetime, kind: SignalKind = SignalKind.FOLLOW) -> SimulatedAct:
    return SimulatedAct(EXECUTIVE, at, kind, target, target, None)


async def play(
    pool: Pool,
    acts: Sequence[SimulatedAct],
    days: int,
    history: History = History(()),  # noqa: B008 - frozen
) -> dict[str, dict[str, int]]:
    """Poll for so many days, waking every six hours. What the simulator counted."""
    clock = SimulatedClock(T0)
    async with serve_x(history, acts=acts, now=T0) as server, collector(server.base_url) as x:
        poller = FollowsPoller(pool, x, x, DAY, clock)
        await poller.load()
        for quarter in range(days * 4):
            clock.set(T0 + quarter * DAY / 4)
            server.set_clock(clock())
            await poller.tick()
        return server.counts


async def test_follows_and_unfollows_lie_between_two_readings(pool: Pool) -> None:
    await enlist(pool)
    acts = [
        follow("1", T0 - DAY),
        follow("2", T0 - DAY),
        follow("3", T0 + DAY + HOUR),
        follow("2", T0 + DAY + 2 * HOUR, SignalKind.UNFOLLOW),
        follow("2", T0 + 2 * DAY + HOUR),
    ]
    counts = await play(pool, acts, days=4)
    assert counts["users/:id/following"]["requests"] == 4
    two, three = T0 + 2 * DAY, T0 + 3 * DAY
    assert await rows(pool, SIGNALS) == [
        ("follow", "3", None, two),
        ("unfollow", "2", None, two),
        ("follow", "2", None, three),
    ]
    assert await rows(pool, FOLLOWS) == [
        ("1", None, T0, None, None),
        ("2", None, T0, T0 + DAY, two),
        ("2", two, three, None, None),
        ("3", T0 + DAY, two, None, None),
    ]
    assert await rows(pool, ACCESS) == [(T0, True)]


async def test_the_first_complete_reading_is_a_baseline_without_signals(pool: Pool) -> None:
    await enlist(pool)
    await play(pool, [follow(str(n), T0 - DAY) for n in range(1, 1501)], days=1)
    assert await rows(pool, SIGNALS) == []
    assert await rows(pool, "select at, follows from follow_reading") == [(T0, 1500)]
    assert await rows(pool, "select count(*) from follow where last_absent is null") == [(1500,)]


async def test_somebody_who_is_suspended_was_not_unfollowed(pool: Pool) -> None:
    await enlist(pool)
    states = [(T0, AVAILABLE, "a"), (T0 + HOUR, SUSPENDED, "a"), (T0 + 2 * DAY + HOUR, AVAILABLE, "a")]
    history = History((settled(X, "1", states),))
    await play(pool, [follow("1", T0 - DAY), follow("2", T0 - DAY)], 3, history)
    assert ("1", None, T0, T0, None) in await rows(pool, FOLLOWS)
    assert await rows(pool, SIGNALS) == []


async def test_somebody_who_comes_back_is_still_followed_or_was_unfollowed_since_last_listed(
    pool: Pool,
) -> None:
    await enlist(pool)

    def away(native_id: str) -> Any:
        states = [(T0, AVAILABLE, "a"), (T0 + HOUR, SUSPENDED, "a"), (T0 + 2 * DAY + HOUR, AVAILABLE, "a")]
        return settled(X, native_id, states)

    acts = [
        follow("1", T0 - DAY),
        follow("2", T0 - DAY),
        follow("2", T0 + DAY + HOUR, SignalKind.UNFOLLOW),
    ]
    await play(pool, acts, 4, History((away("1"), away("2"))))
    three = T0 + 3 * DAY
    assert await rows(pool, FOLLOWS) == [("1", None, T0, None, None), ("2", None, T0, T0, three)]
    assert await rows(pool, SIGNALS) == [("unfollow", "2", None, three)]


@pytest.mark.parametrize("status", [Status.PROTECTED, Status.SUSPENDED])
async def test_a_list_that_x_does_not_show_is_kept_as_such_and_not_as_empty(
    status: Status, pool: Pool
) -> None:
    await enlist(pool)
    states = [(T0, AVAILABLE, "a"), (T0 + HOUR, State(status), "a"), (T0 + 2 * DAY + HOUR, AVAILABLE, "a")]
    history = History((settled(X, EXECUTIVE, states),))
    await play(pool, [follow("1", T0 - DAY)], 4, history)
    assert await rows(pool, ACCESS) == [(T0, True), (T0 + DAY, False), (T0 + 3 * DAY, True)]
    assert await rows(pool, SIGNALS) == []
    assert await rows(pool, FOLLOWS) == [("1", None, T0, None, None)]


# lists that cannot be compared ---------------------------------------------------------------------------


class Lists(FakeCollector):
    """A platform whose list of those followed, and its own count of them, a test sets."""

    most_follows = MOST_FOLLOWS

    def __init__(self) -> None:
        super().__init__()
        self.listed = Follows((("1", "a"), ("2", "b")), complete=True)
        self.stated = 2

    async def following_counts(self, native_ids: Sequence[str], now: datetime) -> dict[str, int]:
        return dict.fromkeys(native_ids, self.stated)

    async def follows(self, native_id: str, now: datetime) -> Follows:
        return self.listed


@pytest.mark.parametrize(
    ("listed", "stated", "said"),
    [
        pytest.param(
            Follows((("1", "a"),), complete=False),
            2,
            "X left somebody out of the list, so it cannot be compared.",
            id="somebody is left out",
        ),
        pytest.param(
            Follows(tuple((str(n), "") for n in range(MOST_FOLLOWS)), complete=False),
            2,
            f"Follows more than {MOST_FOLLOWS} accounts, more than one reading covers.",
            id="it goes on beyond what is read",
        ),
        pytest.param(
            Follows((), complete=True),
            2000,
            "Too many are missing from the list that X shows, so it is not believed.",
            id="it is far below X's own count",
        ),
    ],
)
async def test_a_list_that_cannot_be_compared_is_kept_as_such_until_one_can_be(
    listed: Follows, stated: int, said: str, pool: Pool
) -> None:
    await enlist(pool)
    clock = SimulatedClock(T0)
    x = Lists()
    poller = FollowsPoller(pool, x, x, DAY, clock)
    await poller.load()
    await poller.tick()
    whole = x.listed, x.stated
    for day, (x.listed, x.stated) in enumerate([(listed, stated), (listed, stated), whole], start=1):
        clock.set(T0 + day * DAY)
        await poller.tick()
    assert await rows(pool, ACCESS) == [(T0, True), (T0 + DAY, False), (T0 + 3 * DAY, True)]
    assert await rows(pool, "select reason from signal_access where not observable") == [(said,)]
    assert await rows(pool, SIGNALS) == []


# the table -----------------------------------------------------------------------------------------------

NOTHING = FollowStep((), (), (), ())


async def test_the_interval_of_a_reading_that_took_long_contains_the_act(pool: Pool) -> None:
    await enlist(pool)
    async with transaction(pool) as conn:
        account_id = AccountId(await conn.fetchval("select account_id from executive"))
        baseline = FollowReading(account_id, None, T0, T0 + 5 * MINUTE, 1)
        assert await record_follows(conn, baseline, FollowStep(("1",), (), (), ())) == 0
        assert await last_readings(conn, X) == {account_id: T0}
        second = FollowReading(account_id, T0, T0 + DAY, T0 + DAY + 5 * MINUTE, 1)
        assert await record_follows(conn, second, FollowStep(("2",), ("1",), (), ())) == 2
        assert await open_follows(conn, account_id) == {"2": False}
    assert await rows(pool, FOLLOWS) == [
        ("1", None, T0 + 5 * MINUTE, T0, T0 + DAY + 5 * MINUTE),
        ("2", T0, T0 + DAY + 5 * MINUTE, None, None),
    ]


@pytest.mark.parametrize("previous", [None, T0 - DAY])
async def test_of_two_writers_the_second_stores_nothing(previous: datetime | None, pool: Pool) -> None:
    await enlist(pool)
    async with transaction(pool) as conn:
        account_id = AccountId(await conn.fetchval("select account_id from executive"))
        await record_follows(conn, FollowReading(account_id, None, T0, T0, 0), NOTHING)
    late = FollowReading(account_id, previous, T0 + DAY, T0 + DAY, 1)
    with pytest.raises(StaleState):
        async with transaction(pool) as conn:
            await record_follows(conn, late, FollowStep(("1",), (), (), ()))
    assert await rows(pool, FOLLOWS) == []
