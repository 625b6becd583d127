"""Pure: whether an executive's acts toward an order's accounts come closer to its events than by chance.

It tells of an association, never of a cause. What is counted is how many of those acts lie in a window
around the events. What that is held against is the same executive's own base rate, by a permutation test: the
whole series is shifted along the observed time by a random length, and what runs over the end comes in at
the beginning, so many times; how often are there as many acts in the windows as were seen?

- A shift keeps the distances between the acts. People act in bursts: to shuffle single acts would tear those
  apart, windows would then never hold a burst by chance, and every burst would look like a finding.
- Time in which nobody looked is taken out before, of the series and of the windows: an act there could not
  have been seen, and a silence there is none.
- p counts the series that was seen as one of the shifts, (1 + as many) / (1 + shifts): it is never zero.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

Interval = tuple[datetime, datetime]

FEWEST = 5
"""Acts toward an order's accounts below which nothing is tested."""
SHIFTS = 999
LARGEST_SHARE = 0.8
"""Of the observed time in the windows: beyond that there is nothing left to compare with."""


@dataclass(frozen=True, slots=True)
class Association:
    """What was counted, and what the test says. `why_not` is the end of "cannot be tested: …"; then there is
    no `p`.
    """

    toward: int
    """Acts toward the accounts in all the observed time."""
    in_windows: int
    """Those of them in the windows."""
    expected: float
    """How many there would be by the base rate."""
    active: float | None
    """How many there would be if in the windows the same share of all acts were toward these accounts: an
    executive may be more active then in general. None when no act was seen at all."""
    observed_in_windows: timedelta
    observed: timedelta
    shifts: int = 0
    p: float | None = None
    why_not: str = ""


class EngagementRecord:
    """All acts of an executive that one source saw, over the parts of time in which it looked."""

    def __init__(self, acts: Sequence[datetime], observed: Sequence[Interval]) -> None:
        self.axis = ObservedTime(merged(observed))
        self.points = self.axis.points(acts)


def associated(
    record: EngagementRecord,
    toward: Sequence[datetime],
    events: Sequence[Interval],
    before: timedelta,
    after: timedelta,
    seed: int = 0,
    shifts: int = SHIFTS,
) -> Association:
    """Hold those acts of a record that are `toward` an order's accounts, in the windows around its `events`,
    against the base rate.

    A window runs from `before` an event to `after` it; an event whose date is disputed lies between two
    times, any other one between a time and itself. Acts outside of the observed time count nowhere.
    """
    axis = record.axis
    windows = axis.windows(merged([(since - before, until + after) for since, until in events]))
    acts = axis.points(toward)
    width = sum(end - start for start, end in windows)
    seen = _inside(acts, windows)
    everything = len(record.points)
    found = Association(
        toward=len(acts),
        in_windows=seen,
        expected=len(acts) * width / axis.length if axis.length else 0.0,
        active=_inside(record.points, windows) * len(acts) / everything if everything else None,
        observed_in_windows=timedelta(seconds=width),
        observed=timedelta(seconds=axis.length),
    )
    why_not = _why_not(found, bool(events))
    if why_not:
        return replace(found, why_not=why_not)
    chance = Random(seed)  # noqa: S311 - the same answer each time, not a secret
    as_many = sum(
        _inside_shifted(acts, windows, chance.random() * axis.length, axis.length) >= seen
        for _ in range(shifts)
    )
    return replace(found, shifts=shifts, p=(1 + as_many) / (1 + shifts))


def merged(parts: Sequence[Interval]) -> list[Interval]:
    """The same time in parts that neither meet nor overlap, in order."""
    out: list[Interval] = []
    for start, end in sorted(p for p in parts if p[0] < p[1]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def looked(first: datetime, last: datetime, seen: Sequence[datetime], silence: timedelta) -> list[Interval]:
    """The parts of a record in which its maker is taken to have looked. A record does not say when nobody
    did: where it is silent for more than `silence`, it tells of nothing.
    """
    times = [first, *sorted(t for t in seen if first <= t <= last), last]
    return merged([(a, b) for a, b in pairwise(times) if b - a <= silence])


def _why_not(found: Association, has_events: bool) -> str:
    if not has_events:
        return "no dated event of the order is stored"
    if not found.observed_in_windows:
        return "the executive's engagement was not read in the time around its events"
    if found.observed_in_windows > LARGEST_SHARE * found.observed:
        return "nearly all observed time lies around its events, so there is nothing to compare with"
    if found.toward < FEWEST:
        acts = "1 engagement" if found.toward == 1 else f"{found.toward or 'no'} engagements"
        return f"{acts} with its accounts seen, which is fewer than {FEWEST}"
    return ""


class ObservedTime:
    """Observed time without its gaps, in seconds from its beginning."""

    def __init__(self, parts: Sequence[Interval]) -> None:
        self._parts = parts
        self._starts = [start for start, _ in parts]
        self._offsets: list[float] = []
        self.length = 0.0
        for start, end in parts:
            self._offsets.append(self.length)
            self.length += (end - start).total_seconds()

    def points(self, times: Sequence[datetime]) -> list[float]:
        """Where times lie; those in gaps are left out."""
        found = (self._point(at) for at in times)
        return sorted(x for x in found if x is not None)

    def windows(self, parts: Sequence[Interval]) -> list[tuple[float, float]]:
        """The observed parts of intervals. Two that meet only where a gap was taken out stay two."""
        out: list[tuple[float, float]] = []
        for start, end in parts:
            for (since, until), offset in zip(self._parts, self._offsets, strict=True):
                a, b = max(start, since), min(end, until)
                if a < b:
                    out.append((offset + (a - since).total_seconds(), offset + (b - since).total_seconds()))
        return sorted(out)

    def _point(self, at: datetime) -> float | None:
        n = bisect_left(self._starts, at + timedelta(microseconds=1)) - 1
        if n < 0 or at > self._parts[n][1]:
            return None
        return self._offsets[n] + (at - self._parts[n][0]).total_seconds()


def _inside(points: Sequence[float], windows: Sequence[tuple[float, float]]) -> int:
    return sum(bisect_left(points, end) - bisect_left(points, start) for start, end in windows)


def _inside_shifted(
    points: Sequence[float], windows: Sequence[tuple[float, float]], by: float, length: float
) -> int:
    """How many lie in the windows when all points are moved on by so much: the windows are moved back."""
    count = 0
    for start, end in windows:
        a, b = (start - by) % length, (end - by) % length
        if a <= b:
            count += bisect_left(points, b) - bisect_left(points, a)
        else:
            count += len(points) - bisect_left(points, a) + bisect_left(points, b)
    return count
