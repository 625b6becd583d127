"""Sentences on the time to restoration: the figures, and what they do not show."""

from collections.abc import Iterator
from datetime import timedelta

from dashboard.orders.restoration_limits import LEAST_ORDERS
from dashboard.ui.words import span
from storage.model.orders.restoration import Bounds, RestorationEstimate
from storage.model.text.states import capital
from storage.model.text.target_counts import WITH_ARTICLE
from storage.model.text.units import number


def sentences(estimate: RestorationEstimate) -> tuple[str, ...]:
    """Return every sentence that must accompany the figures, most important first."""
    return (*counted(estimate), *(_figures(estimate) if estimate.spells else ()), *_not_seen(estimate))


def facts(estimate: RestorationEstimate) -> list[tuple[str, str, str]]:
    """Return the figures to read first, each with its name and a note."""
    if not estimate.spells:
        return []
    return [
        ("Median time to restoration", median_words(estimate), "as close as the readings allow"),
        (
            "99 % confidence limits",
            _bounds(estimate.median_limits),
            f"if {estimate.noun}s are independent of each other",
        ),
        ("Blocks counted", f"{estimate.spells:,}", f"of {number(estimate.accounts, estimate.noun)}"),
        ("Still blocked", f"{estimate.still_blocked:,}", "when last seen"),
    ]


def median_words(estimate: RestorationEstimate) -> str:
    """Return the bounds of the median, or that it is not known."""
    return _bounds(estimate.median)


def _bounds(found: Bounds | None) -> str:
    low, high = found or (timedelta(0), None)
    if high is None:
        return f"{span(low)} or more" if low else "not known"
    return span(low) if low == high else f"{span(low)} to {span(high)}"


def counted(estimate: RestorationEstimate) -> Iterator[str]:
    """Yield what the figures cover, and what they leave out."""
    one = WITH_ARTICLE[estimate.noun]
    if estimate.spells:
        yield (
            f"The figures cover {_blocks(estimate.spells)} of {number(estimate.accounts, estimate.noun)}."
            f" Still blocked when last seen: {estimate.still_blocked}."
        )
    else:
        yield f"No block of {one} was seen to begin, so there are no figures."
    if estimate.gone:
        yield (
            f"{_blocks(estimate.gone)} ended with {one} that was gone. This is not a restoration. Such "
            f"{one} counts as blocked at least until its last reading before it was gone."
        )
    if estimate.unbounded_starts:
        noun = "other block" if estimate.spells else "block"
        yield (
            f"The beginning of {number(estimate.unbounded_starts, noun)} was not seen, so it is not known how"
            f" long {'it' if estimate.unbounded_starts == 1 else 'they'} lasted. No figure counts such"
            " blocks. Others may have ended before any reading; those were never seen."
        )


def _figures(estimate: RestorationEstimate) -> Iterator[str]:
    if estimate.median is not None:
        low, high = estimate.median
        if high is None:
            yield f"The median is estimated at {span(low)} or more; the readings allow no upper bound."
        else:
            yield (
                f"The median is estimated at {span(low)} to {span(high)}; the readings allow no closer "
                "estimate."
            )
    if estimate.median_limits is not None:
        yield _limits(*estimate.median_limits, f"{estimate.noun}s")
    yield _orders(estimate)
    if estimate.noun == "post":
        yield (
            "A post that is blocked with its author's whole account counts like any other. Several posts of "
            "one author are therefore not independent of each other."
        )
    yield (
        "The two curves are the bounds of Turnbull's estimate. It does not say where between them the share"
        " lies. The curves do not include sampling error. The estimate assumes that"
        f" {estimate.noun}s still blocked will be restored like others that were blocked for as long."
    )
    yield (
        "The times of a block and of its restoration are known only as intervals. Each duration is treated as"
        " one interval, from the shortest to the longest duration that both allow. This approximation is good"
        f" where the interval of the block is narrow. {estimate.wide_starts} of {estimate.spells} such"
        f" intervals are wider than {span(estimate.shortest_detectable)}."
    )


def _limits(low: timedelta, high: timedelta | None, nouns: str) -> str:
    if high is None and not low:
        return "Confidence limits of the median need more blocks, or more readings of them."
    between = f"between {span(low)} and {span(high)}" if high is not None else f"{span(low)} or more"
    return (
        f"If {nouns} were independent of each other, the median duration would be {between}, with"
        " 99\u00a0% confidence."
    )


def _orders(estimate: RestorationEstimate) -> str:
    many, nouns = len(estimate.orders), f"{estimate.noun}s"
    together = f"{capital(nouns)} restored by the same decision count as one observation."
    if estimate.equal_orders >= LEAST_ORDERS:
        return f"{together} The 95 % band is therefore made by resampling whole orders, {many} in all."
    if many == 0:
        return f"No block belongs to an order, so it is not known which {nouns} one decision restored."
    if many == 1:
        whose = f"All blocks belong to one order ({estimate.orders[0]})"
        if estimate.outside_orders:
            whose = (
                f"{_blocks(estimate.outside_orders)} "
                f"{'belongs' if estimate.outside_orders == 1 else 'belong'} to no"
                f" order, all others to the order {estimate.orders[0]}"
            )
        return (
            f"{whose}. {together} One observation is not enough for a confidence interval that covers other"
            " orders."
        )
    return (
        f"The blocks belong to {many} orders, which carry as much weight as {estimate.equal_orders:.1f} "
        f"orders of equal size. {together} No confidence interval across orders is given, because it would "
        f"need {LEAST_ORDERS} orders of equal size."
    )


def _not_seen(estimate: RestorationEstimate) -> Iterator[str]:
    yield (
        f"A block shorter than {span(estimate.shortest_detectable)} can fall between two readings and go"
        " unseen. Long blocks are therefore over-represented, and no share is given for times below this "
        "limit."
    )


def _blocks(n: int) -> str:
    return number(n, "block")
