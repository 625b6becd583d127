"""From a confirmed change to a mail that a server accepted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    """Set only after the server accepted."""
    DEAD = "dead"
    """Given up, with the reason kept; shown on the dashboard."""


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
