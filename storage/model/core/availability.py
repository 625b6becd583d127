"""What an account looked like in one reading, the change between two looks, and the key of a change."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from storage.model.core.accounts import Platform


class Status(StrEnum):
    """What a platform said of an account. "Unknown" is not here: it is the absence of a reading."""

    AVAILABLE = "available"
    PROTECTED = "protected"
    WITHHELD = "withheld"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"
    NOT_FOUND = "not_found"

    @property
    def is_blocked(self) -> bool:
        """Whether the platform itself said that it withholds or suspended the account.

        A vanished account does not count as blocked, because its owner may have closed it.
        """
        return self in {Status.WITHHELD, Status.SUSPENDED}

    @property
    def is_gone(self) -> bool:
        return self in {Status.DEACTIVATED, Status.NOT_FOUND}


EVERYWHERE = "XX"
"""X's pseudo country code for "withheld in all countries" (X blog of 2012-11-02)."""


BY_COUNTRY = frozenset({Status.AVAILABLE, Status.WITHHELD})
"""Statuses of an account that exists, though maybe not in all countries. An answer with any other status says
nothing about any country.
"""


@dataclass(frozen=True, slots=True)
class State:
    """A status together with the countries it holds in. Two readings agree when their states are equal."""

    status: Status
    withheld_in: tuple[str, ...] = ()
    """Sorted ISO 3166-1 codes, or `EVERYWHERE`; empty unless the status is withheld."""

    def __post_init__(self) -> None:
        if (self.status is Status.WITHHELD) != bool(self.withheld_in):
            raise ValueError(f"{self.status} with countries {self.withheld_in!r}")
        if tuple(sorted(set(self.withheld_in))) != self.withheld_in:
            raise ValueError(f"countries must be sorted and distinct: {self.withheld_in!r}")


class Strength(StrEnum):
    """How good the evidence of a reading is: it sets how many agreeing readings confirm a change."""

    STRONG = "strong"
    """The platform said so: the account's data, a country code, "has been suspended"."""
    WEAK = "weak"
    """Only an absence: not found, or gone without a statement."""


class Flag(StrEnum):
    """Side facts of a reading that do not decide the status."""

    COPYRIGHT_WITHHELD = "copyright_withheld"
    MAY_BE_RIGHTS_HOLDERS = "may_be_rights_holders"
    """YouTube: withheld in countries that the holder of the rights may have chosen; it does not say."""
    PROTECTED = "protected"
    """Protected by its owner as well as withheld."""

    HOST = "host"
    """Suspended by the server that holds the account (Bluesky: its PDS)."""
    APP_VIEW_ONLY = "app_view_only"
    """Suspended in the Bluesky app only: the server that holds the account still serves it."""
    SCOPE_UNANSWERED = "scope_unanswered"
    """Suspended on Bluesky, and the server that holds the account, or the directory that leads to it, gave no
    answer about by whom. It is asked again.
    """
    SCOPE_UNKNOWN = "scope_unknown"
    """Suspended on Bluesky; the answers do not say by whom."""
    DELETED = "deleted"
    """No longer found although it was seen before, and its server no longer has it."""
    TEMPORARY = "temporary"
    """Mastodon: a suspension that the server may lift, with the data kept."""
    SUSPENDED_OR_DELETED = "suspended_or_deleted"
    """Mastodon: suspended for good or deleted by its owner, which look alike."""

    HANDLE_INVALID = "handle_invalid"
    """The handle no longer leads to the account (Bluesky): neither a rename nor a takedown."""
    NO_UNAUTHENTICATED = "no_unauthenticated"
    """The owner asks that only signed-in people see it. It is shown beside the status and changes nothing
    else.
    """
    LIMITED = "limited"
    """Mastodon: silenced by its server."""
    MEMORIAL = "memorial"
    MOVED = "moved"
    """The owner moved to another account, which names this one as its own; see `Reading.moved_to`."""
    MOVED_UNPROVEN = "moved_unproven"
    """It names another account as its new one, which does not name this one."""
    IDENTITY_CHANGED = "identity_changed"
    """The name now leads to another account than the stored one."""

    FIRST_SEEN = "first_seen"
    """Only of a change: no earlier answer reported the countries in which the account is newly withheld. It
    may have been withheld there all along.
    """
    PARTLY_FIRST_SEEN = "partly_first_seen"
    """Only of a change: that holds for some of these countries, and something else changed as well."""

    WITH_AUTHOR = "with_author"
    """Only of a post: its status comes from its author's account, whose posts are all withheld or gone."""

    EDITED = "edited"
    """Only of a post: its author edited it. Its text is not read, so how is not known."""

    DAY_ONLY = "day_only"
    """From an imported record that gives only the UTC day. Such a time is the last second of its day; where
    it bounds a later change, the first.
    """


SCOPE_FLAGS = frozenset(
    {
        Flag.HOST,
        Flag.APP_VIEW_ONLY,
        Flag.SCOPE_UNANSWERED,
        Flag.SCOPE_UNKNOWN,
        Flag.DELETED,
        Flag.TEMPORARY,
        Flag.SUSPENDED_OR_DELETED,
    }
)
"""Flags that say who took an account down: the words of a status tell them already."""

DATED_SCOPES = frozenset(
    {Flag.HOST, Flag.APP_VIEW_ONLY, Flag.SCOPE_UNANSWERED, Flag.SCOPE_UNKNOWN, Flag.DELETED}
)
"""Those that may be seen after the status, and change while it lasts; `scoped_flags` in the database."""

FIRST_SEEN_FLAGS = frozenset({Flag.FIRST_SEEN, Flag.PARTLY_FIRST_SEEN})
"""Flags of a change, never of a reading."""


