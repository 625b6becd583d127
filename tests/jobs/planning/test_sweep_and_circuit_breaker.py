"""The smaller pure rules: the sweep, the gate of a collector, cohorts, rosters."""

import random

from hypothesis import given
from hypothesis import strategies as st

from collectors.core.collector import RequestFailure
from collectors.x.declaration import X
from jobs.dispatch.circuit_breaker import CircuitBreaker
from jobs.planning.sweep import pack
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import MissedReason
from storage.model.core.coverage import bitmap, is_answered
from tests.support.samples.readings import MINUTE, minutes


def trouble(reason: MissedReason = MissedReason.UPSTREAM, *, breaker: bool = False) -> RequestFailure:
    return RequestFailure(reason, "because", minutes(99), breaker)


def failing(breaker: CircuitBreaker, *at: float) -> CircuitBreaker:
    """Requests that failed at once."""
    for minute in at:
        breaker = breaker.after(trouble(), minutes(minute), minutes(minute))
    return breaker


def test_a_failed_probe_closes_it_again_also_after_a_restart() -> None:
    """Of what failed before a restart only the end of the pause is stored."""
    loaded = CircuitBreaker(failures=1, paused_until=minutes(0))
    assert loaded.probed(minutes(0)).after(trouble(), minutes(0), minutes(0)).paused_until == minutes(1)


def test_requests_that_fail_together_are_one_failure_of_the_platform() -> None:
    breaker = failing(CircuitBreaker(), *(n / 60_000 for n in range(8)))
    assert breaker.paused_until == minutes(2 / 60_000) + MINUTE


def accounts(number: int) -> list[Account]:
    return [Account(AccountId(n), X, str(1000 + n), f"h{n}") for n in range(number)]


@given(st.integers(0, 350), st.integers(1, 100), st.randoms())
def test_every_account_is_in_one_roster_whatever_the_order(
    number: int, size: int, dice: random.Random
) -> None:
    shuffled = accounts(number)
    dice.shuffle(shuffled)
    rosters = pack(shuffled, size)
    assert rosters == pack(accounts(number), size)
    assert sorted(a for r in rosters for a in r) == list(range(number))
    assert all(0 < len(r) <= size for r in rosters)


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_the_bitmap_tells_exactly_who_answered(answered: list[bool]) -> None:
    stored = bitmap(answered)
    assert (stored is None) == all(answered)
    assert [is_answered(stored, i) for i in range(len(answered))] == answered
