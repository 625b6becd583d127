"""Pure: what was said of an order in numbers, beside what was observed at that moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.core.orders import Claim, ClaimedWhat, Order, OrderEvent
from storage.model.orders.cohort import BLOCKS, CohortMember, CohortPeriod, Kind, blocked_times, periods


class Verdict(StrEnum):
    """How a claim stands beside what was seen. It never says more than the two ends allow."""

    BORNE_OUT = "borne_out"
    """Exactly that was observed, of all accounts that the order names; or at least that, where it says so."""
    UNDECIDED = "undecided"
    """It can be neither confirmed nor refuted: it lies between what was seen and what may have been."""
    MORE_SEEN = "more_seen"
    """More were seen than it says."""
    FEWER_POSSIBLE = "fewer_possible"
    """It says more than there can have been, were all that was not observed as it says."""


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """One claim beside what was observed at its moment."""

    event: OrderEvent
    claim: Claim
    low: int
    """Observed at the least."""
    high: int
    """Observed at the most: where a change lies between two readings it is not known when it was."""
    unobserved: int
    """Accounts that the order names and that nobody looked at then."""
    verdict: Verdict


def checked(
    order: Order, event: OrderEvent, members: Sequence[CohortMember], gap_after: timedelta
) -> CheckedClaim | None:
    """Hold a claim against the readings; None for what has no number.

    Where its date is disputed it is held against the whole time in which it may have been made.
    """
    claim = event.claim
    if claim is None:
        return None
    start, end = event.at_from or event.at, event.at_to or event.at
    begin = order.issued_from or order.issued_at
    read = [m for m in members if _is_read(m, start, end, gap_after)]
    found = [_judged(claim.what, m, begin, start, end) for m in read]
    low, high = sum(sure for sure, _ in found), sum(may for _, may in found)
    unobserved = max(order.named_count, len(members)) - len(read)
    return CheckedClaim(event, claim, low, high, unobserved, _verdict(claim, low, high, unobserved))


def _verdict(claim: Claim, low: int, high: int, unobserved: int) -> Verdict:
    if claim.count > high + unobserved:
        return Verdict.FEWER_POSSIBLE
    if claim.at_least:
        return Verdict.BORNE_OUT if claim.count <= low else Verdict.UNDECIDED
    if claim.count < low:
        return Verdict.MORE_SEEN
    return Verdict.BORNE_OUT if low == high and not unobserved else Verdict.UNDECIDED


_BLOCKS_MAYBE = BLOCKS | {Kind.SUSPENDED_OR_DELETED}
_GONE = frozenset(kind for kind in Kind if kind.is_gone)
_BACK = frozenset(kind for kind in Kind if kind.is_back)


def _judged(
    what: ClaimedWhat, member: CohortMember, begin: datetime, start: datetime, end: datetime
) -> tuple[bool, bool]:
    """Whether an account was certainly so all the time, and whether it may have been at some time of it.

    `begin`: what was over before it has nothing to do with the order.
    """
    match what:
        case ClaimedWhat.WITHHELD:
            return _surely(member, {Kind.WITHHELD}, start, end), _maybe(member, {Kind.WITHHELD}, start, end)
        case ClaimedWhat.SUSPENDED:
            kinds = {Kind.SUSPENDED, Kind.SUSPENDED_OR_DELETED}
            return _surely(member, {Kind.SUSPENDED}, start, end), _maybe(member, kinds, start, end)
        case ClaimedWhat.BLOCKED:
            return _surely(member, BLOCKS, start, end), _maybe(member, _BLOCKS_MAYBE, start, end)
        case ClaimedWhat.AVAILABLE:
            return _surely(member, {Kind.AVAILABLE}, start, end), _maybe(member, {Kind.AVAILABLE}, start, end)
        case ClaimedWhat.ACTED_ON:
            # Whoever was blocked and is back was acted upon too; whether a source counts that is not said.
            ever = any(_began(b, end) for b in blocked_times(member, begin))
            gone = _maybe(member, _GONE, start, end)
            return _surely(member, BLOCKS, start, end), ever or gone
        case ClaimedWhat.RESTORED:
            times = blocked_times(member, begin)
            sure = any(b.since <= start for b in times) and _surely(member, _BACK, start, end)
            return sure, any(_began(b, end) for b in times) and _maybe(member, _BACK, start, end)


def _surely(member: CohortMember, kinds: Collection[Kind], start: datetime, end: datetime) -> bool:
    return any(
        p.since <= start and (p.last_seen is None or end <= p.last_seen) for p in periods(member, kinds)
    )


def _maybe(member: CohortMember, kinds: Collection[Kind], start: datetime, end: datetime) -> bool:
    return any(_began(p, end) and (p.until is None or start < p.until) for p in periods(member, kinds))


def _began(period: CohortPeriod, at: datetime) -> bool:
    """Whether it may have begun by then."""
    return period.since <= at or period.onset_after is None or period.onset_after < at


def _is_read(member: CohortMember, start: datetime, end: datetime, gap_after: timedelta) -> bool:
    if not (member.is_read(start, gap_after) and member.is_read(end, gap_after)):
        return False
    return not any(g.since < end and (g.until is None or start < g.until) for g in member.seen.gaps)
