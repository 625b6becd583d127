"""Pure: the accounts and posts that an order names, each with the kind of its status.

Kinds are separate, because they are different actions by different actors: withheld in the country of the
order, suspended everywhere, or gone by an unknown actor. Only the first two count as blocks.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import EVERYWHERE, Flag, State, Status
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Order
from storage.model.platforms.registry import DECLARED


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
    """An account or a post on the order's list, with its confirmed periods, oldest first."""

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
    is_post: bool = False

    @property
    def author(self) -> str:
        """The handle of a post's author if its own handle names it; else its own handle."""
        return DECLARED[self.platform].author_handle(self.handle) or self.handle

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


class CohortPart(StrEnum):
    """The accounts that a figure of the funnel counts; what each means is said in `CohortFunnel`."""

    ON_ITS_LIST = "on_its_list"
    WATCHED = "watched"
    READ = "read"
    EVER_BLOCKED = "ever_blocked"
    BLOCKED_BEFORE = "blocked_before"
    BLOCKED_NOW = "blocked_now"
    BLOCKED_STALE = "blocked_stale"
    RESTORED = "restored"
    GONE_SINCE = "gone_since"
    NOT_SEEN_BLOCKED = "not_seen_blocked"
    """Read, and in no reading blocked since the order: the rest of `read` beside `ever_blocked`."""


@dataclass(frozen=True, slots=True)
class CohortFunnel:
    """Counts of accounts, or of posts, from the names to the blocks. Each counts once."""

    named: int
    """For accounts, the number that the order states, watched or not. For posts, the number among its names,
    or on its list if that is larger."""
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


def by_kind(members: Sequence[CohortMember], at: datetime) -> dict[Kind, list[CohortMember]]:
    """Return the members of each kind at `at`, in the order of `Kind`; kinds without members are left out."""
    found: dict[Kind, list[CohortMember]] = {kind: [] for kind in Kind}
    for member in members:
        found[_kind_at(member, at)].append(member)
    return {kind: of_kind for kind, of_kind in found.items() if of_kind}


def shares(members: Sequence[CohortMember], at: datetime, gap_after: timedelta) -> tuple[CohortShare, ...]:
    """Count the members of each kind, in the order of `Kind`. The sum is the number of members."""
    return tuple(
        CohortShare(
            kind,
            len(of_kind),
            0 if kind is Kind.NEVER_READ else sum(not m.is_read(at, gap_after) for m in of_kind),
        )
        for kind, of_kind in by_kind(members, at).items()
    )


def by_part(
    order: Order, members: Sequence[CohortMember], at: datetime, gap_after: timedelta
) -> dict[CohortPart, list[CohortMember]]:
    """Return the members that each figure of the funnel counts at `at`.

    Parts about blocks leave out members not seen blocked since the order, which are a part of their own if
    they were ever read.
    """
    begin = order.earliest_issue
    found: dict[CohortPart, list[CohortMember]] = {part: [] for part in CohortPart}
    for member in members:
        for part in _parts_of(member, begin, at, gap_after):
            found[part].append(member)
    return found


def funnel(
    parts: Mapping[CohortPart, Sequence[CohortMember]], named: int, names_entered: int
) -> CohortFunnel:
    """Return the funnel: how many members each part has, as `by_part` returns them."""
    count = {part: len(of_part) for part, of_part in parts.items()}
    return CohortFunnel(
        named=named,
        names_entered=names_entered,
        resolved=count[CohortPart.ON_ITS_LIST],
        watched=count[CohortPart.WATCHED],
        read=count[CohortPart.READ],
        ever_blocked=count[CohortPart.EVER_BLOCKED],
        blocked_before=count[CohortPart.BLOCKED_BEFORE],
        blocked_now=count[CohortPart.BLOCKED_NOW],
        blocked_stale=count[CohortPart.BLOCKED_STALE],
        restored=count[CohortPart.RESTORED],
        gone_since=count[CohortPart.GONE_SINCE],
    )


def _parts_of(
    member: CohortMember, begin: datetime, at: datetime, gap_after: timedelta
) -> Iterator[CohortPart]:
    yield CohortPart.ON_ITS_LIST
    if member.watched:
        yield CohortPart.WATCHED
    was_read = any(stay.since <= at for stay in member.stays)
    if was_read:
        yield CohortPart.READ
    times = [b for b in blocked_times(member, begin) if b.since <= at]
    if not times:
        if was_read:
            yield CohortPart.NOT_SEEN_BLOCKED
        return
    yield CohortPart.EVER_BLOCKED
    if times[0].since <= begin:
        yield CohortPart.BLOCKED_BEFORE
    kind = _kind_at(member, at)
    if kind.is_block:
        yield CohortPart.BLOCKED_NOW
        if not member.is_read(at, gap_after):
            yield CohortPart.BLOCKED_STALE
    if kind.is_back:
        yield CohortPart.RESTORED
    if kind.is_gone:
        yield CohortPart.GONE_SINCE


def _kind_at(member: CohortMember, at: datetime) -> Kind:
    stay = member.at(at)
    return Kind.NEVER_READ if stay is None else stay.kind


def by_first_block(members: Sequence[CohortMember], begin: datetime) -> list[CohortMember]:
    """Sort members by their first block; those never blocked come last, by handle. Posts follow the account
    of their author, together at the place of whichever was blocked first.
    """

    def rank(member: CohortMember) -> tuple[bool, float, str]:
        times = blocked_times(member, begin)
        first = times[0].since.timestamp() if times else 0.0
        return not times, first, member.handle.casefold()

    ranked = [(rank(member), member) for member in members]
    together: dict[tuple[Platform, str], tuple[bool, float]] = {}
    for (is_never, first, _), member in ranked:
        author = (member.platform, member.author.casefold())
        together[author] = min(together.get(author, (True, inf)), (is_never, first))

    def order(one: tuple[tuple[bool, float, str], CohortMember]) -> tuple[object, ...]:
        own, member = one
        author = (member.platform, member.author.casefold())
        return *together[author], author[1], author[0].value, member.is_post, *own

    return [member for _, member in sorted(ranked, key=order)]


def _covers(stay: Stay, moment: datetime) -> bool:
    return stay.since <= moment and (stay.until is None or moment < stay.until)
