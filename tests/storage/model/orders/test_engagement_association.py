"""The test of association: level where there is none, awake where there is, silent where it cannot tell."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.orders.engagement_association import (
    Association,
    EngagementRecord,
    Interval,
    associated,
    looked,
    merged,
)

T0 = datetime(2021, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = [(T0, T0 + 360 * DAY)]


def days(*numbers: float) -> list[datetime]:
    return [T0 + n * DAY for n in numbers]


def held(
    toward: list[datetime],
    events: list[datetime],
    observed: list[Interval] = YEAR,
    seed: int = 1,
    others: list[datetime] | None = None,
) -> Association:
    record = EngagementRecord([*toward, *(others or [])], observed)
    return associated(record, toward, [(at, at) for at in events], 2 * DAY, 2 * DAY, seed, shifts=199)


@pytest.mark.parametrize(
    ("toward", "events", "observed", "why"),
    [
        pytest.param(
            days(1, 2, 3), days(9), YEAR, "3 engagements with its accounts were seen", id="too few acts"
        ),
        pytest.param([], days(9), YEAR, "no engagement with its accounts was seen", id="no act"),
        pytest.param(days(*range(20, 30)), [], YEAR, "no dated event of the order is stored", id="no event"),
        pytest.param(
            days(*range(20, 30)),
            days(9),
            [(T0 + 15 * DAY, T0 + 99 * DAY)],
            "was not read in the time around",
            id="a gap there",
        ),
        pytest.param(
            days(1.5, 2, 2.5, 3, 3.5),
            days(3),
            [(T0 + DAY, T0 + 4 * DAY)],
            "nothing to compare",
            id="nothing else seen",
        ),
        pytest.param(
            days(1, 2, 3, 4, 5), days(3), [], "was not read in the time around", id="never observed"
        ),
    ],
)
def test_what_cannot_be_tested_says_why_and_has_no_p(
    toward: list[datetime], events: list[datetime], observed: list[Interval], why: str
) -> None:
    found = held(toward, events, observed)
    assert found.p is None
    assert why in found.why_not


@pytest.mark.parametrize(
    ("seen", "parts"),
    [
        pytest.param((1, 2), [(0, 3)], id="no silence"),
        pytest.param((1, 9), [(0, 1), (9, 10)], id="a silence tells of nothing"),
        pytest.param((), [], id="silent all along"),
    ],
)
def test_a_record_that_is_silent_for_long_is_not_taken_to_have_looked(
    seen: tuple[int, ...], parts: list[tuple[int, int]]
) -> None:
    last = parts[-1][1] if parts else 10
    found = looked(T0, T0 + last * DAY, days(*seen), 2 * DAY)
    assert found == [(T0 + a * DAY, T0 + b * DAY) for a, b in parts]


times = st.integers(0, 400).map(lambda n: T0 + n * DAY)


@given(st.lists(st.tuples(times, times), max_size=8))
def test_merged_parts_are_in_order_and_apart(parts: list[Interval]) -> None:
    found = merged(parts)
    assert all(a[1] < b[0] for a, b in pairwise(found))
    assert all(any(a <= start and end <= b for a, b in found) for start, end in parts if start < end)


@given(st.lists(times, min_size=5, max_size=40), st.lists(times, min_size=1, max_size=4), st.integers(0, 99))
def test_p_is_a_share_of_the_shifts_and_never_zero(
    toward: list[datetime], events: list[datetime], seed: int
) -> None:
    record = EngagementRecord(toward, [(T0, T0 + 401 * DAY)])
    found = associated(record, toward, [(at, at) for at in events], DAY, DAY, seed, shifts=19)
    assert found.in_windows <= found.toward == len(toward)
    if found.p is not None:
        assert found.p * 20 == pytest.approx(round(found.p * 20))
        assert 0 < found.p <= 1
