"""Pure: what became of the accounts that an order names, each in its kind.

Kinds are kept apart, since they are not the same act and not the same actor's: withheld in the country of the
order, suspended everywhere, gone by whoever's hand. Only the first two are counted as blocks.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import EVERYWHERE, Flag, State, Status
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Order


class Kind(StrEnum):
    """What stands between an account and its readers in the country of an order."""

    WITHHELD = "withheld"
    """Withheld in that country, or in all."""
    SUSPENDED = "suspended"
    """By the platform, everywhere."""
    SUSPENDED_OR_DELETED = "suspended_or_deleted"
    """One of the two: the platform does not say which, so it is not counted as a block."""
    DEACTIVATED = "deactivated"
    """By its owner."""
    NOT_FOUND = "not_found"
    """Gone, and nobody says by whom."""
    WITHHELD_ELSEWHERE = "withheld_elsewhere"
    """Withheld, but not in the country of the order."""
    PROTECTED = "protected"
    """Locked by its owner."""
    AVAILABLE = "available"
    NEVER_READ = "never_read"
    """Nothing was confirmed of it."""

    @property
    def is_block(self) -> bool:
        """Whether it is counted as following the order."""
        return self in {Kind.WITHHELD, Kind.SUSPENDED}

    @property
    def is_gone(self) -> bool:
        """Whether it may, or may not, be the platform's act."""
        return self in {Kind.SUSPENDED_OR_DELETED, Kind.DEACTIVATED, Kind.NOT_FOUND}

    @property
    def is_back(self) -> bool:
        """Whether whoever was blocked before is back, as far as the platform goes."""
        return self in {Kind.AVAILABLE, Kind.PROTECTED, Kind.WITHHELD_ELSEWHERE}


def kind_in(country: str, state: State, flags: frozenset[Flag] = frozenset()) -> Kind:
    """The kind that a confirmed state is, seen from `country`."""
    match state.status:
        case Status.WITHHELD:
            here = country in state.withheld_in or EVERYWHERE in state.withheld_in
            return Kind.WITHHELD if here else Kind.WITHHELD_ELSEWHERE
        case Status.SUSPENDED:
            return Kind.SUSPENDED_OR_DELETED if Flag.SUSPENDED_OR_DELETED in flags else Kind.SUSPENDED
        case other:
            return Kind(other.value)


@dataclass(frozen=True, slots=True)
class Stay:
    """A confirmed period of one account in one kind. It began between `onset_after` and `since`."""

    kind: Kind
    state: State
    flags: frozenset[Flag]
    onset_after: datetime | None
    """The last reading that contradicts it; None: it may have been so at any time before."""
    since: datetime
    until: datetime | None
    """The first reading that showed something else; None while it lasts."""


@dataclass(frozen=True, slots=True)
class CohortMember:
    """One account of the order's list, with all that is confirmed of it, oldest first."""

    account_id: AccountId
    platform: Platform
    handle: str
    watched: bool
    added_at: datetime
    """When it was put on the list."""
    stays: tuple[Stay, ...]
    seen: Seen
    doubted_from: datetime | None = None
    """The last reading before one that contradicts what is confirmed, and that is not decided about yet."""

    @property
    def sure_until(self) -> datetime | None:
        """The newest reading that agrees with its last stay; None when nobody read it."""
        if self.seen.last is None or self.doubted_from is None:
            return self.seen.last
        return min(self.seen.last, self.doubted_from)

    def at(self, moment: datetime) -> Stay | None:
        """What was confirmed of that moment."""
        return next((s for s in reversed(self.stays) if _covers(s, moment)), None)

    def is_read(self, moment: datetime, gap_after: timedelta) -> bool:
        """Whether it was looked at around that moment, not longer than `gap_after` before."""
        if not self.stays or moment < self.stays[0].since or self.seen.last is None:
            return False
        if moment > self.seen.last + gap_after:
            return False
        return not any(g.since < moment and (g.until is None or moment < g.until) for g in self.seen.gaps)


@dataclass(frozen=True, slots=True)
class CohortPeriod:
    """A time in which one account was in some kinds without a break, whichever of them it was in."""

    onset_after: datetime | None
    """The last reading that contradicts it; None: it may have been so at any time before."""
    since: datetime
    last_seen: datetime | None
    """The last reading that showed it so, once it ended; None while it lasts."""
    until: datetime | None
    """The first reading that showed it otherwise; None while it lasts."""
    then: Kind | None
    """What it was otherwise; None while it lasts."""


