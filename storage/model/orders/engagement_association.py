"""Pure: test if an executive's engagements with an order's accounts cluster around the order's events.

The result is an association, never a cause. A permutation test compares the number of engagements in windows
around the events with the executive's own base rate. It shifts the whole series along the observed time by a
random length, many times; points that pass the end continue at the beginning. It counts how often the windows
then contain at least as many engagements as observed.

- A shift keeps the distances between engagements. People act in bursts. Shuffling single engagements would
  break up the bursts: no window would contain one by chance, and every burst would look like a finding.
- Time without observation is removed first, from the series and from the windows: an engagement in it could
  not have been seen, and silence in it means nothing.
- p counts the observed series as one of the shifts, (1 + as many) / (1 + shifts), so it is never zero.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

Interval = tuple[datetime, datetime]

FEWEST = 5
"""With fewer engagements with an order's accounts, nothing is tested."""
SHIFTS = 999
LARGEST_SHARE = 0.8
"""With a larger share of the observed time in the windows, there is nothing left to compare with."""


@dataclass(frozen=True, slots=True)
class Association:
    """The counts and the test result. With `why_not`, the reason why no test is possible, `p` is None."""

    toward: int
    """Engagements with the accounts in all the observed time."""
    in_windows: int
    """Of `toward`, those in the windows."""
    expected: float
    """The number in the windows that the base rate predicts."""
    active: float | None
    """The number predicted from all engagements in the windows, because an executive may be more active then.

    None if no engagement was seen at all.
    """
    observed_in_windows: timedelta
    observed: timedelta
    shifts: int = 0
    p: float | None = None
    why_not: str = ""


class EngagementRecord:
    """All engagements of an executive that one source recorded, and the times in which it observed."""

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
    """Compare the engagements `toward` an order's accounts, in windows around `events`, with the base rate.

    A window runs from `before` an event to `after` it. An event with a disputed date is an interval, any
    other event a single time. Engagements outside the observed time are not counted.
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
    """Merge intervals that touch or overlap, and sort them."""
    out: list[Interval] = []
    for start, end in sorted(p for p in parts if p[0] < p[1]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def looked(first: datetime, last: datetime, seen: Sequence[datetime], silence: timedelta) -> list[Interval]:
    """Return the times in which the maker of a record is assumed to have observed.

    A record does not state its gaps, so a silence longer than `silence` counts as a gap.
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
        only = {0: "no engagement", 1: "only 1 engagement"}.get(
            found.toward, f"only {found.toward} engagements"
        )
        was = "was" if found.toward < 2 else "were"
        return f"{only} with its accounts {was} seen, and the test needs {FEWEST}"
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
        """Return the positions of times; those in gaps are left out."""
        found = (self._point(at) for at in times)
        return sorted(x for x in found if x is not None)

    def windows(self, parts: Sequence[Interval]) -> list[tuple[float, float]]:
        """Return the observed parts of intervals. Parts on both sides of a removed gap stay separate."""
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
    """Count the points in the windows after a shift of all points; the windows are shifted back instead."""
    count = 0
    for start, end in windows:
        a, b = (start - by) % length, (end - by) % length
        if a <= b:
            count += bisect_left(points, b) - bisect_left(points, a)
        else:
            count += len(points) - bisect_left(points, a) + bisect_left(points, b)
    return count