class MissedReason(StrEnum):
    """Why an attempt gave no conclusive answer. A missed attempt never opens, closes or shortens anything."""

    NETWORK = "network"
    AUTH = "auth"
    CREDITS = "credits"
    ACCESS = "access"
    RATE_LIMITED = "rate_limited"
    USAGE_CAPPED = "usage_capped"
    UPSTREAM = "upstream"
    BAD_REQUEST = "bad_request"
    MALFORMED = "malformed"
    CONTRADICTORY = "contradictory"
    OMITTED = "omitted"
    UNCLASSIFIED = "unclassified"
    UNHEARD = "unheard"
    """The answer came, but it says nothing of a country that is in question for this account."""
    HELD = "held"
    """The answer came, but its control accounts looked wrong, so none of it is believed."""


BREAKERS = frozenset(
    {MissedReason.AUTH, MissedReason.CREDITS, MissedReason.ACCESS, MissedReason.USAGE_CAPPED}
)
"""Reasons for which every further request would fail in the same way until somebody acts."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One conclusive answer about one account at one time."""

    native_id: str
    at: datetime
    state: State
    strength: Strength
    handle: str | None = None
    """The handle in this answer; None when the answer does not carry one (suspended, not found)."""
    flags: frozenset[Flag] = frozenset()
    moved_to: str | None = None
    """The address of the account that the owner moved to, with a flag MOVED or MOVED_UNPROVEN."""
    silent_on: frozenset[str] = frozenset()
    """Countries about which this answer says nothing: neither that the account is withheld there, nor that it
    is not.
    """

    def dated(self, at: datetime) -> "Reading":
        """A copy with another time. Written out because `replace` takes twice as long."""
        return Reading(
            self.native_id,
            at,
            self.state,
            self.strength,
            self.handle,
            self.flags,
            self.moved_to,
            self.silent_on,
        )


@dataclass(frozen=True, slots=True)
class Missed:
    """An attempt about one account that proved nothing."""

    native_id: str
    at: datetime
    reason: MissedReason
    detail: str = ""


class ChangeKind(StrEnum):
    """What users call a change."""

    BASELINE = "baseline"
    """The first state ever seen of an account, or of it in a country: nothing is known to have changed."""
    BLOCK = "block"
    RESTORATION = "restoration"
    PARTIAL = "partial"
    """Still withheld, but countries were added or removed."""
    PROTECTION = "protection"
    """The owner locked or unlocked the account."""
    GONE = "gone"
    """No longer found, or deactivated: by whom is not known."""
    RETURN = "return"
    """Found again after having been gone: not called a restoration, since no block was seen."""


def kind_of(
    old: State | None, new: State, flags: Collection[Flag] = (), old_flags: Collection[Flag] = ()
) -> ChangeKind:
    """The kind of the change from `old` to `new`, with the flags of each. `old` is None for a first state.

    A state that may be the owner's own deletion is not called a block, and its end is not called a
    restoration.
    """
    if old is None or Flag.FIRST_SEEN in flags:
        return ChangeKind.BASELINE
    if Flag.SUSPENDED_OR_DELETED in flags:
        return ChangeKind.GONE
    if old.status is Status.WITHHELD and new.status is Status.WITHHELD:
        return ChangeKind.PARTIAL
    if new.status.is_blocked:
        return ChangeKind.BLOCK
    if new.status.is_gone:
        return ChangeKind.GONE
    if old.status.is_gone or Flag.SUSPENDED_OR_DELETED in old_flags:
        return ChangeKind.RETURN
    if old.status.is_blocked:
        return ChangeKind.RESTORATION
    return ChangeKind.PROTECTION


class Outcome(StrEnum):
    """How a provisional change ended. It is kept either way."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"


class Reason(StrEnum):
    """Why a change was confirmed or not: stored with the outcome and shown."""

    BASELINE_SEEN = "baseline_seen"
    """A first reading that carried the account's own data."""
    ENOUGH_STRONG = "enough_strong"
    """The platform said so in enough readings."""
    ENOUGH_WEAK = "enough_weak"
    """Absent in every reading that the rule asks for."""
    COHORT_ACTIVE = "cohort_active"
    """One reading fewer, because another account of the same list changed in the last hours."""
    WENT_BACK = "went_back"
    """A later reading showed the old state again."""
    MOVED_ON = "moved_on"
    """A later reading showed a third state."""
    OVERTAKEN = "overtaken"
    """It was requested before other answers arrived, so it may be older than they are."""
    NO_LONGER_WATCHED = "no_longer_watched"
    """The account left the watch before it was read often enough."""
    IMPORTED = "imported"
    """Taken from somebody else's published record, under their name."""
    CORRECTED = "corrected"
    """A reading that arrived late contradicts it. The superseded row had been confirmed or opened
    too early.
    """
    SET_ASIDE = "set_aside"
    """A wrong clock dated the readings that showed it, so its time is unknown."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A period with one state, bounded by confirmed changes. `until` is None while it lasts."""

    account_id: int
    state: State
    onset_after: datetime | None
    since: datetime
    until: datetime | None


def change_key(platform: Platform, native_id: str, state: State, first_seen_new: datetime) -> str:
    """The key of "this account was first seen in this state at this time": 64 hex digits.

    The same fact gives the same key on every machine, in every time zone and however often it
    arrives; `first_seen_new` must carry its zone.
    """
    if first_seen_new.tzinfo is None:
        raise ValueError(f"a change needs a time with its zone, not {first_seen_new.isoformat()}")
    countries = " ".join(state.withheld_in)
    at = first_seen_new.astimezone(UTC).isoformat()
    fact = ":".join((platform.value, native_id, state.status.value, countries, at))
    return hashlib.sha256(fact.encode()).hexdigest()