@dataclass(frozen=True, slots=True)
class CohortFunnel:
    """From the names to the blocks. Each number is of accounts, each counted once."""

    named: int
    """As the order says, watched or not."""
    names_entered: int
    """Names of accounts that are on file for it; 0 when only its list is."""
    resolved: int
    """Accounts on its list: for names, those that were found to be one account."""
    watched: int
    ever_blocked: int
    """Seen blocked at any time since the order, those included that were blocked before it."""
    blocked_before: int
    """Of them, seen blocked before the order was issued: not its doing."""
    blocked_now: int
    blocked_stale: int
    """Of them, not read lately: this is only what was last known of them."""
    restored: int
    """Ever blocked, and back."""
    gone_since: int
    """Ever blocked, and gone: neither blocked nor back."""


@dataclass(frozen=True, slots=True)
class CohortShare:
    """How many of a cohort are of one kind, as last confirmed."""

    kind: Kind
    accounts: int
    stale: int
    """Of them, not read lately: this is only what was last known of them."""


BLOCKS = frozenset(kind for kind in Kind if kind.is_block)


def periods(member: CohortMember, kinds: Collection[Kind]) -> tuple[CohortPeriod, ...]:
    """The times in which a member was in any of `kinds`, oldest first, whichever of them it was in."""
    out: list[CohortPeriod] = []
    opened: Stay | None = None
    latest: Stay | None = None
    for stay in member.stays:
        if stay.kind in kinds:
            opened, latest = opened or stay, stay
        elif opened is not None and latest is not None:
            last = stay.onset_after or latest.since
            out.append(CohortPeriod(opened.onset_after, opened.since, last, stay.since, stay.kind))
            opened = None
    if opened is not None:
        out.append(CohortPeriod(opened.onset_after, opened.since, None, None, None))
    return tuple(out)


def blocked_times(member: CohortMember, since: datetime | None = None) -> tuple[CohortPeriod, ...]:
    """The times in which a member was blocked; with `since`, those in which it was seen so then or later.

    Withheld and then suspended is one time. A second block after a restoration is another one.
    """
    found = periods(member, BLOCKS)
    if since is None:
        return found
    return tuple(b for b in found if max(b.since, b.last_seen or member.sure_until or b.since) >= since)


def shares(members: Sequence[CohortMember], at: datetime, gap_after: timedelta) -> tuple[CohortShare, ...]:
    """Every kind that there is, in the order of `Kind`, so that the sum is the number of members."""
    found: Counter[Kind] = Counter()
    stale: Counter[Kind] = Counter()
    for member in members:
        stay = member.at(at)
        kind = stay.kind if stay is not None else Kind.NEVER_READ
        found[kind] += 1
        stale[kind] += stay is not None and not member.is_read(at, gap_after)
    return tuple(CohortShare(kind, found[kind], stale[kind]) for kind in Kind if found[kind])


def funnel(
    order: Order, members: Sequence[CohortMember], names_entered: int, at: datetime, gap_after: timedelta
) -> CohortFunnel:
    """How far the order went by `at`. Who was not seen blocked since it was issued is not in it."""
    begin = order.issued_from or order.issued_at
    ever = before = now = stale = restored = gone = 0
    for member in members:
        times = [b for b in blocked_times(member, begin) if b.since <= at]
        if not times:
            continue
        ever += 1
        before += times[0].since <= begin
        stay = member.at(at)
        kind = stay.kind if stay is not None else Kind.NEVER_READ
        now += kind.is_block
        stale += kind.is_block and not member.is_read(at, gap_after)
        restored += kind.is_back
        gone += kind.is_gone
    return CohortFunnel(
        named=order.named_count,
        names_entered=names_entered,
        resolved=len(members),
        watched=sum(m.watched for m in members),
        ever_blocked=ever,
        blocked_before=before,
        blocked_now=now,
        blocked_stale=stale,
        restored=restored,
        gone_since=gone,
    )


def by_first_block(members: Sequence[CohortMember], begin: datetime) -> list[CohortMember]:
    """The members whose block was seen first come first; those never blocked last, by handle."""

    def rank(member: CohortMember) -> tuple[bool, float, str]:
        times = blocked_times(member, begin)
        first = times[0].since.timestamp() if times else 0.0
        return not times, first, member.handle.casefold()

    return sorted(members, key=rank)


def _covers(stay: Stay, moment: datetime) -> bool:
    return stay.since <= moment and (stay.until is None or moment < stay.until)
