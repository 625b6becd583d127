"""The smaller pure rules: the sweep, the gate of a collector, cohorts, rosters."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import longest_pause
from collectors.x.declaration import X
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.dispatch.circuit_breaker import CircuitBreaker
from jobs.planning.sweep import Attempt, Due, Sweep, choose_canaries, next_attempt, pack
from storage.model.core.accounts import Account, AccountId, ListId
from storage.model.core.availability import MissedReason
from storage.model.core.coverage import BatchOutcome, bitmap, is_answered
from storage.model.text.units import parse_duration
from tests.support.samples.readings import MINUTE, T0, minutes

SWEEP = Sweep(timedelta(hours=1), T0)
OK, MISSED, HELD = BatchOutcome.ANSWERED, BatchOutcome.MISSED, BatchOutcome.HELD


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        pytest.param(None, 5, (0, 0, 0), id="a roster that was never read is due in the running slot"),
        pytest.param((0, 0, 1, OK), 30, (60, 0, 60), id="an answered slot is done"),
        pytest.param((0, 0, 1, MISSED), 1, (0, 1, 2), id="a missed one is tried again after a minute"),
        pytest.param((0, 0, 1, HELD), 1, (0, 1, 2), id="a held one too"),
        pytest.param((0, 1, 2, MISSED), 2, (0, 2, 7), id="then after five minutes"),
        pytest.param((0, 2, 7, MISSED), 7, (0, 3, 22), id="then after fifteen"),
        pytest.param((0, 5, 52, MISSED), 52, (60, 0, 60), id="until the next slot begins"),
        pytest.param((0, 0, 1, MISSED), 190, (180, 0, 180), id="slots that passed are not made up for"),
    ],
)
def test_the_next_attempt_of_a_roster(
    last: tuple[int, int, int, BatchOutcome] | None, now: int, due: tuple[int, int, int]
) -> None:
    attempt = last and Attempt(minutes(last[0]), last[1], minutes(last[2]), last[3])
    assert next_attempt(SWEEP, attempt, minutes(now)) == Due(minutes(due[0]), due[1], minutes(due[2]))


def trouble(reason: MissedReason = MissedReason.UPSTREAM, *, breaker: bool = False) -> RequestFailure:
    return RequestFailure(reason, "because", minutes(99), breaker)


def failing(breaker: CircuitBreaker, *at: float) -> CircuitBreaker:
    """Requests that failed at once."""
    for minute in at:
        breaker = breaker.after(trouble(), minutes(minute), minutes(minute))
    return breaker


def test_one_or_two_failed_requests_do_not_close_the_gate() -> None:
    assert not failing(CircuitBreaker(), 0, 0.01).is_paused(minutes(0.01))


def test_the_third_failure_closes_it_for_a_minute_and_each_further_one_for_twice_as_long() -> None:
    breaker = failing(CircuitBreaker(), 0, 0, 0)
    assert breaker.paused_until == minutes(1)
    pauses: list[timedelta] = []
    for _ in range(6):
        assert breaker.paused_until is not None
        at = breaker.paused_until
        breaker = breaker.probed(at).after(trouble(), at, at)
        assert breaker.paused_until is not None
        pauses.append(breaker.paused_until - at)
    assert pauses == [MINUTE * m for m in (2, 4, 8, 15, 15, 15)]


@pytest.mark.parametrize(("every", "longest"), [(1, 30), (30, 30), (120, 120), (900, 900), (86_400, 900)])
def test_no_pause_is_longer_than_a_sweep_or_half_a_minute_or_in_any_case_a_quarter_of_an_hour(
    every: int, longest: int
) -> None:
    most = longest_pause(timedelta(seconds=every))
    assert most == timedelta(seconds=longest)
    breaker = CircuitBreaker(failures=2, trips=9).after(trouble(), T0, T0, most)
    assert breaker.paused_until == T0 + most
    assert breaker.probed(T0, most).closed_until == T0 + most


def test_after_a_pause_one_request_asks_how_the_place_is_and_the_others_wait_for_it() -> None:
    breaker = failing(CircuitBreaker(), 0, 0, 0)
    assert breaker.closed_until == minutes(1)
    probed = breaker.probed(minutes(1))
    assert (probed.closed_until, probed.is_paused(minutes(1))) == (minutes(3), False)
    assert probed.after(None, minutes(1), minutes(2)) == CircuitBreaker()
    assert CircuitBreaker().probed(minutes(1)) == CircuitBreaker()


def test_a_pause_counts_from_the_question_however_long_the_place_hung() -> None:
    breaker = failing(CircuitBreaker(), 0, 0, 0).probed(minutes(1))
    assert breaker.after(trouble(), minutes(1), minutes(2)).closed_until == minutes(3)
    assert not breaker.after(trouble(), minutes(1), minutes(4)).is_paused(minutes(4))


def test_a_failed_probe_closes_it_again_also_after_a_restart() -> None:
    """Of what failed before a restart only the end of the pause is stored."""
    loaded = CircuitBreaker(failures=1, paused_until=minutes(0))
    assert loaded.probed(minutes(0)).after(trouble(), minutes(0), minutes(0)).paused_until == minutes(1)


def test_requests_that_fail_together_are_one_failure_of_the_platform() -> None:
    breaker = failing(CircuitBreaker(), *(n / 60_000 for n in range(8)))
    assert breaker.paused_until == minutes(2 / 60_000) + MINUTE


@pytest.mark.parametrize("reason", [MissedReason.AUTH, MissedReason.CREDITS, MissedReason.USAGE_CAPPED])
def test_a_fault_that_meets_every_request_closes_it_at_once(reason: MissedReason) -> None:
    breaker = CircuitBreaker().after(trouble(reason, breaker=True), minutes(0), minutes(0))
    assert (breaker.paused_until, breaker.reason) == (minutes(99), reason)
    assert not breaker.is_paused(minutes(99))


def test_an_answer_to_a_later_question_opens_it_again() -> None:
    closed = CircuitBreaker().after(trouble(MissedReason.RATE_LIMITED), minutes(0), minutes(0))
    assert closed.after(None, minutes(1), minutes(1)) == CircuitBreaker()


def test_an_answer_to_an_earlier_question_opens_nothing() -> None:
    closed = CircuitBreaker().after(trouble(MissedReason.RATE_LIMITED), minutes(0), minutes(1))
    assert closed.after(None, minutes(0), minutes(2)) == closed


def test_a_failure_that_was_under_way_never_shortens_a_pause() -> None:
    closed = CircuitBreaker().after(trouble(MissedReason.AUTH, breaker=True), minutes(0), minutes(0))
    later = failing(closed, 1, 1, 1)
    assert (later.paused_until, later.reason) == (minutes(99), MissedReason.AUTH)


def test_a_confirmation_makes_its_lists_active_for_six_hours_but_not_in_its_own_round() -> None:
    cohorts = RecentConfirmations(timedelta(hours=6))
    cohorts.confirmed([ListId(1)], minutes(0))
    assert not cohorts.is_active([ListId(1)], minutes(0))
    assert cohorts.is_active([ListId(2), ListId(1)], minutes(1))
    assert not cohorts.is_active([ListId(2)], minutes(1))
    assert cohorts.is_active([ListId(1)], minutes(360))
    assert not cohorts.is_active([ListId(1)], minutes(361))


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


def test_members_of_a_list_are_spread_over_the_rosters() -> None:
    listed = range(98)
    shares = [len(set(listed) & set(r)) for r in pack(accounts(980), 98)]
    assert max(shares) < 30


def test_a_roster_gets_one_known_blocked_account_and_stable_ones_in_turn() -> None:
    stable, blocked = [AccountId(1), AccountId(2)], [AccountId(8), AccountId(9)]
    assert [choose_canaries(stable, blocked, 2, turn) for turn in range(3)] == [(8, 1), (9, 2), (8, 1)]
    assert choose_canaries(stable, [], 2, 0) == (1, 2)
    assert choose_canaries([], [], 2, 0) == ()


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_the_bitmap_tells_exactly_who_answered(answered: list[bool]) -> None:
    stored = bitmap(answered)
    assert (stored is None) == all(answered)
    assert [is_answered(stored, i) for i in range(len(answered))] == answered


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("6h", 21_600), ("1d", 86_400)])
def test_durations_are_written_with_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "0m", "-5m", "1.5h", "5 m m", "9999999999d", "999999999d"])
def test_what_is_not_a_duration_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 90s, 15m, 6h or 1d"):
        parse_duration(text)
