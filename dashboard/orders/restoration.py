"""Time to restoration of the accounts and of the posts of an order: for its page, its JSON and its report."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dashboard.orders.facts import OrderFigures
from dashboard.orders.report_html import RestorationSection
from dashboard.orders.restoration_estimate import intervals, restoration
from dashboard.orders.rows import CauseShareRow, cause_rows
from dashboard.ui import words
from dashboard.wire.compact_json import Json
from storage.model.core.availability import Spell, State, Status
from storage.model.orders.cohort import CohortMember, Kind, Stay, blocked_times
from storage.model.orders.restoration import BlockedFor, BlockedShare, NoShare, RestorationEstimate, durations
from storage.model.text.target_counts import WITH_ARTICLE, Noun


def blocked_times_of(found: OrderFigures) -> tuple[BlockedFor, ...]:
    """Return the blocks of its accounts, or of its posts, that lasted past its issue, each with the bounds of
    its duration.
    """
    begin = found.order.earliest_issue
    return tuple(b for m in found.cohort.members for b in _since(m, found, begin))


def restoration_of(found: OrderFigures) -> RestorationEstimate:
    """Estimate the statistics of its accounts, or of its posts."""
    return restoration(blocked_times_of(found), found.gap_after, noun=found.noun)


def by_cause(found: OrderFigures) -> list[tuple[CauseShareRow, RestorationEstimate]]:
    """Estimate the same for those of each surest cause; empty if all have the same one, or none."""
    shares = cause_rows(found)
    if len(shares) < 2:
        return []
    times = blocked_times_of(found)
    return [
        (
            row,
            restoration(
                [t for t in times if t.account_id in row.share.numbers], found.gap_after, noun=found.noun
            ),
        )
        for row in shares
    ]


def columns(estimate: RestorationEstimate) -> tuple[str, str, str]:
    """Return the heads of the table of shares."""
    return "After", "Still blocked (estimate)", f"99 % limits, independent {estimate.noun}s"


def rows(estimate: RestorationEstimate) -> list[tuple[str, str, str]]:
    """Return the cells below `columns`."""
    return [(words.span(s.after), _bounds(s, estimate.noun), _pair(s.limits)) for s in estimate.shares]


def section(estimate: RestorationEstimate) -> RestorationSection:
    """Return the section of the report."""
    return RestorationSection(estimate.noun, estimate.sentences, columns(estimate), tuple(rows(estimate)))


def restoration_json(found: OrderFigures) -> Json:
    """Return the statistics, and the intervals in seconds that they are estimated from; null means no end.

    Numbers under `posts` count posts, all others accounts. `posts` is null if the order names no post.
    """
    return {**_statistics(found), "posts": None if found.posts is None else _statistics(found.posts)}


def _statistics(found: OrderFigures) -> Json:
    estimate, times = restoration_of(found), blocked_times_of(found)
    return {
        "spells": estimate.spells,
        f"{estimate.noun}s": estimate.accounts,
        "still_blocked": estimate.still_blocked,
        "gone": estimate.gone,
        "unbounded_starts": estimate.unbounded_starts,
        "wide_starts": estimate.wide_starts,
        "median_s": None if estimate.median is None else [_seconds(end) for end in estimate.median],
        "median_limits_s": None
        if estimate.median_limits is None
        else [_seconds(end) for end in estimate.median_limits],
        "shares": [
            {
                "after_s": s.after.total_seconds(),
                "at_least": s.bounds and s.bounds[0],
                "at_most": s.bounds and s.bounds[1],
                "limits": s.limits and list(s.limits),
                "missing": s.missing and s.missing.value,
            }
            for s in estimate.shares
        ],
        "shortest_detectable_s": estimate.shortest_detectable.total_seconds(),
        "follow_up_s": estimate.follow_up.total_seconds(),
        "sentences": list(estimate.sentences),
        "intervals_s": [[low, None if high == float("inf") else high] for low, high in intervals(times)],
    }


def _since(member: CohortMember, found: OrderFigures, begin: datetime) -> Iterator[BlockedFor]:
    """Return the blocks of one account or post that were seen since the order.

    All its blocks are computed first, so that each one begins where it was seen to begin.
    """
    spells = [_spell(member, stay) for stay in member.stays]
    last = {int(member.account_id): member.sure_until} if member.sure_until is not None else {}
    every = durations(spells, last, found.order.reference, found.order.country)
    wanted = blocked_times(member, begin)
    for time, blocked in zip(every, blocked_times(member), strict=True):
        if blocked in wanted:
            yield time


def _spell(member: CohortMember, stay: Stay) -> Spell:
    """Convert a stay. What may be a deletion by the owner is not a block."""
    state = State(Status.NOT_FOUND) if stay.kind is Kind.SUSPENDED_OR_DELETED else stay.state
    return Spell(member.account_id, state, stay.onset_after, stay.since, stay.until)


def _bounds(share: BlockedShare, noun: Noun) -> str:
    match share.missing:
        case None:
            return _pair(share.bounds)
        case NoShare.NO_SPELLS:
            return f"no block of {WITH_ARTICLE[noun]} was seen to begin"
        case NoShare.TOO_SHORT:
            return "a block this short may go unseen"
        case NoShare.NOT_FOLLOWED:
            return f"no {noun} was followed this long"


def _pair(ends: tuple[float, float] | None) -> str:
    if ends is None:
        return "-"
    low, high = (words.share(end, 1) for end in ends)
    return low if low == high else f"{low} to {high}"


def _seconds(end: timedelta | None) -> float | None:
    return None if end is None else end.total_seconds()
