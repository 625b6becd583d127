"""What was said of an order in numbers, beside what was observed at that moment. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.cohort import Blocked, Kind, Member, blocked_times
from storage.model.orders import Claim, ClaimedWhat, Order, OrderEvent


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
class Checked:
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


Test = Callable[[Member, datetime], tuple[bool, bool]]
"""Whether one account was certainly, and whether it was possibly so."""


def checked(
    order: Order, event: OrderEvent, members: Sequence[Member], gap_after: timedelta
) -> Checked | None:
    """Hold a claim against the readings; None for what has no number."""
    claim = event.claim
    if claim is None:
        return None
    begin = order.issued_from or order.issued_at
    test = _tests(begin)[claim.what]
    read = [m for m in members if m.is_read(event.at, gap_after)]
    found = [test(m, event.at) for m in read]
    low, high = sum(sure for sure, _ in found), sum(may for _, may in found)
    unobserved = max(order.named_count, len(members)) - len(read)
    return Checked(event, claim, low, high, unobserved, _verdict(claim, low, high, unobserved))


def _verdict(claim: Claim, low: int, high: int, unobserved: int) -> Verdict:
    if claim.count > high + unobserved:
        return Verdict.FEWER_POSSIBLE
    if claim.at_least:
        return Verdict.BORNE_OUT if claim.count <= low else Verdict.UNDECIDED
    if claim.count < low:
        return Verdict.MORE_SEEN
    return Verdict.BORNE_OUT if low == high and not unobserved else Verdict.UNDECIDED


def _tests(begin: datetime) -> dict[ClaimedWhat, Test]:
    """`begin`: what ended before it has nothing to do with the order."""

    def blocked(member: Member, at: datetime) -> tuple[bool, bool]:
        times = blocked_times(member, begin)
        return any(_surely(b, at) for b in times), any(_maybe(b, at) for b in times)

    def in_kind(*kinds: Kind) -> Test:
        def test(member: Member, at: datetime) -> tuple[bool, bool]:
            stay = member.at(at)
            sure = stay is not None and stay.kind in kinds
            coming = any(
                s.kind in kinds and s.onset_after is not None and s.onset_after < at < s.since
                for s in member.stays
            )
            return sure and not _ending(member, at), sure or coming

        return test

    def acted_on(member: Member, at: datetime) -> tuple[bool, bool]:
        sure, may = blocked(member, at)
        stay = member.at(at)
        return sure, may or (stay is not None and stay.kind.is_gone)

    def restored(member: Member, at: datetime) -> tuple[bool, bool]:
        ended = [b for b in blocked_times(member, begin) if b.until is not None and b.then is not None]
        back = any(b.then.is_back and b.until <= at for b in ended if b.then and b.until)
        maybe = any(
            b.then.is_back and b.last_blocked <= at for b in ended if b.then and b.last_blocked is not None
        )
        sure, may = blocked(member, at)
        return back and not may, maybe and not (sure and not maybe)

    return {
        ClaimedWhat.WITHHELD: in_kind(Kind.WITHHELD),
        ClaimedWhat.SUSPENDED: in_kind(Kind.SUSPENDED),
        ClaimedWhat.BLOCKED: blocked,
        ClaimedWhat.RESTORED: restored,
        ClaimedWhat.ACTED_ON: acted_on,
        ClaimedWhat.AVAILABLE: in_kind(Kind.AVAILABLE),
    }


def _surely(blocked: Blocked, at: datetime) -> bool:
    """`last_blocked` is the last reading that showed it: after that it may have ended."""
    return blocked.since <= at and (blocked.last_blocked is None or at <= blocked.last_blocked)


def _maybe(blocked: Blocked, at: datetime) -> bool:
    began = blocked.onset_after is None or blocked.onset_after < at
    return began and (blocked.until is None or at < blocked.until)


def _ending(member: Member, at: datetime) -> bool:
    """Whether the next state may have begun by then."""
    return any(s.onset_after is not None and s.onset_after < at < s.since for s in member.stays)
