# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""How long it takes until blocked accounts are restored, and what is not known of it. lifelines ends here."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from math import inf

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

SHARES_AFTER = tuple(timedelta(days=n) for n in (1, 7, 30, 90))
INSIDE = timedelta(microseconds=1)
"""By how much both ends of an interval are drawn in: see `intervals`."""
ROUNDING = 0.005
"""How far a share may be from one half and still be one. lifelines iterates: in 20 cohorts of 46 to 296 it
stopped up to 0.005 off where a finer tolerance led to.
"""
DAY_S = 86_400


def restoration(
    durations: Sequence[BlockedFor], gap: timedelta, seed: int = 0, noun: Noun = "account"
) -> RestorationEstimate:
    """The time to restoration in `durations`; `gap` is the longest usual distance between two readings.

    The estimate is Turnbull's, the nonparametric maximum likelihood for interval-censored times. Where within
    an interval the restorations lie it does not say: hence its two ends. lifelines makes it, and run by hand
    as `KaplanMeierFitter().fit_interval_censoring(*zip(*intervals(durations)))` it gives the same. It takes
    beginning and end of a block as one interval of durations, and whoever is still blocked as like the
    others. Around it stand limits for the error of sampling that assume neither (`restoration_limits`).

    A blocked time without a bounded beginning has no upper end, and was seen only because it lasted until
    somebody looked: it is counted and left out of all figures. No parametric curve is fitted: where one
    decision frees most of a cohort, durations have no such form.

    Not for a loop that has to go on: 1,178 blocks took half a second where many intervals were alike, and
    7 s where none were, and the first call loads lifelines.
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
    """What lifelines is given, in seconds: each blocked time with a bounded beginning; infinity: not over.

    A duration lies strictly between its bounds, while lifelines takes the ends of an interval as part of it:
    two that only touch would share a moment, and where readings come at regular times all of the estimate
    would sit in such moments. So the ends are drawn in by a microsecond, as its documentation advises.
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
    """The estimate from the block on, as lifelines tells it; what it puts at no time is left at infinity."""
    first, last = max((low for low, _ in sample), default=0.0), min((high for _, high in sample), default=inf)
    if first <= last:
        # All have a time in common, and all of the estimate is in it: there lifelines takes the log of zero.
        rows = [(first, 1.0, 1.0), *([(last, 0.0, 1.0)] if first < last else [])]
    else:
        from lifelines import KaplanMeierFitter  # it takes long to load, and few need it

        lows, highs = zip(*sample, strict=True)
        fitted = KaplanMeierFitter(label="share").fit_interval_censoring(lows, highs).survival_function_
        rows = list(zip(fitted.index, fitted["share_lower"], fitted["share_upper"], strict=True))
    left = rows[-1][2] if rows[-1][0] == inf else 0.0
    finite = [(low / DAY_S, *shares) for low, *shares in rows if 0 < low < inf]
    days, lower, upper = zip((0.0, 1.0, 1.0), *finite, (inf, 0.0, left), strict=True)
    return Curve(days, lower, upper)


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
