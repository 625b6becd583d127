"""What is so does not depend on when it came in: changes fold to spells, and readings to changes."""

import random
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storage.model.bitemporal.corrections import TimedReading
from storage.model.bitemporal.spell_fold import EffectiveChange, spells_of
from storage.model.core.availability import Reading, State, Strength
from tests.support.pipelines.change_table import Table, reference, rows_of
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

WITHHELD_IN_AND_TR = State(WITHHELD_IN.status, ("IN", "TR"))
WITHHELD_TR = State(WITHHELD_IN.status, ("TR",))
A, W, S = AVAILABLE, WITHHELD_IN, SUSPENDED


def told(
    change_id: int,
    old: State | None,
    last_seen_old: float | None,
    new: State,
    first_seen_new: float,
    last_agreeing_at: float | None = None,
    source: str = "x",
    *,
    by_day: bool = False,
) -> EffectiveChange:
    last = first_seen_new if last_agreeing_at is None else last_agreeing_at
    return EffectiveChange(
        change_id=change_id,
        change_key=f"{change_id:04}",
        source=source,
        is_own=source == "x",
        old=old,
        new=new,
        last_seen_old=None if last_seen_old is None else minutes(last_seen_old),
        first_seen_new=minutes(first_seen_new),
        last_agreeing_at=minutes(last),
        by_day=by_day,
    )


DAY = 24 * 60
NEXT = DAY - 1 / 60
"""The last second of the first day."""


def by_day(change_id: int, new: State, first: int, last: int) -> EffectiveChange:
    """A first state that somebody else saw on a day, and again on a later one."""
    return told(
        change_id, None, None, new, first * DAY + NEXT, last * DAY + NEXT, source="import:a", by_day=True
    )


STATES = st.sampled_from([A, W, S])
CHANGES = st.lists(
    st.tuples(
        *(st.integers(0, 30), st.integers(0, 8), st.integers(0, 8), STATES, STATES),
        st.sampled_from(["x", "b", "days"]),
    ),
    max_size=8,
)


@given(drawn=CHANGES, order=st.randoms(use_true_random=False))
def test_spells_follow_each_other_whatever_came_in_first(
    drawn: list[tuple[int, int, int, State, State, str]], order: random.Random
) -> None:
    changes = [
        told(n, old, first - before - 0.5, new, first, first + after, source)
        if source != "days"
        else by_day(n, new, first, first + after)
        for n, (first, before, after, old, new, source) in enumerate(drawn)
    ]
    spells = spells_of(changes)
    shuffled = list(changes)
    order.shuffle(shuffled)

    assert spells_of(shuffled) == spells
    for one, after in pairwise(spells):
        assert one.since < after.since == one.until
        assert one.state != after.state
    assert all(s.onset_after is None or s.onset_after < s.since for s in spells)
    assert all(s.until is None for s in spells[-1:])


# readings ------------------------------------------------------------------------------------------------

LOOKS = st.tuples(
    st.sampled_from([1, 2, 14, 20, 46, 61, 400]),
    st.sampled_from([A, A, W, WITHHELD_TR, WITHHELD_IN_AND_TR, S, NOT_FOUND]),
    st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"TR"})]),
    st.sampled_from([0.0, 0.25]),
)


def readings_of(drawn: list[tuple[int, State, frozenset[str], float]]) -> list[TimedReading]:
    """Looks in the order of time, each so many minutes after the one before."""
    out: list[TimedReading] = []
    minute = 0
    for gap, state, silent, latency in drawn:
        minute += gap
        heard = tuple(c for c in state.withheld_in if c not in silent)
        if state.withheld_in:
            state = State(W.status, heard) if heard else A
        strength = Strength.WEAK if state.status.is_gone else Strength.STRONG
        at = minutes(minute)
        out.append(
            TimedReading(
                Reading("1", at, state, strength, silent_on=silent), at - latency * timedelta(minutes=1)
            )
        )
    return out


@given(
    drawn=st.lists(LOOKS, min_size=1, max_size=14),
    order=st.randoms(use_true_random=False),
    repeats=st.integers(0, 4),
    at_once=st.integers(1, 4),
)
def test_readings_tell_the_same_in_every_order_of_arrival(
    drawn: list[tuple[int, State, frozenset[str], float]], order: random.Random, repeats: int, at_once: int
) -> None:
    readings = readings_of(drawn)
    arriving = [*readings, *readings[:repeats]]
    order.shuffle(arriving)
    table = Table()
    for start in range(0, len(arriving), at_once):
        table.arrive(arriving[start : start + at_once])

    assert rows_of(table) == reference(readings)


@given(drawn=st.lists(LOOKS, min_size=1, max_size=14))
def test_readings_in_order_correct_nothing(drawn: list[tuple[int, State, frozenset[str], float]]) -> None:
    table = Table()
    table.arrive(readings_of(drawn))
    assert not table.superseded
