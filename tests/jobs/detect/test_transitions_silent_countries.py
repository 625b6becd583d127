"""An answer that says nothing of a country neither blocks nor restores anybody there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.transitions import completed, step
from storage.model.core.availability import Flag, State, Status, kind_of
from storage.model.core.known_state import Known, ReadingEffect
from tests.support.samples.readings import AVAILABLE, SUSPENDED, minutes, reading

RULE = ConfirmationRule()
TR = State(Status.WITHHELD, ("TR",))
DE = State(Status.WITHHELD, ("DE",))
BOTH = State(Status.WITHHELD, ("DE", "TR"))

Look = tuple[float, State, tuple[str, ...]]


def looked(known: Known, look: Look) -> ReadingEffect | None:
    minute, state, silent = look
    told = completed(known, replace(reading("1", state, minutes(minute)), silent_on=frozenset(silent)))
    return None if told is None else step(known, told, minutes(minute), RULE, cohort_active=False)


Found = list[tuple[State, State, datetime | None, datetime]]


def changes(looks: Sequence[Look]) -> Found:
    """The confirmed changes after the first state: from what to what, and between which two looks."""
    known, found = Known(), Found()
    for look in looks:
        result = looked(known, look)
        if result is None:
            continue
        if result.confirmed is not None and known.state is not None:
            p = result.confirmed.pending
            found.append((known.state, p.state, p.last_seen_old, p.first_seen_new))
        known = result.known
    return found


FIRST, PARTLY = frozenset({Flag.FIRST_SEEN}), frozenset({Flag.PARTLY_FIRST_SEEN})
NONE = frozenset[Flag]()


@pytest.mark.parametrize(
    ("looks", "kinds"),
    [
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ())],
            [("baseline", FIRST, None)],
            id="withheld in a country that was never heard of is a first state",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (10, AVAILABLE, ()), (20, TR, ()), (22, TR, ())],
            [("block", NONE, minutes(10))],
            id="once heard as not withheld, it is a block",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, BOTH, ()), (22, BOTH, ())],
            [("block", PARTLY, minutes(0))],
            id="a block in a country that was heard has its interval beside a first state",
        ),
        pytest.param(
            [(0, DE, ("TR",)), (1, DE, ("TR",)), (20, BOTH, ()), (22, BOTH, ())],
            [("baseline", FIRST, None)],
            id="a first state beside what is known adds no country",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (21, BOTH, ()), (23, BOTH, ())],
            [("block", PARTLY, minutes(20))],
            id="a provisional first state hands its country on to what takes its place",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, DE, ("TR",)), (21, BOTH, ()), (23, BOTH, ())],
            [("block", PARTLY, minutes(0))],
            id="a provisional block keeps its bound when a first state comes beside it",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, DE, ("TR",)), (21, TR, ()), (23, TR, ())],
            [("baseline", FIRST, None)],
            id="a first state after a block that went back is one",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ()), (30, AVAILABLE, ()), (32, AVAILABLE, ())],
            [("baseline", FIRST, None), ("restoration", NONE, minutes(22))],
            id="the end of a first state is a restoration",
        ),
    ],
)
def test_a_country_that_was_never_reported_has_a_first_state(
    looks: Sequence[Look], kinds: list[tuple[str, frozenset[Flag], datetime | None]]
) -> None:
    known, found = Known(), list[tuple[str, frozenset[Flag], datetime | None]]()
    for look in looks:
        result = looked(known, look)
        assert result is not None
        if result.confirmed is not None and known.state is not None:
            p = result.confirmed.pending
            found.append((kind_of(known.state, p.state, p.flags).value, p.flags, p.last_seen_old))
        known = result.known
    assert found == kinds


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param(
            [(0, TR, ()), (10, AVAILABLE, ("TR",)), (20, AVAILABLE, ("TR",))],
            [],
            id="a labeler that is not heard lifts no restriction",
        ),
        pytest.param(
            [(0, AVAILABLE, ()), (10, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ())],
            [(TR, minutes(0), minutes(20))],
            id="a restriction may have begun while its labeler was not heard",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ())],
            [(TR, None, minutes(20))],
            id="a restriction in a country that was never heard of began at an unknown time",
        ),
        pytest.param(
            [(0, AVAILABLE, ()), (10, AVAILABLE, ("TR",)), (20, DE, ("TR",)), (22, DE, ("TR",))],
            [(DE, minutes(10), minutes(20))],
            id="a change in a country that was heard has its usual interval",
        ),
        pytest.param(
            [(0, TR, ()), (1, TR, ()), (10, DE, ("TR",)), (12, DE, ("TR",)), (14, BOTH, ())],
            [(BOTH, minutes(1), minutes(10))],
            id="a country that is not heard keeps what is held of it beside the new one",
        ),
        pytest.param(
            [(0, AVAILABLE, ()), (10, TR, ()), (11, AVAILABLE, ("TR",)), (12, TR, ())],
            [(TR, minutes(0), minutes(10))],
            id="a look that leaves a provisional change open neither ends nor confirms it",
        ),
        pytest.param(
            [(0, TR, ()), (1, TR, ()), (10, SUSPENDED, ("TR",)), (12, SUSPENDED, ("TR",))],
            [(SUSPENDED, minutes(1), minutes(10))],
            id="a suspension is one whoever was heard",
        ),
        pytest.param(
            [(0, TR, ()), (1, TR, ()), (5, TR, ("DE",)), (10, AVAILABLE, ()), (12, AVAILABLE, ())],
            [(AVAILABLE, minutes(5), minutes(10))],
            id="silence on another country does not widen an interval",
        ),
    ],
)
def test_an_unreported_country_is_no_statement(
    looks: Sequence[Look], expected: list[tuple[State, datetime | None, datetime]]
) -> None:
    assert [change[1:] for change in changes(looks)] == expected


_STATES = st.sampled_from([AVAILABLE, TR, DE, BOTH])
_SILENT = st.sets(st.sampled_from(["TR", "DE"])).map(lambda found: tuple(sorted(found)))


@given(st.lists(st.tuples(_STATES, _SILENT), min_size=1, max_size=12))
def test_no_order_of_complete_and_incomplete_answers_gives_a_wrong_change(
    truth: list[tuple[State, tuple[str, ...]]],
) -> None:
    """The platform is in a state at each look; the look shows it without the countries that are silent."""
    looks: list[Look] = []
    for minute, (state, silent) in enumerate(truth):
        heard = tuple(c for c in state.withheld_in if c not in silent)
        looks.append((minute * 10.0, State(Status.WITHHELD, heard) if heard else AVAILABLE, silent))
    states = [state for state, _ in truth]
    for _, state, last_old, first_new in changes(looks):
        now = index(first_new)
        heard = {"TR", "DE"} - set(truth[now][1])

        def shown(state: State, heard: set[str] = heard) -> set[str]:
            return set(state.withheld_in) & heard

        assert shown(state) == shown(states[now])
        if last_old is not None:
            # Some look from there on denied the state, in a country that it spoke of.
            assert any(
                (set(states[i].withheld_in) ^ set(state.withheld_in)) - set(truth[i][1])
                for i in range(index(last_old), now)
            )


def index(at: datetime) -> int:
    return int((at - minutes(0)).total_seconds() // 600)
