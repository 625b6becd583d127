"""Columns as Postgres sends them in one piece: a hundred thousand numbers at the cost of a few rows."""

import sys
from array import array
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def integers(packed: bytes) -> "array[int]":
    """The numbers of `string_agg(int8send(n), '')`."""
    numbers = array("q", packed)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def microseconds(at: datetime) -> int:
    """A time as `integers` gives it when it was sent by `timestamptz_send`."""
    return (at - _EPOCH) // _MICROSECOND


def instant(number: int) -> datetime:
    """The time of one number of such a column."""
    return _EPOCH + number * _MICROSECOND  # a third quicker than timedelta(microseconds=number)
