"""Pure: compare claims about an order, in numbers, with what was observed at that moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.core.accounts import AccountId
from storage.model.core.orders import Claim, ClaimedTargets, ClaimedWhat, Order, OrderEvent
from storage.model.orders.cohort import BLOCKS, CohortMember, CohortPeriod, Kind, blocked_times, periods


class Verdict(StrEnum):
    """The result of comparing a claim with the observed range. It never says more than the range allows."""

    BORNE_OUT = "borne_out"
    """The claimed number was observed, of all that the order names; more if it is a minimum."""
    UNDECIDED = "undecided"
    """The claim can be neither confirmed nor refuted, because it lies within the possible range."""
    MORE_SEEN = "more_seen"
    """More were observed than claimed."""
    FEWER_POSSIBLE = "fewer_possible"
    """More were claimed than are possible, even if all that were not observed matched the claim."""


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim with what was observed at its moment."""

    event: OrderEvent
    claim: Claim
    compared: ClaimedTargets
    """With what its number is compared."""
    sure: tuple[AccountId, ...]
    """Those that fit the claim whatever the exact times of their changes were."""
    possible: tuple[AccountId, ...]
    """Those that may fit it, because the exact time of a change is not known."""
    read: int
    """How many were checked then. If none was, nothing is known, and `low` and `high` say nothing."""
    unobserved: int | None
    """How many the order names that were not checked then. None: it is not known how many it names."""
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

    `members` are the accounts and posts on the order's list. A claim is compared with those of the kind that
    its source says. If the source does not say, it is compared with accounts, or with posts if the order
    names only posts. Where both are on the list, its verdict is UNDECIDED unless each kind has the same.
    """
    claim = event.claim
    if claim is None:
        return None
    if claim.targets is not None:
        return _compared(order, event, claim, claim.targets, members, gap_after)
    posts = sum(m.is_post for m in members)
    names_only_posts = posts == len(members) > 0 and not order.named_count
    assumed = ClaimedTargets.POSTS if names_only_posts else ClaimedTargets.ACCOUNTS
    found = _compared(order, event, claim, assumed, members, gap_after)
    if not 0 < posts < len(members):
        return found
    verdicts = {_compared(order, event, claim, t, members, gap_after).verdict for t in ClaimedTargets}
    return found if len(verdicts) == 1 else replace(found, verdict=Verdict.UNDECIDED)


def _compared(
    order: Order,
    event: OrderEvent,
    claim: Claim,
    targets: ClaimedTargets,
    members: Sequence[CohortMember],
    gap_after: timedelta,
) -> CheckedClaim:
    """Compare it with the members of one kind, or of both.

    A claim with a disputed date is compared over the whole time in which it may have been made.
    """
    start, end = event.at_from or event.at, event.at_to or event.at
    begin = order.earliest_issue
    of_posts = targets is ClaimedTargets.POSTS
    counted = [m for m in members if targets is ClaimedTargets.BOTH or m.is_post is of_posts]
    read = [m for m in counted if _is_read(m, start, end, gap_after)]
    found = [(m.account_id, *_judged(claim.what, m, begin, start, end)) for m in read]
    sure = tuple(account_id for account_id, is_sure, _ in found if is_sure)
    possible = tuple(account_id for account_id, _, may_be in found if may_be)
    # Orders say how many accounts they name. How many posts they name, only a claim may say.
    named = order.named_count if targets is ClaimedTargets.ACCOUNTS else claim.of
    unobserved = None if named is None else max(named, len(counted)) - len(read)
    verdict = _verdict(claim, len(sure), len(possible), unobserved)
    return CheckedClaim(event, claim, targets, sure, possible, len(read), unobserved, verdict)


def _verdict(claim: Claim, low: int, high: int, unobserved: int | None) -> Verdict:
    if unobserved is not None and claim.count > high + unobserved:
        return Verdict.FEWER_POSSIBLE
    if claim.at_least:
        return Verdict.BORNE_OUT if claim.count <= low else Verdict.UNDECIDED
    if claim.count < low:
        return Verdict.MORE_SEEN
    return Verdict.BORNE_OUT if low == high and unobserved == 0 else Verdict.UNDECIDED


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
