"""An answer bounds another one only if it had arrived before that one was asked for."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, redetect
from storage.model.bitemporal.corrections import CorrectionInput, RecomputedChange, TimedReading
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Reason, State
from storage.model.core.known_state import Known
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    SUSPENDED,
    WITHHELD_IN,
    minutes,
    reading,
)

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND
ACCOUNT = Account(AccountId(1), X, "1", "one")

Asked = tuple[float, float, State]
"""When it was asked for, when it had arrived, what it showed."""


def told(asked: Sequence[Asked]) -> tuple[RecomputedChange, ...]:
    """What these answers tell of an account."""
    readings = [TimedReading(reading("1", state, minutes(at)), minutes(since)) for since, at, state in asked]
    ground = CorrectionInput(ACCOUNT, True, (), Known(), frozenset(), readings, ())
    return redetect([ground], {}, ConfirmedOn({}), ConfirmationRule())[ACCOUNT.account_id]


def after(minute: float | None) -> datetime | None:
    return None if minute is None else minutes(minute)


@pytest.mark.parametrize(
    ("asked", "last_seen_old"),
    [
        pytest.param([(0, 1, A), (5, 6, A), (7, 8, W), (9, 10, W)], 5, id="one after the other"),
        pytest.param(
            [(0, 1, A), (5, 8, A), (7, 9, W), (11, 12, W)],
            0,
            id="asked for before the last had arrived, it is bounded by the one before that",
        ),
        pytest.param(
            [(0, 1, A), (5, 6, A), (3, 9, W), (11, 12, W)],
            0,
            id="so it is where the last was asked for and answered meanwhile",
        ),
        pytest.param(
            [(0, 1, A), (2, 5, A), (3, 6, A), (4, 7, A), (4, 8, W), (11, 12, W)],
            0,
            id="and where many were under way at once",
        ),
        pytest.param(
            [(0, 5, A), (4, 8, W), (11, 12, W), (13, 14, W)],
            None,
            id="nothing had been read yet when it was asked",
        ),
        pytest.param(
            [(0, 1, A), (3, 4, W), (2, 5, A), (6, 7, W), (8, 9, W)],
            0,
            id="an overlapping answer of the old state refutes a sighting, which bounds the next one",
        ),
    ],
)
def test_an_answer_is_bounded_by_answers_that_had_arrived_at_its_request(
    asked: list[Asked], last_seen_old: float | None
) -> None:
    *_, change = told(asked)
    assert change.is_confirmed
    assert change.pending.last_seen_old == after(last_seen_old)


def test_an_answer_that_shows_what_was_known_at_its_request_opens_no_change() -> None:
    """It may be older than what came in meanwhile, but what it shows may also be so again since then."""
    _, block, old, back = told([(0, 1, A), (5, 6, W), (8, 9, W), (5.5, 10, A), (60, 61, A), (62, 63, A)])
    assert (block.pending.state, block.is_confirmed) == (W, True)
    assert old.closed is not None
    assert (old.pending.first_seen_new, old.closed.reason) == (minutes(10), Reason.OVERTAKEN)
    assert back.is_confirmed
    assert (back.pending.last_seen_old, back.pending.first_seen_new) == (minutes(0), minutes(61))


def test_an_answer_requested_before_anything_was_known_opens_no_change() -> None:
    """Whether it is older than the first state cannot be told."""
    first, old = told([(1, 2, S), (60, 61, S), (0, 62, A)])
    assert (first.pending.state, first.is_confirmed) == (S, True)
    assert old.closed is not None
    assert (old.pending.state, old.closed.reason) == (A, Reason.OVERTAKEN)


@st.composite
def platforms(draw: st.DrawFn) -> tuple[list[tuple[int, State]], list[Asked]]:
    """The true course of an account, and answers that each show one moment between question and answer."""
    minute, course = 0, [(0, A)]
    for gap in draw(st.lists(st.sampled_from([1, 2, 4, 20]), max_size=12)):
        minute += gap
        course.append((minute, draw(st.sampled_from([s for s in (A, W, S) if s != course[-1][1]]))))
    asked: list[Asked] = []
    at = 0.5
    for gap in draw(st.lists(st.sampled_from([0.5, 0.5, 1, 5, 61]), min_size=3, max_size=25)):
        at += gap
        took = draw(st.sampled_from([0.25, 2.25, 4.25, 20.25]))
        moment = at - took + took * draw(st.sampled_from([0, 0, 0.5, 1]))
        state = next((s for since, s in reversed(course) if since <= moment), A)
        asked.append((at - took, at, state))
    return course, asked


@pytest.mark.slow
@settings(max_examples=500)
@given(platforms())
def test_an_interval_contains_the_true_time_whatever_answers_overlap(
    drawn: tuple[list[tuple[int, State]], list[Asked]],
) -> None:
    course, asked = drawn
    for change in told(asked):
        p = change.pending
        if change.is_confirmed and change.old is not None and p.last_seen_old is not None:
            assert any(
                state == p.state and p.last_seen_old < minutes(at) <= p.first_seen_new for at, state in course
            )
