"""Pure: compare claims about an order, in numbers, with what was observed at that moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.core.accounts import AccountId
from storage.model.core.orders import Claim, ClaimedWhat, Order, OrderEvent
from storage.model.orders.cohort import BLOCKS, CohortMember, CohortPeriod, Kind, blocked_times, periods


class Verdict(StrEnum):
    """The result of comparing a claim with the observed range. It never says more than the range allows."""

    BORNE_OUT = "borne_out"
    """The claimed number was observed, of all accounts that the order names; more if it is a minimum."""
    UNDECIDED = "undecided"
    """The claim can be neither confirmed nor refuted, because it lies within the possible range."""
    MORE_SEEN = "more_seen"
    """More were observed than claimed."""
    FEWER_POSSIBLE = "fewer_possible"
    """More were claimed than are possible, even if every unobserved account matched the claim."""


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim with what was observed at its moment."""

    event: OrderEvent
    claim: Claim
    sure: tuple[AccountId, ...]
    """The accounts that fit the claim whatever the exact times of their changes were."""
    possible: tuple[AccountId, ...]
    """Those that may fit it, because the exact time of a change is not known."""
    unobserved: int
    """Accounts that the order names and that were not checked then."""
    verdict: Verdict

    @property
    def low(self) -> int:
        """The lowest number that fits the readings."""
        return len(self.sure)

    @property
    def high(self) -> int:
        """The highest number that fits the readings."""
        return len(self.possible)


def checked(
    order: Order, event: OrderEvent, members: Sequence[CohortMember], gap_after: timedelta
) -> CheckedClaim | None:
    """Compare a claim with the readings; None if the event has no number.

    A claim with a disputed date is compared over the whole time in which it may have been made.
    """
    claim = event.claim
    if claim is None:
        return None
    start, end = event.at_from or event.at, event.at_to or event.at
    begin = order.issued_from or order.issued_at
    read = [m for m in members if _is_read(m, start, end, gap_after)]
    found = [(m.account_id, *_judged(claim.what, m, begin, start, end)) for m in read]
    sure = tuple(account_id for account_id, is_sure, _ in found if is_sure)
    possible = tuple(account_id for account_id, _, may_be in found if may_be)
    unobserved = max(order.named_count, len(members)) - len(read)
    verdict = _verdict(claim, len(sure), len(possible), unobserved)
    return CheckedClaim(event, claim, sure, possible, unobserved, verdict)


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
    """Return whether the account certainly fits the claim all the time, and whether it may at some time.

    Blocks that ended before `begin` have nothing to do with the order.
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
            # A restored account was acted on too, but it is not known whether the source counts it.
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
    """Return whether the period may have begun by `at`."""
    return period.since <= at or period.onset_after is None or period.onset_after < at


def _is_read(member: CohortMember, start: datetime, end: datetime, gap_after: timedelta) -> bool:
    if not (member.is_read(start, gap_after) and member.is_read(end, gap_after)):
        return False
    return not any(g.since < end and (g.until is None or start < g.until) for g in member.seen.gaps)
