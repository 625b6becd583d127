"""Pure: the accounts that an order names, each with the kind of its status.

Kinds are separate, because they are different actions by different actors: withheld in the country of the
order, suspended everywhere, or gone by an unknown actor. Only the first two count as blocks.
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
    """The kind of an account's status, for readers in the country of an order."""

    WITHHELD = "withheld"
    """Withheld in that country or in all countries."""
    SUSPENDED = "suspended"
    """Suspended by the platform, everywhere."""
    SUSPENDED_OR_DELETED = "suspended_or_deleted"
    """Suspended or deleted. The platform does not say which, so it does not count as a block."""
    DEACTIVATED = "deactivated"
    """Deactivated; the platform may not say by whom."""
    NOT_FOUND = "not_found"
    """Gone; the platform does not say why."""
    WITHHELD_ELSEWHERE = "withheld_elsewhere"
    """Withheld, but not in the country of the order."""
    PROTECTED = "protected"
    """Shown by its owner to approved followers only."""
    AVAILABLE = "available"
    NEVER_READ = "never_read"
    """No status was confirmed."""

    @property
    def is_block(self) -> bool:
        """Whether it counts as compliance with the order."""
        return self in {Kind.WITHHELD, Kind.SUSPENDED}

    @property
    def is_gone(self) -> bool:
        """Whether the account is gone, and the platform or the owner may have removed it."""
        return self in {Kind.SUSPENDED_OR_DELETED, Kind.DEACTIVATED, Kind.NOT_FOUND}

    @property
    def is_back(self) -> bool:
        """Whether the platform shows a formerly blocked account again."""
        return self in {Kind.AVAILABLE, Kind.PROTECTED, Kind.WITHHELD_ELSEWHERE}


def kind_in(country: str, state: State, flags: frozenset[Flag] = frozenset()) -> Kind:
    """Return the kind of a confirmed state, for readers in `country`."""
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
    """The last contradicting reading before it. None means that it may have begun at any time before."""
    since: datetime
    until: datetime | None
    """The first reading with another kind; None while it lasts."""


@dataclass(frozen=True, slots=True)
class CohortMember:
    """An account on the order's list, with its confirmed periods, oldest first."""

    account_id: AccountId
    platform: Platform
    handle: str
    watched: bool
    added_at: datetime
    """When it was added to the list."""
    stays: tuple[Stay, ...]
    seen: Seen
    doubted_from: datetime | None = None
    """The last reading before a contradicting one that is not decided yet; None without such a reading."""

    @property
    def sure_until(self) -> datetime | None:
        """The newest reading that agrees with its last stay; None if it was never read."""
        if self.seen.last is None or self.doubted_from is None:
            return self.seen.last
        return min(self.seen.last, self.doubted_from)

    def at(self, moment: datetime) -> Stay | None:
        """Return the confirmed period at a moment; None if there is none."""
        return next((s for s in reversed(self.stays) if _covers(s, moment)), None)

    def is_read(self, moment: datetime, gap_after: timedelta) -> bool:
        """Return whether it was checked around a moment, at most `gap_after` before."""
        if not self.stays or moment < self.stays[0].since or self.seen.last is None:
            return False
        if moment > self.seen.last + gap_after:
            return False
        return not any(g.since < moment and (g.until is None or moment < g.until) for g in self.seen.gaps)


@dataclass(frozen=True, slots=True)
class CohortPeriod:
    """A period in which an account was in one or more given kinds without a break."""

    onset_after: datetime | None
    """The last contradicting reading before it. None means that it may have begun at any time before."""
    since: datetime
    last_seen: datetime | None
    """The last reading in the period, if it has ended; None while it lasts."""
    until: datetime | None
    """The first reading after the period; None while it lasts."""
    then: Kind | None
    """The kind after the period; None while it lasts."""


@dataclass(frozen=True, slots=True)
class CohortFunnel:
    """Counts of accounts from the names to the blocks. Each account counts once."""

    named: int
    """The number that the order states, watched or not."""
    names_entered: int
    """Named accounts that are stored; 0 if only its list is stored."""
    resolved: int
    """Accounts on its list. Names are on it if they were matched to one account."""
    watched: int
    read: int
    """Accounts on its list that were ever read. If there are none, nothing is known of blocks."""
    ever_blocked: int
    """Seen blocked at any time since the order, including accounts blocked before it."""
    blocked_before: int
    """Of `ever_blocked`, those seen blocked before the order was issued, so not because of it."""
    blocked_now: int
    blocked_stale: int
    """Of `blocked_now`, those not read lately, with the last known status."""
    restored: int
    """Of `ever_blocked`, those shown again."""
    gone_since: int
    """Of `ever_blocked`, those that are gone, so neither blocked nor shown."""


@dataclass(frozen=True, slots=True)
class CohortShare:
    """The number of accounts of a cohort in one kind, as last confirmed."""

    kind: Kind
    accounts: int
    stale: int
    """Of `accounts`, those not read lately, with the last known status."""


BLOCKS = frozenset(kind for kind in Kind if kind.is_block)


def periods(member: CohortMember, kinds: Collection[Kind]) -> tuple[CohortPeriod, ...]:
    """Return the periods in which a member was in any of `kinds`, oldest first."""
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
    """Return the periods in which a member was blocked; with `since`, those seen at or after `since`.

    Withheld and then suspended is one period. A second block after a restoration is another one.
    """
    found = periods(member, BLOCKS)
    if since is None:
        return found
    return tuple(b for b in found if max(b.since, b.last_seen or member.sure_until or b.since) >= since)


def shares(members: Sequence[CohortMember], at: datetime, gap_after: timedelta) -> tuple[CohortShare, ...]:
    """Count the members of each kind, in the order of `Kind`. The sum is the number of members."""
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
    """Return the funnel at `at`. Block counts leave out members not seen blocked since the order."""
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
        read=sum(any(stay.since <= at for stay in m.stays) for m in members),
        ever_blocked=ever,
        blocked_before=before,
        blocked_now=now,
        blocked_stale=stale,
        restored=restored,
        gone_since=gone,
    )


def by_first_block(members: Sequence[CohortMember], begin: datetime) -> list[CohortMember]:
    """Sort members by their first block; those never blocked come last, by handle."""

    def rank(member: CohortMember) -> tuple[bool, float, str]:
        times = blocked_times(member, begin)
        first = times[0].since.timestamp() if times else 0.0
        return not times, first, member.handle.casefold()

    return sorted(members, key=rank)


def _covers(stay: Stay, moment: datetime) -> bool:
    return stay.since <= moment and (stay.until is None or moment < stay.until)
