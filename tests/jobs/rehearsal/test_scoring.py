"""The judgement of a rehearsal: it must notice a lie, a wrong interval and a change that was overlooked."""

from collections.abc import Sequence

import pytest

from jobs.detect.confirmation import ConfirmationRule
from jobs.rehearsal.scoring import Believed, RehearsalScore, StatusTimeline, hold_against_truth, observable
from storage.model.core.availability import State, Status
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, minutes

RULE = ConfirmationRule()
IN_TR = State(Status.WITHHELD, ("TR",))


def line(*steps: tuple[float, State]) -> StatusTimeline:
    return StatusTimeline(tuple(minutes(m) for m, _ in steps), tuple(s for _, s in steps))


BLOCKED = line((-999, AVAILABLE), (100, SUSPENDED))


def believed(new: State, after: float, until: float, old: State | None = AVAILABLE) -> Believed:
    return Believed("1", old, new, minutes(after), minutes(until))


def judged(*detected: Believed, ideal: Sequence[Believed] = ()) -> RehearsalScore:
    return hold_against_truth({"1": BLOCKED}, ideal, detected, minutes(0), minutes(600))


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


BASELINE = Believed("1", None, AVAILABLE, None, minutes(0))


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


def test_a_change_from_a_state_that_was_not_held_is_false() -> None:
    assert judged(BASELINE, believed(SUSPENDED, 60, 120, old=NOT_FOUND)).false


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
