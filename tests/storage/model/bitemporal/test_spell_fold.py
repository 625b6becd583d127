"""What is so does not depend on when it came in: changes fold to spells, and readings to changes."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.bitemporal.corrections import TimedReading
from storage.model.bitemporal.spell_fold import EffectiveChange, FoldedSpell, spells_of
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


def spell(
    change_id: int,
    state: State,
    onset_after: float | None,
    since: float,
    until: float | None,
    *,
    before_change: bool = False,
) -> FoldedSpell:
    def when(minute: float | None) -> datetime | None:
        return None if minute is None else minutes(minute)

    return FoldedSpell(change_id, state, when(onset_after), minutes(since), when(until), before_change)


DAY = 24 * 60
NEXT = DAY - 1 / 60
"""The last second of the first day."""


def by_day(change_id: int, new: State, first: int, last: int) -> EffectiveChange:
    """A first state that somebody else saw on a day, and again on a later one."""
    return told(
        change_id, None, None, new, first * DAY + NEXT, last * DAY + NEXT, source="import:a", by_day=True
    )


OWN = [told(1, None, None, A, 0), told(2, A, 50, W, 60, 62)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([], [], id="nothing confirmed tells nothing"),
        pytest.param(OWN, [spell(1, A, None, 0, 60), spell(2, W, 50, 60, None)], id="changes of one source"),
        pytest.param(
            [told(1, None, None, A, 0.5), told(2, A, 0, W, 60)],
            [spell(1, A, None, 0.5, 60), spell(2, W, 0, 60, None)],
            id="a question that came before the answer which showed the old state first is no look at it",
        ),
        pytest.param(
            [
                told(1, None, None, A, 0),
                told(2, A, 9, W, 10, 12),
                told(3, W, 4, WITHHELD_IN_AND_TR, 20, 22),
            ],
            [
                spell(1, A, None, 0, 10),
                spell(2, W, 9, 10, 20),
                spell(3, WITHHELD_IN_AND_TR, 4, 20, None),
            ],
            id="an answer that was silent on a country is older than the state before",
        ),
        pytest.param(
            [*OWN, told(3, None, None, A, 55, source="import:b")],
            [spell(1, A, None, 0, 60), spell(2, W, 55, 60, None)],
            id="a contrary look of somebody else makes the interval narrower",
        ),
        pytest.param(
            [*OWN, told(3, None, None, A, 40, source="import:b")],
            [spell(1, A, None, 0, 60), spell(2, W, 50, 60, None)],
            id="one before our own last look does not make it wider",
        ),
        pytest.param(
            [
                *OWN,
                told(3, A, 20, W, 30, 32, source="import:b"),
                told(4, None, None, S, 90, source="import:c"),
            ],
            [spell(1, A, None, 0, 60), spell(2, W, 50, 60, None)],
            id="what others tell of a time at which we looked ourselves is not heard",
        ),
        pytest.param(
            [*OWN, told(3, None, None, S, 55, source="import:b")],
            [spell(1, A, None, 0, 55), spell(3, S, 50, 55, 60), spell(2, W, 55, 60, None)],
            id="between the two readings that bound a change of ours nobody of us looked",
        ),
        pytest.param(
            [
                told(1, None, None, A, 0, source="import:a"),
                told(2, A, 50, W, 60, 62, source="import:a"),
                told(3, A, 20, W, 30, source="import:b"),
            ],
            [
                spell(1, A, None, 0, 30),
                spell(3, W, 20, 30, 50),
                spell(2, A, 30, 50, 60, before_change=True),
                spell(2, W, 50, 60, None),
            ],
            id="a state that came back between two sources began after the last look at the other one",
        ),
        pytest.param(
            [
                told(1, None, None, A, 0, 40, source="import:a"),
                told(2, None, None, W, 20, source="import:b"),
            ],
            [spell(1, A, None, 0, 20), spell(2, W, 0, 20, 40), spell(1, A, 20, 40, None)],
            id="a state that was agreed with later came back",
        ),
        pytest.param(
            [told(1, None, None, A, 0), told(2, None, None, W, 0, source="import:b")],
            [spell(1, A, None, 0, None)],
            id="of two contrary looks at one instant our own is heard",
        ),
        pytest.param(
            [told(1, None, None, A, 10), told(2, None, None, A, 10, source="import:b")],
            [spell(1, A, None, 10, None)],
            id="of two equal looks at one instant our own is named",
        ),
        pytest.param(
            [told(1, None, None, W, 0, 5, source="import:b"), told(2, None, None, A, 60)],
            [spell(1, W, None, 0, 60), spell(2, A, 5, 60, None)],
            id="our own first look ends what somebody else told",
        ),
        pytest.param(
            [by_day(1, W, 0, 2), told(2, None, None, A, NEXT + 2 * DAY + 0.5, source="import:b")],
            [spell(1, W, None, NEXT, 2 * DAY + NEXT + 0.5), spell(2, A, 2 * DAY, 2 * DAY + NEXT + 0.5, None)],
            id="a look of which only the day is known bounds what follows from the first second of its day",
        ),
        pytest.param(
            [by_day(1, W, 0, 0), told(2, None, None, A, DAY / 2, source="import:b")],
            [spell(2, A, None, DAY / 2, None)],
            id="a look that may be before a contrary one or after it is not heard",
        ),
        pytest.param(
            [by_day(1, W, 0, 2), told(2, None, None, A, DAY / 2, source="import:b")],
            [spell(2, A, None, DAY / 2, 2 * DAY + NEXT), spell(1, W, DAY / 2, 2 * DAY + NEXT, None)],
            id="a later day of the same record is",
        ),
        pytest.param(
            [by_day(1, W, 0, 2), told(2, None, None, A, 1.5 * DAY, source="import:b")],
            [
                spell(1, W, None, NEXT, 1.5 * DAY),
                spell(2, A, 0, 1.5 * DAY, 2 * DAY + NEXT),
                spell(1, W, 1.5 * DAY, 2 * DAY + NEXT, None),
            ],
            id="a state that came back on a day was there by the end of that day",
        ),
        pytest.param(
            [by_day(1, W, 0, 0), told(2, None, None, W, DAY / 2, source="import:b")],
            [spell(2, W, None, DAY / 2, None)],
            id="an equal look at a known time says by when it was so",
        ),
        pytest.param(
            [by_day(3, W, 0, 0), told(1, None, None, A, -60), told(2, A, DAY / 2, S, 2 * DAY)],
            [spell(1, A, None, -60, 2 * DAY), spell(2, S, DAY / 2, 2 * DAY, None)],
            id="of a day of which we looked at a part, the look of somebody else is not heard",
        ),
    ],
)
def test_spells_are_told_from_changes_in_any_order(
    changes: list[EffectiveChange], expected: list[FoldedSpell]
) -> None:
    assert list(spells_of(changes)) == expected
    assert list(spells_of(changes[::-1])) == expected


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


def test_one_reading_between_two_blocks_tells_two_changes_where_one_was_told() -> None:
    table = Table()
    looks = {
        m: TimedReading(Reading("1", minutes(m), s, Strength.STRONG), minutes(m))
        for m, s in [(0, A), (10, W), (12, W), (20, A), (22, A), (30, W), (32, W)]
    }
    table.arrive([looks[m] for m in (0, 10, 12, 30, 32)])
    assert [r.new for r in table.standing] == [A, W]
    table.arrive([looks[20], looks[22]])
    assert rows_of(table) == reference(list(looks.values()))
    assert [r.new for r in table.standing if not r.is_annulled] == [A, W, A, W]
    assert replace(table.standing[1], change_id=0) == replace(table.rows[1], change_id=0)
