"""Follows and unfollows of executives: each between two complete readings, none out of an absence alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from dashboard.live.context_json import access_json
from dashboard.wire.compact_json import ms
from jobs.base.clock import SimulatedClock
from jobs.engagement.follows import FollowsPoller, compare
from storage.executives.follows import FollowReading, FollowStep, last_readings, open_follows, record_follows
from storage.executives.signals import add_executive
from storage.live.lists_and_executives import LiveAccess, LiveExecutive
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Pool, StaleState, transaction
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0
from tests.support.simulated.scripted_x import collector

EXECUTIVE = "310000001"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

SIGNALS = "select kind, target_id, made_at, first_seen_at from signal order by first_seen_at, kind, target_id"
FOLLOWS = "select target_id, last_absent, first_seen, last_seen, first_absent from follow order by 1, 3"


async def rows(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as conn:
        return [tuple(r) for r in await conn.fetch(query)]


async def enlist(pool: Pool, *native_ids: str) -> None:
    async with transaction(pool) as conn:
        for native_id in native_ids or (EXECUTIVE,):
            await add_executive(conn, X, native_id, f"h{native_id}", "Name", "Title", T0)


# the rule ------------------------------------------------------------------------------------------------


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


# lists that cannot be compared ---------------------------------------------------------------------------


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


CLOSED = LiveAccess(SignalKind.LIKE, observable=False, reason="No authorisation.", since=T0)
OPEN = LiveAccess(SignalKind.LIKE, observable=True, reason="Authorised.", since=T0)
LISTED = LiveAccess(SignalKind.FOLLOW, observable=True, reason="The list is public.", since=T0)


def executive(platform: Platform, *access: LiveAccess) -> LiveExecutive:
    return LiveExecutive(1, platform, "h", "Name", "Title", access)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        pytest.param(
            executive(X),
            [("likes", "X", "not observable since June 2024", None)],
            id="on X nobody outside sees likes",
        ),
        pytest.param(
            executive(X, CLOSED),
            [("likes", "X", "not observable as of", ms(T0))],
            id="who has not authorised the app",
        ),
        pytest.param(
            executive(X, OPEN),
            [("likes", "X", "observable since", ms(T0))],
            id="who has authorised it",
        ),
        pytest.param(
            executive(X, LISTED),
            [
                ("follows", "X", "observable since", ms(T0)),
                ("likes", "X", "not observable since June 2024", None),
            ],
            id="of another kind nothing was found",
        ),
        pytest.param(
            executive(MASTODON),
            [("likes", "Mastodon", "not observable", None), ("follows", "Mastodon", "not collected", None)],
            id="Mastodon lists nobody's favourites",
        ),
        pytest.param(executive(BLUESKY), [], id="on Bluesky all is public"),
    ],
)
def test_what_was_found_of_one_executive_comes_before_what_holds_of_everybody(
    one: LiveExecutive, told: list[tuple[str, str, str, int | None]]
) -> None:
    said = access_json(one)
    assert [(a["what"], a["where"], a["state"], a["at"]) for a in said] == told
    assert all(str(a["why"]).endswith(".") for a in said)
