"""Pure: round moments in UTC to write below an axis of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

FEWEST_TICKS, MOST_TICKS = 3, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30)
_HOURS = (1, 2, 3, 4, 6, 8, 12)
_DAYS = (1, 2, 3, 4, 7, 10, 14)
_STEPS = (
    *(timedelta(minutes=n) for n in _MINUTES),
    *(timedelta(hours=n) for n in _HOURS),
    *(timedelta(days=n) for n in _DAYS),
)
_WEEKS = timedelta(weeks=3)
"""Where months are too long."""
_MONTHS = (1, 2, 3, 4, 6, 12, 24, 36, 60, 120, 240, 600, 1200)


@dataclass(frozen=True, slots=True)
class Tick:
    at: datetime
    label: str


def time_ticks(start: datetime, end: datetime, most: int = MOST_TICKS) -> tuple[Tick, ...]:
    """Round moments between both ends, at equal steps: three to `most` of them."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    for step in _STEPS:
        if len(ticks := tuple(islice(_at_every(step, start, end), most + 1))) <= most:
            return ticks
    for months in _MONTHS:
        begun = _month(start) if start == _first_of(_month(start)) else _month(start) + 1
        numbers = range(-(-begun // months) * months, _month(end) + 1, months)
        if FEWEST_TICKS <= len(numbers) <= most:
            return tuple(Tick(at, f"{at:%b %Y}") for at in map(_first_of, numbers))
    return tuple(islice(_at_every(_WEEKS, start, end), most + 1))


def _at_every(step: timedelta, start: datetime, end: datetime) -> Iterator[Tick]:
    moments = (_EPOCH + n * step for n in range(-(-(start - _EPOCH) // step), (end - _EPOCH) // step + 1))
    return (Tick(at, _clock_or_day(at)) for at in moments)


def _month(at: datetime) -> int:
    return at.year * 12 + at.month - 1


def _first_of(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _clock_or_day(at: datetime) -> str:
    """Midnight is where another day begins."""
    return f"{at:%H:%M}" if at.hour or at.minute else f"{at.day} {at:%b}"
