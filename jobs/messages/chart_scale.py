"""Pure: where the facts of a picture stand. Numbers in the course of time, and their axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from jobs.base.wording import day

SHORTEST = timedelta(minutes=10)
"""The axis is never shorter. A picture of one moment stands at its right end."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many accounts can be blocked: at least `least`, at most `most`, and what the doubt is made of."""

    least: int
    changing: int
    """Accounts between the last contrary reading and the first agreeing one."""
    unread: int
    """Accounts that nobody had read yet."""

    @property
    def most_read(self) -> int:
        return self.least + self.changing

    @property
    def most(self) -> int:
        return self.least + self.changing + self.unread


@dataclass(frozen=True, slots=True)
class ChartStep:
    """The bounds at one instant, and those that hold after it until the next step."""

    at: datetime
    here: Bounds
    after: Bounds


@dataclass(frozen=True, slots=True)
class Level:
    """What the bounds came to within some pixels of time."""

    least: int
    highest_least: int
    most_read: int
    most: int


Run = tuple[int, int, Level]
"""The first and the last pixel that have one level."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The rectangle that is drawn in, and what its edges stand for."""

    left: int
    right: int
    top: int
    bottom: int
    start: datetime
    end: datetime
    highest: int

    def x(self, at: datetime) -> int:
        return self.left + round((self.right - self.left) * ((at - self.start) / (self.end - self.start)))

    def y(self, number: int) -> int:
        return self.bottom - round((self.bottom - self.top) * number / self.highest)


def runs(steps: Sequence[ChartStep], scale: Scale) -> Iterator[Run]:
    """The levels from the first step to the right end. What lasted less than a pixel stands in it as well."""
    found: dict[int, list[Bounds]] = {}
    for step in steps:
        found.setdefault(scale.x(step.at), []).extend((step.here, step.after))
    before: list[Bounds] = []
    for x, following in pairwise([*found, scale.right + 1]):
        yield x, x, _level([*before, *found[x]])
        before = found[x][-1:]
        if x + 1 < following:
            yield x + 1, following - 1, _level(before)


def _level(bounds: Sequence[Bounds]) -> Level:
    least = [b.least for b in bounds]
    return Level(min(least), max(least), max(b.most_read for b in bounds), max(b.most for b in bounds))


def highest_count(watched: int, peak: int) -> int:
    """The upper end of the axis: all that are watched, unless the picture would be flat."""
    if 6 * peak >= watched and max(watched, peak) > 0:
        return max(watched, peak)
    return 2 * _round_up(max(1, peak) / 2)


def count_ticks(highest: int) -> tuple[int, ...]:
    """None, all, and a round number between them when there is room."""
    middle = _round_up(highest * 0.35)
    return (0, middle, highest) if middle <= highest * 0.7 else (0, highest)


def _round_up(number: float) -> int:
    """The next of 1, 2, 3, 5, 10, 20, 30, 50 …"""
    power = 1
    while True:
        for factor in (1, 2, 3, 5):
            if factor * power >= number:
                return factor * power
        power *= 10


def span_words(since: datetime, until: datetime) -> str:
    """The days of a picture in UTC: `31 Jan to 12 Feb 2021`."""
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    if first == last:
        return day(last)
    if first.year != last.year:
        return f"{day(first)} to {day(last)}"
    if first.month != last.month:
        return f"{first.day} {first:%b} to {day(last)}"
    return f"{first.day} to {day(last)}"
