"""From a confirmed change to a mail that a server accepted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.accounts import AccountId, ListId, Platform
from storage.model.availability import ChangeKind, Flag, State, Strength


class AlertDecision(StrEnum):
    """Why an alert did or did not become (part of) a mail. Stored and shown."""

    MAILED = "mailed"
    """In a mail, alone or with the rest of its wave."""
    WAITING = "waiting"
    """Its wave may still grow."""
    KIND_NOT_MAILED = "kind_not_mailed"
    NO_RECIPIENT = "no_recipient"
    FLAPPING = "flapping"
    """The account goes back and forth; one mail said so and the rest is held together with it."""
    CORRECTED = "corrected"
    """A reading that came in late shows that it was not so, or not yet: nobody is told."""


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    """Set only after the server accepted."""
    DEAD = "dead"
    """Given up, with the reason kept; shown on the dashboard."""


@dataclass(frozen=True, slots=True)
class OrderRef:
    """What a mail needs to name a legal order."""

    reference: str
    country: str
    issued_at: datetime
    named_count: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """A watch list that an account is on, with the order that it belongs to, if any."""

    list_id: ListId
    name: str
    order: OrderRef | None


@dataclass(frozen=True, slots=True)
class AlertChange:
    """A confirmed change as a mail tells it."""

    change_key: str
    account_id: AccountId
    platform: Platform
    handle: str
    """As last seen; written by a stranger."""
    old: State | None
    new: State
    kind: ChangeKind
    strength: Strength
    last_seen_old: datetime | None
    first_seen_new: datetime
    readings: int
    """How many agreeing readings confirmed it."""
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed the new state first."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One confirmed change that waits for a decision."""

    alert_id: int
    created_at: datetime
    """When the change was confirmed, in the monitor's time."""
    change: AlertChange
    cohorts: tuple[Cohort, ...]
    """Every list of the account, sorted by name."""


@dataclass(frozen=True, slots=True)
class PastAlert:
    """An alert of the last weeks, decided or not: what flapping is judged by."""

    created_at: datetime
    change: AlertChange
    decision: AlertDecision | None


@dataclass(frozen=True, slots=True)
class CohortMail:
    """A mail decided lately, by one of its changes: all changes of a mail are told under one cohort."""

    as_of: datetime
    """When its newest change was confirmed."""
    first_seen_new: datetime
    cohorts: tuple[Cohort, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the accounts of a list stood as known at one time."""

    watched: int
    """How many accounts of the list are watched."""
    states: tuple[tuple[Platform, State, int], ...]
    """Accounts of a platform in each confirmed state, most first. Those never read are in none."""


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A mail that is composed and not yet stored."""

    message_id: str
    recipients: tuple[str, ...]
    subject: str
    text_body: str
    html_body: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One email to one set of recipients. A repeat carries the same `message_id`."""

    mail_id: int
    message_id: str
    recipients: tuple[str, ...]
    subject: str
    text_body: str
    html_body: str
    created_at: datetime
    state: MailState
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    last_error: str | None
