"""The judgement of a rehearsal: it must notice a lie, a wrong interval and a change that was overlooked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from jobs.detect.confirmation import ConfirmationRule
from jobs.rehearsal.scoring import Believed, RehearsalScore, StatusTimeline, hold_against_truth, observable
from storage.model.core.availability import State, Status
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

RULE = ConfirmationRule()
IN_TR = State(Status.WITHHELD, ("TR",))


def line(*steps: tuple[float, State]) -> StatusTimeline:
    return StatusTimeline(tuple(minutes(m) for m, _ in steps), tuple(s for _, s in steps))


BLOCKED = line((-999, AVAILABLE), (100, SUSPENDED))


def seen(steps: StatusTimeline, readings: Sequence[float], lists: tuple[str, ...] = ()) -> list[Believed]:
    return observable({"1": steps}, {"1": lists}, {"1": [minutes(m) for m in readings]}, RULE)


def believed(new: State, after: float, until: float, old: State | None = AVAILABLE) -> Believed:
    return Believed("1", old, new, minutes(after), minutes(until))


def judged(*detected: Believed, ideal: Sequence[Believed] = ()) -> RehearsalScore:
    return hold_against_truth({"1": BLOCKED}, ideal, detected, minutes(0), minutes(600))


@pytest.mark.parametrize(
    ("steps", "readings", "expected"),
    [
        pytest.param(
            BLOCKED, [0, 60, 120, 121], [believed(SUSPENDED, 60, 120)], id="a block that lasts is observable"
        ),
        pytest.param(BLOCKED, [0, 60, 120], [], id="one reading of it is not enough"),
        pytest.param(BLOCKED, [120, 121], [], id="a first state is no change"),
        pytest.param(BLOCKED, [], [], id="without readings nothing is observable"),
        pytest.param(
            line((-9, AVAILABLE), (100, SUSPENDED), (110, AVAILABLE)),
            [0, 60, 120, 121],
            [],
            id="a spell between two readings cannot be seen",
        ),
        pytest.param(
            line((-9, AVAILABLE), (100, NOT_FOUND), (130, AVAILABLE)),
            [0, 60, 120, 121, 135, 180],
            [],
            id="an absence that ends before the hour of readings is not observable",
        ),
        pytest.param(
            line((-9, AVAILABLE), (100, NOT_FOUND)),
            [0, 60, 120, 121, 135, 180],
            [believed(NOT_FOUND, 60, 120)],
            id="an absence that lasts through the hour of readings is",
        ),
        pytest.param(
            line((-9, AVAILABLE), (100, SUSPENDED), (110, WITHHELD_IN), (115, SUSPENDED)),
            [0, 105, 120],
            [believed(SUSPENDED, 0, 105)],
            id="what happened between two agreeing readings does not count against them",
        ),
    ],
)
def test_what_a_run_could_observe(
    steps: StatusTimeline, readings: list[float], expected: list[Believed]
) -> None:
    assert seen(steps, readings) == expected


@pytest.mark.parametrize(
    ("then", "silent_on", "first"),
    [
        pytest.param(AVAILABLE, "TR", 240, id="a lift in a country that was not heard"),
        pytest.param(AVAILABLE, "BR", 120, id="a lift elsewhere"),
        pytest.param(SUSPENDED, "TR", 120, id="a suspension, which is of no country"),
    ],
)
def test_an_answer_that_is_silent_on_a_country_shows_no_change_there(
    then: State, silent_on: str, first: float
) -> None:
    lines, at = {"1": line((-9, IN_TR), (100, then))}, [minutes(m) for m in (0, 1, 120, 121, 240, 241)]
    silences = {("1", minutes(m)): frozenset({silent_on}) for m in (120, 121)}
    (found,) = observable(lines, {}, {"1": at}, RULE, silences)
    assert (found.new, found.first_seen_new) == (then, minutes(first))


def test_in_an_active_cohort_an_absence_is_observable_with_one_reading_less() -> None:
    lines = {"1": BLOCKED, "2": line((-9, AVAILABLE), (100, NOT_FOUND))}
    at = {i: [minutes(m) for m in (0, 120, 121, 135)] for i in lines}
    both = [
        Believed("1", AVAILABLE, SUSPENDED, minutes(0), minutes(120)),
        Believed("2", AVAILABLE, NOT_FOUND, minutes(0), minutes(120)),
    ]
    assert observable(lines, {"1": ("L",), "2": ("L",)}, at, RULE) == both
    assert observable(lines, {"1": ("L",), "2": ("other",)}, at, RULE) == both[:1]


def test_a_change_that_never_happened_is_false() -> None:
    verdict = judged(believed(NOT_FOUND, 60, 120))
    assert (len(verdict.false), len(verdict.wrong_interval), verdict.delays_s) == (1, 0, [])


BASELINE = Believed("1", None, AVAILABLE, None, minutes(0))


def test_a_change_dated_to_the_wrong_interval_is_wrong() -> None:
    verdict = judged(BASELINE, believed(SUSPENDED, 120, 180))
    assert (len(verdict.false), len(verdict.wrong_interval)) == (0, 1)


@pytest.mark.parametrize(
    ("readings", "wrong", "misled"),
    [
        pytest.param([60, 120, 180], 0, 1, id="of what nothing announced the platform misled everybody"),
        pytest.param([60, 110, 120, 180], 1, 0, id="a change that a reading announced has a wrong interval"),
    ],
)
def test_a_lie_excuses_a_wrong_interval_only_where_nothing_announced_the_change(
    readings: list[float], wrong: int, misled: int
) -> None:
    verdict = hold_against_truth(
        {"1": BLOCKED},
        (),
        [BASELINE, believed(SUSPENDED, 120, 180)],
        minutes(0),
        minutes(600),
        lambda _, at: at == minutes(120),
        {"1": [minutes(m) for m in readings]},
    )
    assert (len(verdict.wrong_interval), len(verdict.misled)) == (wrong, misled)


def test_a_first_state_that_was_not_so_is_false() -> None:
    assert judged(Believed("1", None, SUSPENDED, None, minutes(0))).false
    assert not judged(Believed("1", None, AVAILABLE, None, minutes(0))).false


def test_a_first_state_in_a_country_claims_no_change_and_misses_none() -> None:
    first = Believed("1", AVAILABLE, SUSPENDED, None, minutes(120), is_first=True)
    verdict = judged(BASELINE, first, ideal=[believed(SUSPENDED, 60, 120)])
    assert (verdict.false, verdict.wrong_interval, verdict.unseen, verdict.detected) == ([], [], [], 0)
    assert judged(BASELINE, replace(first, first_seen_new=minutes(60))).false


def test_the_same_change_told_twice_is_false() -> None:
    assert judged(BASELINE, believed(SUSPENDED, 60, 120), believed(SUSPENDED, 60, 180)).false


def test_a_change_from_a_state_that_was_not_held_is_false() -> None:
    assert judged(BASELINE, believed(SUSPENDED, 60, 120, old=NOT_FOUND)).false


def test_a_state_that_had_ended_by_that_reading_is_false() -> None:
    ended = line((-999, AVAILABLE), (100, SUSPENDED), (110, AVAILABLE))
    verdict = hold_against_truth(
        {"1": ended}, (), [BASELINE, believed(SUSPENDED, 60, 120)], minutes(0), minutes(600)
    )
    assert verdict.false == [believed(SUSPENDED, 60, 120)]


def test_an_observable_change_that_was_not_detected_is_listed() -> None:
    ideal = [believed(SUSPENDED, 60, 120)]
    assert judged(BASELINE, ideal=ideal).unseen == ideal
    assert judged(BASELINE, *ideal, ideal=ideal).unseen == []


def test_a_change_whose_first_reading_was_answered_with_a_lie_is_detected_by_a_later_one() -> None:
    """That an ideal monitor was not lied to makes the change no less seen."""
    ideal = [believed(SUSPENDED, 60, 120)]
    assert judged(BASELINE, believed(SUSPENDED, 60, 180), ideal=ideal).unseen == []


def test_a_lift_in_one_country_in_an_answer_silent_on_the_other_is_not_false() -> None:
    both, one = State(Status.WITHHELD, ("IN", "TR")), State(Status.WITHHELD, ("TR",))
    changes = [
        Believed("1", None, both, None, minutes(0)),
        Believed("1", both, one, minutes(60), minutes(120)),
        Believed("1", one, AVAILABLE, minutes(60), minutes(180)),
    ]
    silences = {("1", minutes(120)): frozenset({"TR"})}
    lines = {"1": line((-9, both), (100, AVAILABLE))}
    verdict = hold_against_truth(lines, (), changes, minutes(0), minutes(600), silences=silences)
    assert (verdict.false, verdict.wrong_interval) == ([], [])
    assert hold_against_truth(lines, (), changes, minutes(0), minutes(600)).false


def test_the_delay_runs_from_the_true_time_to_the_first_agreeing_reading() -> None:
    assert judged(BASELINE, believed(SUSPENDED, 60, 120)).delays_s == [1200.0]


@pytest.mark.parametrize("end", [minutes(50), minutes(600)])
def test_only_changes_within_the_run_count_as_true(end: datetime) -> None:
    verdict = hold_against_truth({"1": BLOCKED}, (), (), minutes(0), end)
    assert verdict.changes_true == verdict.spells_missed == (end > minutes(100))
