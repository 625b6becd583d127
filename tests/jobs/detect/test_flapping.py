"""A platform that answers stale for a while makes intervals wider, never wrong."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.redetect import ConfirmedOn, redetect
from jobs.detect.transitions import completed, step
from storage.model.bitemporal.corrections import CorrectionInput, RecomputedChange, TimedReading
from storage.model.core.accounts import Account, AccountId, ListId
from storage.model.core.availability import Flag, Reason, State, Status, Strength
from storage.model.core.known_state import Closed, Known
from storage.model.core.list_thresholds import (
    DatedThresholds,
    ListThresholds,
    ThresholdHistory,
    thresholds_sentence,
)
from tests.support.repeats import repeats
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    PROTECTED,
    SUSPENDED,
    WITHHELD_IN,
    minutes,
    reading,
)

RULE = ConfirmationRule()
A, W, S, N, P = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND, PROTECTED
IN_AND_TR, TR = State(Status.WITHHELD, ("IN", "TR")), State(Status.WITHHELD, ("TR",))

Answer = tuple[float, State]


def confirmed(answers: Sequence[Answer], known: Known | None = None) -> list[Closed]:
    """The changes that these answers confirm, of an account that was long available."""
    known = Known(A, minutes(-60), minutes(-60)) if known is None else known
    out: list[Closed] = []
    for minute, state in answers:
        at = minutes(minute)
        result = step(known, reading("1", state, at), at, RULE, cohort_active=False)
        out += [result.confirmed] if result.confirmed else []
        known = result.known
    return out


def after(minute: float | None) -> datetime | None:
    return None if minute is None else minutes(minute)


@pytest.mark.parametrize(
    ("answers", "last_seen_old"),
    [
        pytest.param([(0, A), (5, W), (6, A), (20, W), (21, W)], 0, id="one stale answer proves nothing"),
        pytest.param(
            [(0, A), (5, W), (6, A), (7, A), (19, A), (20, W), (21, W)],
            0,
            id="nor do many in less than a quarter of an hour",
        ),
        pytest.param(
            [(0, A), (5, W), (6, A), (21, A), (30, W), (31, W)],
            21,
            id="over a quarter of an hour the required readings prove the way back",
        ),
        pytest.param(
            [(0, A), (5, W), (6, A), (12, W), (13, A), (22, A), (25, W), (26, W)],
            0,
            id="the way back begins again with every sighting",
        ),
        pytest.param(
            [(0, A), (5, W), (6, A), (40, W), (41, A), (50, W), (51, W)],
            0,
            id="a single reading is none, however late it comes",
        ),
        pytest.param(
            [(0, A), (5, N), (20, W), (21, W)],
            0,
            id="a third state that was seen once narrows nothing: available was seen before it",
        ),
        pytest.param(
            [(0, A), (5, S), (6, N), (7, W), (8, W)], 0, id="nor do several states that were seen once"
        ),
        pytest.param(
            [(0, A), (5, N), (6, A), (7, W), (8, W)],
            6,
            id="a state that nothing announced began after the old one was seen last",
        ),
        pytest.param(
            [(0, A), (5, W), (6, A), (7, IN_AND_TR), (8, IN_AND_TR)],
            0,
            id="a sighting of one country bounds a change that has this country in it",
        ),
        pytest.param(
            [(0, A), (5, TR), (6, A), (7, W), (8, W)], 6, id="a sighting of another country bounds nothing"
        ),
    ],
)
def test_a_refuted_sighting_bounds_the_interval_until_the_way_back_is_confirmed(
    answers: list[Answer], last_seen_old: float
) -> None:
    (change,) = confirmed(answers)
    assert change.pending.last_seen_old == after(last_seen_old)


@pytest.mark.parametrize(
    ("answers", "bounds"),
    [
        pytest.param(
            [(0, A), (5, W), (6, W), (7, A), (8, W), (15, A), (16, A)],
            [0, 6],
            id="a stale sighting of the old state after a confirmed change bounds the way back",
        ),
        pytest.param(
            [(0, A), (5, W), (6, W), (7, A), (8, W), (22, W), (23, W), (30, A), (31, A)],
            [0, 23],
            id="until the new state was confirmed over a quarter of an hour",
        ),
        pytest.param(
            [(0, A), (5, W), (6, A), (7, W), (8, W), (9, A), (10, A)],
            [0, 5],
            id="so does the old state that was seen between two sightings of the new one",
        ),
        pytest.param(
            [(0, A), (5, W), (6, A), (7, S), (8, S), (9, W), (10, W)],
            [6, 6],
            id="no change began before the one that it follows may have begun",
        ),
        pytest.param(
            [(0, A), (5, W), (6, W), (10, A), (11, A), (14, W), (15, W)],
            [0, 6, 11],
            id="what was confirmed, and what then followed it, is believed",
        ),
        pytest.param(
            [(0, N), (1, A), (2, N), (3, N), (17, N), (62, N)],
            [None, None],
            id="nobody knows since when it is so, if the first answer of all said so",
        ),
    ],
)
def test_what_follows_a_change_is_bounded_by_sightings_as_well(
    answers: list[Answer], bounds: list[float | None]
) -> None:
    known = Known() if answers[0][1] == N else None
    assert [c.pending.last_seen_old for c in confirmed(answers, known)] == [after(b) for b in bounds]


def test_a_way_back_to_an_absence_takes_as_many_readings_as_an_absence() -> None:
    gone = Known(N, minutes(-60), minutes(-60))
    short = [(0, N), (5, A), (6, N), (7, N), (30, N), (60, N), (65, A), (66, A)]
    long = [(0, N), (5, A), (6, N), (7, N), (30, N), (66, N), (68, A), (69, A)]
    assert [c.pending.last_seen_old for c in confirmed(short, gone)] == [minutes(0)]
    assert [c.pending.last_seen_old for c in confirmed(long, gone)] == [minutes(66)]


def folded(answers: Sequence[tuple[float, State, str]]) -> list[Closed]:
    """As `confirmed`, of answers that are silent on some countries."""
    known, out = Known(A, minutes(-60), minutes(-60)), list[Closed]()
    for minute, state, silent_on in answers:
        said = replace(reading("1", state, minutes(minute)), silent_on=frozenset(silent_on.split()))
        told = completed(known, said)
        if told is not None:
            result = step(known, told, minutes(minute), RULE, cohort_active=False)
            out += [result.confirmed] if result.confirmed else []
            known = result.known
    return out


def test_answers_that_do_not_report_the_country_confirm_no_way_back() -> None:
    silent = [(minute, A, "IN") for minute in (10.0, 20, 30)]
    (change,) = folded([(0, A, ""), (5, W, ""), (6, A, ""), *silent, (40, W, ""), (41, W, "")])
    assert change.pending.last_seen_old == minutes(0)
    elsewhere = [(minute, A, "TR") for minute in (10.0, 20, 30)]
    (change,) = folded([(0, A, ""), (5, W, ""), (6, A, ""), *elsewhere, (40, W, ""), (41, W, "")])
    assert change.pending.last_seen_old == minutes(30)


def test_a_first_state_in_a_country_that_shows_again_is_a_first_state_still() -> None:
    known = Known(A, minutes(0), minutes(0), heard={"IN": None})
    (change,) = confirmed([(5, W), (6, A), (7, W), (8, W)], known)
    assert change.pending.flags == {Flag.FIRST_SEEN}
    assert change.pending.last_seen_old is None


STATES = [A, W, IN_AND_TR, S, N, P]


@st.composite
def platforms(draw: st.DrawFn) -> list[tuple[float, State, State]]:
    """Minute, truth and answer of each reading: often the answer is another one, never twice the same.

    After the truth has changed, no answer shows the state that is believed until one showed the new one:
    else nothing announced the change.
    """
    minute, truth, announced = 0.0, A, True
    rows = [(minute, A, A)]
    known = Known(A, minutes(0), minutes(0))
    for _ in range(draw(st.integers(1, 40))):
        minute += draw(st.sampled_from([1, 1, 2, 5, 15, 60]))
        before = rows[-1]
        if announced and draw(st.integers(0, 4)) == 0:
            truth = draw(st.sampled_from([s for s in STATES if s not in {truth, before[2]}]))
            announced = False
        lies = [s for s in STATES if s not in {truth, before[2]} and (announced or s != known.state)]
        answer = draw(st.sampled_from(lies)) if before[1] == before[2] and draw(st.booleans()) else truth
        announced = announced or answer == truth
        rows.append((minute, truth, answer))
        at = minutes(minute)
        known = step(known, reading("1", answer, at), at, RULE, cohort_active=False).known
    return rows


@pytest.mark.slow
@pytest.mark.again
@settings(max_examples=repeats(150, 2000))
@given(platforms())
def test_an_interval_contains_the_true_time_whatever_a_platform_answers_in_between(
    rows: list[tuple[float, State, State]],
) -> None:
    onsets = [(at, truth) for (_, was, _), (at, truth, _) in pairwise(rows) if truth != was]
    for change in confirmed([(minute, answer) for minute, _, answer in rows]):
        p = change.pending
        assert p.last_seen_old is not None
        assert any(
            truth == p.state and p.last_seen_old < minutes(at) <= p.first_seen_new for at, truth in onsets
        )


ANSWERS_A, ANSWERS_W, ANSWERS_S, ANSWERS_N = (
    AVAILABLE,
    WITHHELD_IN,
    SUSPENDED,
    NOT_FOUND,
)
ACCOUNT = Account(AccountId(1), X, "1", "one")

Asked = tuple[float, float, State]
"""When it was asked for, when it had arrived, what it showed."""


def told(asked: Sequence[Asked]) -> tuple[RecomputedChange, ...]:
    """What these answers tell of an account."""
    readings = [TimedReading(reading("1", state, minutes(at)), minutes(since)) for since, at, state in asked]
    ground = CorrectionInput(ACCOUNT, True, (), Known(), frozenset(), readings, ())
    return redetect([ground], {}, ConfirmedOn({}), ConfirmationRule())[ACCOUNT.account_id]


@pytest.mark.parametrize(
    ("asked", "last_seen_old"),
    [
        pytest.param(
            [
                (0, 1, ANSWERS_A),
                (5, 6, ANSWERS_A),
                (7, 8, ANSWERS_W),
                (9, 10, ANSWERS_W),
            ],
            5,
            id="one after the other",
        ),
        pytest.param(
            [
                (0, 1, ANSWERS_A),
                (5, 8, ANSWERS_A),
                (7, 9, ANSWERS_W),
                (11, 12, ANSWERS_W),
            ],
            0,
            id="asked for before the last had arrived, it is bounded by the one before that",
        ),
        pytest.param(
            [
                (0, 1, ANSWERS_A),
                (5, 6, ANSWERS_A),
                (3, 9, ANSWERS_W),
                (11, 12, ANSWERS_W),
            ],
            0,
            id="so it is where the last was asked for and answered meanwhile",
        ),
        pytest.param(
            [
                (0, 1, ANSWERS_A),
                (2, 5, ANSWERS_A),
                (3, 6, ANSWERS_A),
                (4, 7, ANSWERS_A),
                (4, 8, ANSWERS_W),
                (11, 12, ANSWERS_W),
            ],
            0,
            id="and where many were under way at once",
        ),
        pytest.param(
            [
                (0, 5, ANSWERS_A),
                (4, 8, ANSWERS_W),
                (11, 12, ANSWERS_W),
                (13, 14, ANSWERS_W),
            ],
            None,
            id="nothing had been read yet when it was asked",
        ),
        pytest.param(
            [
                (0, 1, ANSWERS_A),
                (3, 4, ANSWERS_W),
                (2, 5, ANSWERS_A),
                (6, 7, ANSWERS_W),
                (8, 9, ANSWERS_W),
            ],
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
    _, block, old, back = told(
        [
            (0, 1, ANSWERS_A),
            (5, 6, ANSWERS_W),
            (8, 9, ANSWERS_W),
            (5.5, 10, ANSWERS_A),
            (60, 61, ANSWERS_A),
            (62, 63, ANSWERS_A),
        ]
    )
    assert (block.pending.state, block.is_confirmed) == (ANSWERS_W, True)
    assert old.closed is not None
    assert (old.pending.first_seen_new, old.closed.reason) == (minutes(10), Reason.OVERTAKEN)
    assert back.is_confirmed
    assert (back.pending.last_seen_old, back.pending.first_seen_new) == (minutes(0), minutes(61))


def test_an_answer_requested_before_anything_was_known_opens_no_change() -> None:
    """Whether it is older than the first state cannot be told."""
    first, old = told([(1, 2, ANSWERS_S), (60, 61, ANSWERS_S), (0, 62, ANSWERS_A)])
    assert (first.pending.state, first.is_confirmed) == (ANSWERS_S, True)
    assert old.closed is not None
    assert (old.pending.state, old.closed.reason) == (ANSWERS_A, Reason.OVERTAKEN)


@st.composite
def overlapping_platforms(draw: st.DrawFn) -> tuple[list[tuple[int, State]], list[Asked]]:
    """The true course of an account, and answers that each show one moment between question and answer."""
    minute, course = 0, [(0, ANSWERS_A)]
    for gap in draw(st.lists(st.sampled_from([1, 2, 4, 20]), max_size=12)):
        minute += gap
        course.append(
            (
                minute,
                draw(st.sampled_from([s for s in (ANSWERS_A, ANSWERS_W, ANSWERS_S) if s != course[-1][1]])),
            )
        )
    asked: list[Asked] = []
    at = 0.5
    for gap in draw(st.lists(st.sampled_from([0.5, 0.5, 1, 5, 61]), min_size=3, max_size=25)):
        at += gap
        took = draw(st.sampled_from([0.25, 2.25, 4.25, 20.25]))
        moment = at - took + took * draw(st.sampled_from([0, 0, 0.5, 1]))
        state = next((s for since, s in reversed(course) if since <= moment), ANSWERS_A)
        asked.append((at - took, at, state))
    return course, asked


@pytest.mark.slow
@settings(max_examples=500)
@given(overlapping_platforms())
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


DESK, WIRE, PLAIN = ListId(1), ListId(2), ListId(3)
HISTORY = ThresholdHistory(
    [
        DatedThresholds(DESK, minutes(10), ListThresholds(1, 1)),
        DatedThresholds(WIRE, minutes(10), ListThresholds(3, 3)),
        DatedThresholds(WIRE, minutes(20), ListThresholds(2, 6)),
        DatedThresholds(WIRE, minutes(30), None),
    ]
)


@pytest.mark.parametrize(
    ("lists", "minute", "needs"),
    [
        pytest.param([], 15, (2, 4), id="an account on no list has the default rule"),
        pytest.param([PLAIN], 15, (2, 4), id="and so has one whose lists have no thresholds"),
        pytest.param([DESK], 9, (2, 4), id="thresholds do not hold before their time"),
        pytest.param([DESK], 10, (1, 1), id="they hold from then on"),
        pytest.param([DESK, WIRE], 15, (3, 3), id="on several lists the strictest holds"),
        pytest.param([DESK, WIRE], 20, (2, 6), id="newer ones replace older ones"),
        pytest.param([DESK, PLAIN], 15, (2, 4), id="a list without its own asks for the default"),
        pytest.param([WIRE], 30, (2, 4), id="a list can go back to the default"),
    ],
)
def test_the_rule_of_an_account_is_the_strictest_of_its_lists(
    lists: list[ListId], minute: int, needs: tuple[int, int]
) -> None:
    rule = RuleOfLists(RULE, HISTORY).at(lists, minutes(minute))
    assert (rule.strong_readings, rule.weak_readings) == needs


def test_a_list_that_asks_for_more_readings_gets_them_later() -> None:
    rule = RULE.for_lists([ListThresholds(2, 6)])
    hours = [offset / timedelta(hours=1) for offset in rule.offsets[3:]]
    assert rule.offsets[:4] == RULE.offsets
    assert hours == [1, 4, 7]


def test_a_list_does_not_change_when_a_state_is_settled() -> None:
    """A list that asks for one reading must not narrow the intervals of a platform that answers stale."""
    early = RULE.for_lists([ListThresholds(1, 1)])
    for agreeing, settled in ((1, False), (2, True)):
        assert early.settles(Strength.STRONG, agreeing, timedelta(hours=1)) is settled


@pytest.mark.parametrize(("strong", "weak"), [(0, 4), (3, 2), (2, 7), (7, 7)])
def test_numbers_that_no_list_can_have_are_refused(strong: int, weak: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 6, and a mere absence must need at least as many"):
        ListThresholds(strong, weak)


def test_the_sentence_says_what_the_numbers_mean() -> None:
    assert thresholds_sentence(ListThresholds(1, 3)) == (
        "A change that the platform states itself (a country, “suspended”, the account back) is confirmed by "
        "the first reading. A mere absence is confirmed once 3 readings show it, or one fewer while the list "
        "is busy."
    )
    assert thresholds_sentence(None).startswith("This list has no thresholds of its own. ")
