"""Pure: what an alert rule would have sent in a past period, and the sentences that say so."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.alerts.alerts import MailKind
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import in_period, number

PREVIEW_PERIOD = timedelta(days=30)
"""How far back a preview looks unless another period is asked for."""
LONGEST_PREVIEW = timedelta(days=366)
MOST_GROUPS = 5
"""Groups of changes that a preview names, the largest first."""
MOST_HANDLES = 8
"""Accounts and posts that a preview names per group."""

PREVIEW_LIMITS = (
    "Counted with the rules as they are now, on the changes that are stored. Reminders, escalations and "
    "emails about engagements are not counted."
)
"""What the figures of a preview leave out."""


@dataclass(frozen=True, slots=True)
class PreviewedGroup:
    """One email that the rule would have sent, to each of its recipients."""

    at: datetime
    kind: MailKind
    headline: str
    recipients: int
    count: TargetCount
    """None of either: a digest that says that nothing changed."""
    handles: tuple[str, ...]
    """Some of them, at most MOST_HANDLES."""


@dataclass(frozen=True, slots=True)
class RulePreview:
    """What a rule would have sent from `since` until before `until`."""

    since: datetime
    until: datetime
    emails: int
    """One per recipient."""
    recipients: tuple[str, ...]
    """Who would have been sent at least one, sorted."""
    changes: int
    """The changes that the emails report."""
    largest: tuple[PreviewedGroup, ...]
    """The groups with the most accounts and posts."""
    was_read: bool
    """Whether any account gave a reading in that time. Without one, the result is not known."""


def preview_words(preview: RulePreview, now: datetime | None = None) -> str:
    """The result in one sentence: "In the last 30 days this rule would have sent 14 emails to 3 people".

    `now` is when it was asked for; None means the end of the period.
    """
    when = in_period(preview.since, preview.until, now)
    if not preview.was_read and not preview.changes:
        return f"{when} nothing was read, so what this rule would have sent is not known."
    if not preview.emails:
        return f"{when} this rule would have sent no email."
    people = len(preview.recipients)
    to = "1 person" if people == 1 else f"{people:,} people"
    return f"{when} this rule would have sent {number(preview.emails, 'email')} to {to}."
