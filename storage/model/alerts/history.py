"""What became of an alert: the decision of every rule, and the mails that tell it."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.alerts.alerts import AlertDecision, AlertRow, MailKind, MailState
from storage.model.core.accounts import ListId
from storage.model.core.availability import ChangeKind


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that tells of an alert."""

    mail_id: int
    kind: MailKind
    recipients: tuple[str, ...]
    subject: str
    story_key: str | None
    wave: int | None
    """Counted among those that were told at once."""
    created_at: datetime
    state: MailState
    sent_at: datetime | None
    next_attempt_at: datetime | None
    last_error: str | None
    merged_into: int | None = None
    """The later mail that says what this one says; None when it is not merged."""


@dataclass(frozen=True, slots=True)
class RuleDecision:
    """What one rule decided of one alert."""

    rule_id: int | None
    """None: no rule matched."""
    rule: str | None
    """Its name, even when it is gone."""
    decision: AlertDecision
    until: datetime | None
    decided_at: datetime | None
    """None: the last word is not spoken."""
    story_key: str | None
    list_id: ListId | None
    """What that story is about."""
    mute_note: str | None
    """Of the mute that covers it; empty when it has none."""
    muted_by: str | None


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """One alert, with all that became of it."""

    alert: AlertRow
    decided_at: datetime | None
    decision: AlertDecision | None
    """The one word for all rules."""
    decisions: tuple[RuleDecision, ...]
    """In the order in which the rules are tried."""
    mails: tuple[SentMail, ...]


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """A change as far as it bears on whether anybody is told of it."""

    change_id: int
    kind: ChangeKind
    outcome: str | None
    """None: further readings decide."""
    is_imported: bool
    """It is from a record that others published."""
