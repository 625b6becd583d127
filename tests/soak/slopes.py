"""Pure: whether a series is flat, or grows no faster than the readings do."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

WARM_UP = 1 / 3
"""The share at the beginning that is left out: caches fill, connections are opened."""
_TOLERATED = 0.05
"""A share of the median. Allocators and page sizes move in steps, which are no spread until they come."""
_FASTER = 1.3
"""How much steeper the second half of a growing series may be than the first."""
_MOST_POINTS = 500
_FEWEST_POINTS = 6


@dataclass(frozen=True, slots=True)
class Trend:
    """What a series did after its warm-up."""

    growth: float
    """By the robust slope, from the first moment to the last; negative if it shrank."""
    allowed: float
    """The largest growth that counts as none."""
    is_fine: bool


def flat(at: Sequence[float], values: Sequence[float], least: float = 0.0) -> Trend | None:
    """Whether a series that must stay flat did; None if there are too few points to say.

    It is flat if its growth over the whole time is within its own spread, small beside its level, or at most
    `least`.
    """
    at, values = _settled(at, values)
    if len(values) < _FEWEST_POINTS:
        return None
    slope = theil_sen(at, values)
    growth = slope * (at[-1] - at[0])
    allowed = max(_spread(at, values, slope), _TOLERATED * abs(statistics.median(values)), least)
    return Trend(growth, allowed, growth <= allowed)


def linear(at: Sequence[float], values: Sequence[float], least: float = 0.0) -> Trend | None:
    """Whether a series that may grow grew no faster later than before, or by at most `least`; None as in
    `flat`.

    `at` is what it may grow with: the number of readings, or the time.
    """
    at, values = _settled(at, values)
    half = len(values) // 2
    if half < _FEWEST_POINTS:
        return None
    early = theil_sen(at[:half], values[:half])
    late = theil_sen(at[half:], values[half:])
    passed = at[-1] - at[half]
    noise = max(_spread(at[half:], values[half:], late), _TOLERATED * abs(statistics.median(values)))
    allowed = max(_FASTER * max(early, 0.0) * passed + noise, least)
    return Trend(late * passed, allowed, late * passed <= allowed)


def theil_sen(at: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between all pairs of points: a quarter of the points may be outliers."""
    step = -(-len(at) // _MOST_POINTS)
    points = list(zip(at, values, strict=True))[::step]
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t > s]
    return statistics.median(slopes) if slopes else 0.0


def _settled(at: Sequence[float], values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    first = int(len(values) * WARM_UP)
    return at[first:], values[first:]


def _spread(at: Sequence[float], values: Sequence[float], slope: float) -> float:
    """How far nine of ten points lie apart, once the slope is taken out."""
    level = sorted(v - slope * t for t, v in zip(at, values, strict=True))
    cut = len(level) // 20
    return level[-1 - cut] - level[cut]
