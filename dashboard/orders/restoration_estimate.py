"""How long it takes until blocked accounts are restored, and what is not known of it.

The estimate is that of lifelines, with which tests compare it. lifelines takes twenty times as long, and
far longer where rounding keeps it from seeing that it has arrived.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from dashboard.orders.restoration_limits import equal_orders, median_limits, share_limits, shares_by_order
from dashboard.orders.restoration_words import sentences
from storage.model.orders.restoration import (
    BlockedFor,
    BlockedShare,
    BlockEnd,
    Bounds,
    Curve,
    NoShare,
    RestorationEstimate,
)
from storage.model.text.target_counts import Noun

Places = NDArray[np.intp]
Shares = NDArray[np.float64]
SHARES_AFTER = tuple(timedelta(days=n) for n in (1, 7, 30, 90))
INSIDE = timedelta(microseconds=1)
"""By how much both ends of an interval are drawn in: see `intervals`."""
ROUNDING = 0.005
"""How far a share may be from one half and still be one. The estimate is iterated: in 20 cohorts of 46 to 296
it stopped up to 0.005 off where a finer tolerance led to.
"""
TOLERANCE = 1e-5
"""The iteration ends when the logarithm of the likelihood rises by less, as in lifelines."""
ROUNDED = 1e-13
"""The iteration also ends if no share moves by more: rounding may then let the likelihood fall for ever."""
MOST_STEPS = 100_000
STRIDES = (1.0, 1.25, 1.95)
"""Factors by which a step is lengthened. Of the results, the likeliest is taken."""
DAY_S = 86_400


def restoration(
    durations: Sequence[BlockedFor], gap: timedelta, seed: int = 0, noun: Noun = "account"
) -> RestorationEstimate:
    """The time to restoration in `durations`; `gap` is the longest usual distance between two readings.

    The estimate is Turnbull's, the nonparametric maximum likelihood for interval-censored times. Where within
    an interval the restorations lie it does not say: hence its two ends. lifelines, run by hand as
    `KaplanMeierFitter().fit_interval_censoring(*zip(*intervals(durations)))`, gives the same. It takes
    beginning and end of a block as one interval of durations, and whoever is still blocked as like the
    others. Around it stand limits for the error of sampling that assume neither (`restoration_limits`).

    A blocked time without a bounded beginning has no upper end, and was seen only because it lasted until
    somebody looked: it is counted and left out of all figures. No parametric curve is fitted: where one
    decision frees most of a cohort, durations have no such form.
    """
    sample = [d for d in durations if d.start_width is not None]
    curve = _curve(intervals(sample))
    follow_up = max((d.longest or d.shortest for d in sample), default=timedelta())
    estimate = RestorationEstimate(
        spells=len(sample),
        accounts=len({d.account_id for d in sample}),
        still_blocked=sum(d.end is BlockEnd.STILL_BLOCKED for d in sample),
        gone=sum(d.end is BlockEnd.GONE for d in sample),
        unbounded_starts=len(durations) - len(sample),
        wide_starts=sum(d.start_width is not None and d.start_width > gap for d in sample),
        orders=tuple(sorted({d.order for d in sample if d.order is not None})),
        outside_orders=sum(d.order is None for d in sample),
        equal_orders=equal_orders(sample),
        median=_median(curve) if sample else None,
        median_limits=median_limits(sample) if sample else None,
        shares=_shares(sample, curve, follow_up, gap, seed),
        curve=curve,
        follow_up=follow_up,
        shortest_detectable=gap,
        noun=noun,
    )
    return replace(estimate, sentences=sentences(estimate))


def intervals(durations: Sequence[BlockedFor]) -> list[tuple[float, float]]:
    """What the estimate is of, in seconds: each blocked time with a bounded beginning; infinity: not over.

    A duration lies strictly between its bounds, while the ends of an interval are part of it: two that only
    touch would share a moment, and where readings come at regular times all of the estimate would sit in
    such moments. So the ends are drawn in by a microsecond, as lifelines' documentation advises.
    """
    return [_inside(d) for d in durations if d.start_width is not None]


def _inside(duration: BlockedFor) -> tuple[float, float]:
    shortest, longest = duration.shortest, duration.longest
    if longest is None:
        return (shortest + INSIDE).total_seconds(), inf
    if longest - shortest > 2 * INSIDE:  # else it is known exactly
        shortest, longest = shortest + INSIDE, longest - INSIDE
    return shortest.total_seconds(), longest.total_seconds()


def _curve(sample: Sequence[tuple[float, float]]) -> Curve:
    """The estimate from the block on; what it puts at no time is left at infinity."""
    first, last = max((low for low, _ in sample), default=0.0), min((high for _, high in sample), default=inf)
    if first <= last:
        # All have a time in common, and all of the estimate is in it: no odds are to be iterated.
        rows = [(first, 1.0, 1.0), *([(last, 0.0, 1.0)] if first < last else [])]
    else:
        rows = _turnbull(sample)
    left = rows[-1][2] if rows[-1][0] == inf else 0.0
    finite = [(low / DAY_S, *shares) for low, *shares in rows if 0 < low < inf]
    days, lower, upper = zip((0.0, 1.0, 1.0), *finite, (inf, 0.0, left), strict=True)
    return Curve(days, lower, upper)


def _turnbull(sample: Sequence[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Turnbull's estimate at every end of an interval: the time, the lowest and the highest share that is
    left after it. There are at least two intervals that have no time in common.

    Mass lies only where a beginning is followed by an end (Turnbull 1976, The empirical distribution function
    with arbitrarily grouped, censored and truncated data, JRSS B 38).
    """
    unique, weights = np.unique(np.array(sample), axis=0, return_counts=True)
    lows, highs = unique[:, 0], unique[:, 1]
    ends = np.concatenate((lows, highs))
    is_high = np.repeat((False, True), len(lows))
    order = np.lexsort((is_high, ends))
    ends, is_high = ends[order], is_high[order]
    at = np.flatnonzero(~is_high[:-1] & is_high[1:])
    froms, tos = ends[at], ends[at + 1]
    mass = _masses(np.searchsorted(froms, lows), np.searchsorted(tos, highs, "right"), weights)
    left = np.subtract.accumulate(np.concatenate(((1.0,), mass)))  # before each of them, and after the last
    knots = np.concatenate((froms, tos))
    upper = np.concatenate((left[:-1], left[:-1], left[-1:]))
    lower = np.concatenate((left[:-1], left[1:], left[-1:]))
    by_time = np.argsort(knots, kind="stable")  # what is known exactly counts as left at its time
    times = np.unique(ends)
    place = np.append(by_time, len(knots))[np.searchsorted(knots[by_time], times)]
    return list(
        zip(
            times.tolist(),
            np.maximum(lower[place], 0.0).tolist(),
            np.maximum(upper[place], 0.0).tolist(),
            strict=True,
        )
    )


