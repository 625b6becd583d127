"""Sentences on the time to restoration: the figures, and what they do not show."""

from collections.abc import Iterator
from datetime import timedelta

from dashboard.orders.restoration_limits import LEAST_ORDERS
from dashboard.ui.words import span
from storage.model.orders.restoration import RestorationEstimate


def sentences(estimate: RestorationEstimate) -> tuple[str, ...]:
    """Return every sentence that must accompany the figures, most important first."""
    return (*_counted(estimate), *(_figures(estimate) if estimate.spells else ()), *_not_seen(estimate))


def _counted(estimate: RestorationEstimate) -> Iterator[str]:
    if estimate.spells:
        yield (
            f"The figures cover {_blocks(estimate.spells)} of {_of(estimate.accounts, 'account')}."
            f" Still blocked when last seen: {estimate.still_blocked}."
        )
    else:
        yield "No block was seen to begin, so there are no figures."
    if estimate.gone:
        yield (
            f"{estimate.gone} ended with an account that was gone. This is not a restoration; the"
            " account counts as blocked at least until then."
        )
    if estimate.unbounded_starts:
        noun = "other block" if estimate.spells else "block"
        yield (
            f"The beginning of {_of(estimate.unbounded_starts, noun)} was not seen. No figure counts such"
            " blocks: how long they lasted is not known, and shorter ones had ended before any reading."
        )


def _figures(estimate: RestorationEstimate) -> Iterator[str]:
    if estimate.median is not None:
        low, high = estimate.median
        if high is None:
            yield f"The median is not reached: it is estimated at {span(low)} or more."
        else:
            yield f"The median is estimated at {span(low)} to {span(high)}; readings give no closer value."
    if estimate.median_limits is not None:
        yield _limits(*estimate.median_limits)
    yield _orders(estimate)
    yield (
        "The two curves are the bounds of Turnbull's estimate; it leaves open where the share lies between"
        " them. They do not include sampling error. The estimate assumes that accounts still blocked are"
        " restored like others that were blocked as long."
    )
    yield (
        "For a block and its restoration, only intervals are known. Each duration is taken as one interval,"
        " from the shortest to the longest that both allow. This approximation is good where the interval of"
        f" the block is narrow; {estimate.wide_starts} of {estimate.spells} are wider than"
        f" {span(estimate.shortest_detectable)}."
    )


def _limits(low: timedelta, high: timedelta | None) -> str:
    if high is None and not low:
        return "Confidence limits of the median need more blocks, or more readings of them."
    between = f"between {span(low)} and {span(high)}" if high is not None else f"{span(low)} or more"
    return (
        f"If accounts were independent, the median of all blocks observed this way would be {between}, with"
        " 99 % confidence."
    )


def _orders(estimate: RestorationEstimate) -> str:
    many = len(estimate.orders)
    if estimate.equal_orders >= LEAST_ORDERS:
        return (
            "Accounts restored by one decision count as one observation, so the 95 % band resamples whole"
            f" orders, {many} in all."
        )
    if many == 0:
        return "No block is under an order, so it is not known which ones one decision restored."
    if many == 1:
        whose = f"All blocks are under one order ({estimate.orders[0]})"
        if estimate.outside_orders:
            whose = (
                f"{estimate.outside_orders} blocks are outside orders, the others under {estimate.orders[0]}"
            )
        return (
            f"{whose}. Accounts restored by one decision count as one observation, so one order gives no"
            " confidence interval for other orders."
        )
    return (
        f"The blocks are under {many} orders, which weigh as much as {estimate.equal_orders:.1f} of equal"
        " size. Accounts restored by one decision count as one observation, so no confidence interval across"
        f" orders is given; it would need {LEAST_ORDERS} such orders."
    )


def _not_seen(estimate: RestorationEstimate) -> Iterator[str]:
    yield (
        f"A block shorter than {span(estimate.shortest_detectable)} can fall between two readings and go"
        " unseen. Long blocks are therefore over-represented, and no share is given for shorter times."
    )


def _blocks(n: int) -> str:
    return _of(n, "block")


def _of(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
