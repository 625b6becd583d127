"""Columns that Postgres sends in one piece."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from storage.model.core.packed_columns import instant, integers, microseconds


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_a_column_gives_back_the_numbers_that_were_packed_into_it(numbers: list[int]) -> None:
    assert list(integers(b"".join(n.to_bytes(8, "big", signed=True) for n in numbers))) == numbers


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_the_same_as_a_number(at: datetime) -> None:
    assert instant(microseconds(at)) == at
