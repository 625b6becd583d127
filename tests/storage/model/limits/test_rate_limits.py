"""Requests that many share: never one more than the platform allows, whoever dies in whatever moment."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from storage.model.limits.rate_limits import (
    GUARD,
    MOST_AHEAD,
    UNPACED,
    BudgetBasis,
    BudgetPace,
    BudgetState,
    Granted,
    NotBefore,
    Stated,
    WhyNot,
    note,
    take,
)
from storage.postgres.pool import Pool, borrowed
from storage.work import rate_limits
from tests.support.samples.readings import T0

SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return T0 + seconds * SECOND


def counted(left_over: int = 5) -> BudgetState:
    return BudgetState(BudgetBasis.COUNTED, at(900), 10, left_over, version=7)


def granted(
    budget: BudgetState, now: datetime = T0, pace: BudgetPace = UNPACED
) -> tuple[BudgetState, Granted]:
    taken, verdict = take(budget, now, pace)
    assert isinstance(verdict, Granted), verdict
    return taken, verdict


def refused(budget: BudgetState, now: datetime = T0, pace: BudgetPace = UNPACED) -> NotBefore:
    taken, verdict = take(budget, now, pace)
    assert isinstance(verdict, NotBefore), verdict
    assert taken is budget
    return verdict


def answered(budget: BudgetState, stated: Stated | None) -> BudgetState:
    """After a probe that was answered so."""
    taken, verdict = granted(budget)
    return note(taken, verdict.number, stated, at(1))


@pytest.mark.parametrize(
    ("stated", "left_over", "until"),
    [
        pytest.param(Stated(10, 3, at(900)), 3, at(900), id="others use it too"),
        pytest.param(Stated(10, 9, at(900)), 5, at(900), id="answered before later ones were counted"),
        pytest.param(Stated(10, 0, at(0)), 5, at(900), id="of a window that is over"),
        pytest.param(Stated(), 5, at(900), id="nothing is stated"),
        pytest.param(Stated(10, 0, at(60)), 0, at(900), id="refused, come back sooner"),
        pytest.param(Stated(10, 4, at(905)), 4, at(905), id="a window that moves on"),
    ],
)
def test_an_answer_never_adds_to_what_is_left_of_a_window(
    stated: Stated, left_over: int, until: datetime
) -> None:
    noted = note(counted(), 3, stated, at(10))
    assert (noted.left_over, noted.until) == (left_over, until)


def test_who_begins_to_state_a_limit_is_probed_when_all_that_is_under_way_has_arrived() -> None:
    free = answered(BudgetState(), Stated())
    stated = note(free, 0, Stated(10, 9, at(900)), at(3))
    drained = free.until + MOST_AHEAD + 2 * GUARD  # others were told that they need not ask until then
    assert refused(stated, at(4)).at == drained
    granted(stated, drained)


def test_at_a_slow_pace_eight_requests_wait_for_their_time_and_more_are_refused() -> None:
    pace = BudgetPace(9 * SECOND)
    budget = answered(BudgetState(), Stated())
    times: list[datetime] = []
    while True:
        budget, verdict = take(budget, at(10), pace)
        if isinstance(verdict, NotBefore):
            break
        times.append(verdict.go_at)
    assert times == [at(10 + 9 * n) for n in range(9)]
    assert verdict == NotBefore(at(91), WhyNot.PACE)


@dataclass(slots=True)
class Counter:
    """Counts in windows, which begin with the first request or with the hour, and states them as X does."""

    limit: int
    window: timedelta
    aligned: bool
    since: datetime | None = None
    used: int = 0
    refused: int = 0
    answered: int = 0

    def ask(self, when: datetime) -> Stated:
        if self.since is None or not when < self.since + self.window:
            self.since, self.used = (when, 0)
            if self.aligned:
                self.since = T0 + (when - T0) // self.window * self.window
        if self.used >= self.limit:
            self.refused += 1
        else:
            self.used += 1
            self.answered += 1
        resets_at = (self.since + self.window).replace(microsecond=0)
        return Stated(self.limit, self.limit - self.used, resets_at)


class Dies(Enum):
    WHEN_IT_HAS_TAKEN = 1
    WHEN_IT_HAS_SENT = 2
    NOT_BUT_HEARS_NOTHING = 3


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request. Its way out and the error of its clock stay below the guard."""

    pause_s: float
    """How long after the one before it is asked for."""
    skew_s: float
    way_s: float
    back_s: float
    dies: Dies | None = None