def _masses(first: Places, after: Places, weights: Places) -> Shares:
    """The likeliest share of each place, if so many observations (`weights`) lie in places from `first` on
    and before `after`.

    Expectation and maximisation, with strides in the logarithm of the odds. The steps are those of lifelines:
    where the likelihood is flat, what is found depends on them.
    """
    places = int(after.max())
    total = int(weights.sum())

    def seen(mass: Shares) -> Shares:
        below = np.concatenate(((0.0,), mass)).cumsum()
        return below[after] - below[first]

    def likelihood(mass: Shares) -> float:
        return float((weights * np.log(seen(mass))).sum())

    mass = np.full(places, 1 / places)
    likely = likelihood(mass)
    for _ in range(MOST_STEPS):
        each = weights / seen(mass)
        sums = np.bincount(first, each, places + 1) - np.bincount(after, each, places + 1)
        expected = mass * (sums.cumsum()[:-1] / total)
        expected /= expected.sum()
        # After a stride the shares may add up to more than one, and then the step seems to lead down.
        is_last = 0 <= likelihood(expected) - likely < TOLERANCE
        with np.errstate(divide="ignore", invalid="ignore"):
            odds, aims = (np.log(m) - np.log(1 - m) for m in (mass, expected))
            way = np.where(expected > 0, aims - odds, 0.0)
        tried = [_shares_of(odds + stride * way) for stride in STRIDES]
        before = mass
        likely, mass = max(((likelihood(m), m) for m in tried), key=lambda found: found[0])
        if is_last or np.allclose(mass, before, rtol=0, atol=ROUNDED):
            break
    return mass


def _shares_of(odds: Shares) -> Shares:
    """Shares from the logarithms of their odds."""
    of = np.exp(odds)
    return of / (of + 1)


def _median(curve: Curve) -> Bounds:
    """From where the lower curve has come down to one half to where the upper one is below it."""
    steps = list(pairwise(zip(curve.days, curve.lower, curve.upper, strict=True)))
    low = next(days for (days, _, _), (_, lower, _) in steps if lower <= 0.5 + ROUNDING)
    high = next((days for (days, _, _), (_, _, upper) in steps if upper < 0.5 - ROUNDING), None)
    return (
        max(timedelta(), timedelta(days=low) - INSIDE),
        None if high is None else timedelta(days=high) + INSIDE,
    )


def _shares(
    sample: Sequence[BlockedFor], curve: Curve, follow_up: timedelta, gap: timedelta, seed: int
) -> tuple[BlockedShare, ...]:
    by_order = shares_by_order(sample, SHARES_AFTER, seed)
    all_restored = all(d.end is BlockEnd.RESTORED for d in sample)
    shares: list[BlockedShare] = []
    for i, after in enumerate(SHARES_AFTER):
        missing = None
        if not sample:
            missing = NoShare.NO_SPELLS
        elif after < gap:
            missing = NoShare.TOO_SHORT
        elif after > follow_up and not all_restored:
            missing = NoShare.NOT_FOLLOWED
        if missing is not None:
            shares.append(BlockedShare(after, None, None, None, missing))
            continue
        at = next(n for n, days in enumerate(curve.days) if days >= after / timedelta(days=1))
        bounds = curve.lower[at], curve.upper[at]
        band = None if by_order is None else by_order[i]
        shares.append(BlockedShare(after, bounds, share_limits(sample, after), band, None))
    return tuple(shares)
