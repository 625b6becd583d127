"""How long it took until the accounts of an order came back: for its page, its JSON and its report."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dashboard.orders.facts import OrderFigures
from dashboard.orders.report_html import RestorationSection
from dashboard.orders.restoration_estimate import intervals, restoration
from dashboard.ui import words
from dashboard.wire.compact_json import Json
from storage.model.core.availability import Spell, State, Status
from storage.model.orders.cohort import CohortMember, Kind, Stay, blocked_times
from storage.model.orders.restoration import BlockedFor, BlockedShare, NoShare, RestorationEstimate, durations

COLUMNS = ("After", "Still blocked, as far as the readings tell", "99 % limits, if accounts are independent")
_MISSING = {
    NoShare.NO_SPELLS: "nobody was seen blocked",
    NoShare.TOO_SHORT: "a block so short may go unseen",
    NoShare.NOT_FOLLOWED: "nobody was followed so long",
}


def blocked_times_of(found: OrderFigures) -> tuple[BlockedFor, ...]:
    """The blocked times of its accounts that reach past its issue, each as long as the readings allow."""
    begin = found.order.issued_from or found.order.issued_at
    return tuple(b for m in found.cohort.members for b in _since(m, found, begin))


def restoration_of(found: OrderFigures) -> RestorationEstimate:
    """The statistics. The fit may take seconds of a processor where thousands of times all differ."""
    return restoration(blocked_times_of(found), found.gap_after)


def rows(told: RestorationEstimate) -> list[tuple[str, str, str]]:
    """The cells below `COLUMNS`."""
    return [(words.span(s.after), _bounds(s), _pair(s.limits)) for s in told.shares]


def section(told: RestorationEstimate) -> RestorationSection:
    """As a part of the report."""
    return RestorationSection(told.sentences, COLUMNS, tuple(rows(told)))


def restoration_json(found: OrderFigures, told: RestorationEstimate) -> Json:
    """The statistics, and the intervals in seconds that lifelines is given: null where there is no end."""
    times = blocked_times_of(found)
    return {
        "spells": told.spells,
        "accounts": told.accounts,
        "still_blocked": told.still_blocked,
        "gone": told.gone,
        "unbounded_starts": told.unbounded_starts,
        "wide_starts": told.wide_starts,
        "median_s": None if told.median is None else [_seconds(end) for end in told.median],
        "median_limits_s": None
        if told.median_limits is None
        else [_seconds(end) for end in told.median_limits],
        "shares": [
            {
                "after_s": s.after.total_seconds(),
                "at_least": s.bounds and s.bounds[0],
                "at_most": s.bounds and s.bounds[1],
                "limits": s.limits and list(s.limits),
                "missing": s.missing and s.missing.value,
            }
            for s in told.shares
        ],
        "shortest_detectable_s": told.shortest_detectable.total_seconds(),
        "follow_up_s": told.follow_up.total_seconds(),
        "sentences": list(told.sentences),
        "intervals_s": [[low, None if high == float("inf") else high] for low, high in intervals(times)],
    }


def _since(member: CohortMember, found: OrderFigures, begin: datetime) -> Iterator[BlockedFor]:
    """Those of one account in which it was seen blocked since the order: all of them are worked out first, so
    that each begins where it was seen to begin.
    """
    spells = [_spell(member, stay) for stay in member.stays]
    last = {int(member.account_id): member.sure_until} if member.sure_until is not None else {}
    every = durations(spells, last, found.order.reference, found.order.country)
    wanted = blocked_times(member, begin)
    for time, blocked in zip(every, blocked_times(member), strict=True):
        if blocked in wanted:
            yield time


def _spell(member: CohortMember, stay: Stay) -> Spell:
    """What may be the owner's own deletion is no block."""
    state = State(Status.NOT_FOUND) if stay.kind is Kind.SUSPENDED_OR_DELETED else stay.state
    return Spell(member.account_id, state, stay.onset_after, stay.since, stay.until)


def _bounds(share: BlockedShare) -> str:
    return _MISSING[share.missing] if share.missing is not None else _pair(share.bounds)


def _pair(ends: tuple[float, float] | None) -> str:
    if ends is None:
        return "-"
    low, high = (words.share(end, 1) for end in ends)
    return low if low == high else f"{low} to {high}"


def _seconds(end: timedelta | None) -> float | None:
    return None if end is None else end.total_seconds()