class Story:
    """Requests of many takers; each time is true, and each taker sees it by a clock of its own."""

    def __init__(self, platform: Counter, pace: BudgetPace) -> None:
        self._platform = platform
        self._pace = pace
        self._budget = BudgetState()
        self._events: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()

    def play(self, told: Sequence[Fate]) -> None:
        when = T0
        for fate in told:
            when += fate.pause_s * SECOND
            self._later(when, partial(self._ask, fate, 3))
        while self._events:
            when, _, happens = heappop(self._events)
            happens(when)

    def _later(self, when: datetime, happens: Callable[[datetime], None]) -> None:
        heappush(self._events, (when, next(self._order), happens))

    def _ask(self, fate: Fate, tries: int, when: datetime) -> None:
        skew = fate.skew_s * SECOND
        self._budget, verdict = take(self._budget, when + skew, self._pace)
        if isinstance(verdict, NotBefore):
            if tries:
                self._later(max(verdict.at - skew, when), partial(self._ask, fate, tries - 1))
        elif fate.dies is not Dies.WHEN_IT_HAS_TAKEN:
            arrives_at = max(verdict.go_at - skew, when) + fate.way_s * SECOND
            self._later(arrives_at, partial(self._arrive, fate, verdict))

    def _arrive(self, fate: Fate, given: Granted, when: datetime) -> None:
        stated = self._platform.ask(when)
        if fate.dies is not Dies.WHEN_IT_HAS_SENT:
            said = None if fate.dies is Dies.NOT_BUT_HEARS_NOTHING else stated
            self._later(when + fate.back_s * SECOND, partial(self._hear, fate, given, said))

    def _hear(self, fate: Fate, given: Granted, said: Stated | None, when: datetime) -> None:
        self._budget = note(self._budget, given.number, said, when + fate.skew_s * SECOND)


fates = st.builds(
    Fate,
    pause_s=st.sampled_from([0.0, 0.0, 0.0, 0.05, 0.3, 2.0, 15.0]) | st.floats(0.0, 3.0),
    skew_s=st.floats(-1.4, 1.4),
    way_s=st.floats(0.0, 1.5),
    back_s=st.floats(0.0, 20.0),
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[int, list[Fate]]:
    """A limit, and requests of which fewer die than a window has: see `storage.model.limits.rate_limits`."""
    limit, told = draw(st.integers(1, 12)), draw(st.lists(fates, max_size=120))
    for n in draw(st.lists(st.integers(0, 119), max_size=limit - 1)):
        if n < len(told):
            told[n] = replace(told[n], dies=draw(st.sampled_from(Dies)))
    return limit, told


@settings(max_examples=400)
@given(
    story=stories(),
    window_s=st.integers(20, 60),
    aligned=st.booleans(),
    pace=st.sampled_from([UNPACED, BudgetPace(SECOND / 5, 4)]),
)
def test_no_request_is_ever_one_too_many(
    story: tuple[int, list[Fate]], window_s: int, aligned: bool, pace: BudgetPace
) -> None:
    limit, told = story
    platform = Counter(limit, window_s * SECOND, aligned)
    Story(platform, pace).play(told)
    assert platform.refused == 0


@given(limit=st.integers(2, 12), aligned=st.booleans())
def test_where_nobody_dies_the_whole_limit_is_used(limit: int, aligned: bool) -> None:
    platform = Counter(limit, 600 * SECOND, aligned)
    Story(platform, UNPACED).play([Fate(0.1, 0.0, 0.1, 0.2)] * (limit + 5))
    assert platform.answered >= limit


# In the database.


async def test_only_one_of_many_probes(pool: Pool) -> None:
    async def one() -> object:
        async with borrowed(pool) as conn:
            return await rate_limits.take(conn, "x", X, T0, UNPACED)

    verdicts = await asyncio.gather(*(one() for _ in range(20)))
    assert sum(isinstance(v, Granted) for v in verdicts) == 1
