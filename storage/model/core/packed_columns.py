"""Columns as Postgres sends them in one piece: a hundred thousand numbers at the cost of a few rows."""

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NULL = -(2**63)
"""What `coalesce(timestamptz_send(t), '\\x8000000000000000')` sends for a time that is not there."""


def integers(packed: bytes) -> "array[int]":
    """The numbers of `string_agg(int8send(n), '')`."""
    numbers = array("q", packed)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def microseconds(at: datetime) -> int:
    """A time as `integers` gives it when it was sent by `timestamptz_send`."""
    return (at - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Instants:
    """A column of times, or of no time, each made when it is looked at: to make them all costs more than the
    query that they come from.
    """

    since_epoch: "array[int]"

    def __len__(self) -> int:
        return len(self.since_epoch)

    def __getitem__(self, position: int) -> datetime | None:
        return _instant(self.since_epoch[position])

    def __iter__(self) -> Iterator[datetime | None]:
        return map(_instant, self.since_epoch)


def _instant(number: int) -> datetime | None:
    return None if number == _NULL else instant(number)


def instant(number: int) -> datetime:
    """The time of one number of such a column, in which there is none that is missing."""
    return _EPOCH + number * _MICROSECOND  # a third quicker than timedelta(microseconds=number)


def instants(packed: bytes) -> Instants:
    """The times of `string_agg(timestamptz_send(t), '')`."""
    return Instants(integers(packed))
