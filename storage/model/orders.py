"""Legal demands and what was said about them. Disputed dates stay ranges."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.accounts import ListId


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


@dataclass(frozen=True, slots=True)
class Claim:
    """The number in a statement: "126 of 257 acted upon"."""

    count: int
    of: int | None
    what: ClaimedWhat
    at_least: bool = False
    """"More than 500"."""


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
