"""Legal demands and what was said about them. Disputed dates stay ranges."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.availability import State


@dataclass(frozen=True, slots=True)
class Order:
    """A legal demand to block accounts. Its list is a cohort."""

    order_id: int
    reference: str
    title: str
    issuer: str
    country: str
    legal_basis: str
    issued_at: datetime
    issued_from: datetime | None
    """Where sources disagree on the date: the earliest and the latest that is claimed."""
    issued_to: datetime | None
    deadline_at: datetime | None
    named_count: int
    """How many accounts the order names, watched or not: the denominator that a share must state."""
    list_id: ListId
    known_at: datetime

    @property
    def earliest_issue(self) -> datetime:
        """It was not issued before this."""
        return self.issued_from or self.issued_at

    @property
    def is_disputed(self) -> bool:
        """Whether sources name more than one day. A range within a day is a date without a time."""
        return _spans_days(self.issued_at, self.issued_from, self.issued_to)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be stored: as `Order`, with its list by name, before the database has numbered it."""

    reference: str
    title: str
    issuer: str
    country: str
    legal_basis: str
    issued_at: datetime
    issued_from: datetime | None
    issued_to: datetime | None
    deadline_at: datetime | None
    named_count: int
    list_name: str
    known_at: datetime


class OrderEventKind(StrEnum):
    NOTICE = "notice"
    CLAIM = "claim"
    STATEMENT = "statement"
    RULING = "ruling"


class ClaimedWhat(StrEnum):
    """What a number in a statement counts, as far as its words say."""

    WITHHELD = "withheld"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    RESTORED = "restored"
    ACTED_ON = "acted_on"
    """"Acted upon": the source does not say in which way."""
    AVAILABLE = "available"


class ClaimedTargets(StrEnum):
    """Of what a number in a statement counts some, as far as its words say."""

    ACCOUNTS = "accounts"
    POSTS = "posts"
    BOTH = "both"
    """Accounts and posts together, as in a number of addresses."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The number in a statement: "126 of 257 acted upon"."""

    count: int
    of: int | None
    what: ClaimedWhat
    at_least: bool = False
    """"At least 500", "more than 500": that many or more."""
    targets: ClaimedTargets | None = None
    """None: the source does not say."""


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """Something dated that belongs to an order or to the time: a notice, a claim, a ruling."""

    order_event_id: int
    order_id: int | None
    kind: OrderEventKind
    at: datetime
    at_from: datetime | None
    at_to: datetime | None
    text: str
    source: str
    known_at: datetime
    claim: Claim | None = None

    @property
    def is_disputed(self) -> bool:
        """Whether sources name more than one day. A range within a day is a date without a time."""
        return _spans_days(self.at, self.at_from, self.at_to)


@dataclass(frozen=True, slots=True)
class NewOrderEvent:
    """An event to be stored: as `OrderEvent`, with its order by reference (None: it belongs to none)."""

    order_reference: str | None
    kind: OrderEventKind
    at: datetime
    at_from: datetime | None
    at_to: datetime | None
    text: str
    source: str
    known_at: datetime
    claim: Claim | None = None


class NameOutcome(StrEnum):
    """What became of a name of an order."""

    RESOLVED = "resolved"
    """It is the name of one account, by its id."""
    AMBIGUOUS = "ambiguous"
    """It fits more than one account, or its platform or its end is unclear."""
    UNRESOLVABLE = "unresolvable"
    """It names no account, or its platform knows none of that name."""
    NOT_TRIED = "not tried"
    """Its platform was not asked, or gave no answer."""
    NOT_OBSERVABLE = "not observable"
    """It is the address of a site that Blockline does not read."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A name that an order no longer names. It stays visible."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderName:
    """One name of an order, of an account or of a post."""

    order_name_id: int
    said: str
    """As it stands in the order."""
    platform: Platform | None
    handle: str | None
    """The handle in it, by which nobody can be told from a later owner; None where it holds none."""
    post_id: str | None
    """None: it names an account, and no post of it."""
    outcome: NameOutcome
    account_id: AccountId | None
    """Whom it was found to be; None unless resolved."""
    note: str
    """Why it is not resolved, and what was cut from it."""
    source: str
    known_at: datetime
    resolved_at: datetime | None
    withdrawal: Withdrawal | None = None
    """None: the order names it."""

    @property
    def is_waiting(self) -> bool:
        """Whether its platform has still to be asked, or to answer."""
        return self.outcome is NameOutcome.NOT_TRIED and self.withdrawal is None


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """What others found when they looked at a name from one place."""

    order_name_id: int
    source: str
    place: str
    """A country code; empty where the source does not say from where it looked."""
    of_post: bool
    """What the answer speaks of: a post, or the account."""
    answer: str
    """In the words of the source."""
    state: State | None
    """None where the answer tells none of ours."""
    at_from: datetime | None
    """Between when they looked; None where the source does not say, and then it dates nothing."""
    at_to: datetime | None
    known_at: datetime


@dataclass(frozen=True, slots=True)
class NewName:
    """A name to be stored, or what it is to become: as `OrderName`."""

    said: str
    platform: Platform | None
    handle: str | None
    post_id: str | None
    outcome: NameOutcome
    account_id: AccountId | None
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class NewCheck:
    """What others saw of the name `said`, at a time that they do not tell."""

    said: str
    source: str
    place: str
    of_post: bool
    answer: str
    state: State | None


@dataclass(frozen=True, slots=True)
class NameCandidate:
    """An account on file that a name may mean."""

    account_id: AccountId
    native_id: str
    handle: str
    """Its handle now, which may be another than the one that was asked for."""


@dataclass(frozen=True, slots=True)
class OrderDocument:
    """A file attached to an order, without its content."""

    name: str
    media_type: str
    source: str
    sha256: str
    """In hexadecimal digits."""
    size: int
    """Bytes."""
    added_at: datetime
    added_by: str


def _spans_days(at: datetime, first: datetime | None, last: datetime | None) -> bool:
    return (first or at).astimezone(UTC).date() != (last or at).astimezone(UTC).date()
