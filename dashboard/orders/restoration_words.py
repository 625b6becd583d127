"""The time to restoration in plain sentences: the figures, and what they do not say."""

from collections.abc import Iterator
from datetime import timedelta

from dashboard.orders.restoration_limits import LEAST_ORDERS
from dashboard.ui.words import span
from storage.model.orders.restoration import RestorationEstimate


def sentences(told: RestorationEstimate) -> tuple[str, ...]:
    """All that has to stand beside the figures, most important first."""
    return (*_counted(told), *(_figures(told) if told.spells else ()), *_not_seen(told))


def _counted(told: RestorationEstimate) -> Iterator[str]:
    if told.spells:
        still = f"{told.still_blocked} still blocked when last seen"
        yield f"{_times(told.spells)} of {_of(told.accounts, 'account')}, {still}."
    else:
        yield "No blocked time was seen to begin: there are no figures."
    if told.gone:
        yield (
            f"{told.gone} ended with an account that was gone. That is no restoration: it counts as blocked"
            " until then at least."
        )
    if told.unbounded_starts:
        more = "more " if told.spells else ""
        yield (
            f"{_times(told.unbounded_starts)} {more}had begun unseen. Since when is not known, and shorter"
            " ones were over before anybody looked: no figure counts them."
        )


def _figures(told: RestorationEstimate) -> Iterator[str]:
    if told.median is not None:
        low, high = told.median
        if high is None:
            yield f"The median is not reached: it is estimated at {span(low)} or more."
        else:
            yield f"The median is estimated at {span(low)} to {span(high)}: readings tell it no closer."
    if told.median_limits is not None:
        yield _limits(*told.median_limits)
    yield _orders(told)
    yield (
        "The two curves are the ends of Turnbull's estimate, which leaves open what lies between. They do not"
        " show how far chance could move it. Those still blocked are taken to be restored like others who"
        " were blocked as long."
    )
    yield (
        "A block and its restoration are each known to an interval. Every duration is taken as one interval,"
        " from the shortest to the longest that both allow, which is an approximation: good where beginnings"
        f" are narrow. {told.wide_starts} of {told.spells} are wider than {span(told.shortest_detectable)}."
    )


def _limits(low: timedelta, high: timedelta | None) -> str:
    if high is None and not low:
        return "They are too few, or too little is known of them, for confidence limits of the median."
    between = f"between {span(low)} and {span(high)}" if high is not None else f"{span(low)} or more"
    return (
        f"If accounts were independent, the median of all blocks that are seen so would be {between}, with"
        " 99 % confidence."
    )


def _orders(told: RestorationEstimate) -> str:
    many = len(told.orders)
    if told.equal_orders >= LEAST_ORDERS:
        return (
            "Accounts that one decision restores are one observation, so the 95 % band draws whole orders"
            f" anew, of {many}."
        )
    if many == 0:
        return "None is under an order: which of them one decision restored is not known."
    if many == 1:
        whose = f"All are under one order ({told.orders[0]})"
        if told.outside_orders:
            whose = f"{told.outside_orders} are under no order, the others under one ({told.orders[0]})"
        return (
            f"{whose}. Accounts that one decision restores are one observation: one order carries no"
            " confidence interval for others."
        )
    return (
        f"They are under {many} orders, which weigh as much as {told.equal_orders:.1f} of equal size."
        " Accounts that one decision restores are one observation, so no confidence interval across orders"
        f" is given: it would need {LEAST_ORDERS}."
    )


def _not_seen(told: RestorationEstimate) -> Iterator[str]:
    yield (
        f"A block shorter than {span(told.shortest_detectable)} can lie between two readings, unseen. So long"
        " blocks are over-represented, and no share is given after a time shorter than that."
    )


def _times(n: int) -> str:
    return _of(n, "blocked time")


def _of(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
