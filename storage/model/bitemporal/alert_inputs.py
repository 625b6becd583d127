"""Pure: what was told in a time, and all that decided it, to be decided on again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    Joined,
    MailKind,
    PastAlert,
)
from storage.model.alerts.rules import Mute, StoredRule
from storage.model.core.accounts import AccountId, ListId

Fact = tuple[str, AlertStage]
"""What a mail tells: a change by its key, and how certain it was."""

Decisions = Mapping[tuple[int, int | None], AlertDecision]
"""By alert and rule."""


@dataclass(frozen=True, slots=True)
class RulesSince:
    """The rules from a time on, in the order in which they are tried."""

    at: datetime
    rules: tuple[StoredRule, ...]


@dataclass(frozen=True, slots=True)
class MadeMute:
    mute: Mute
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Overtaken:
    """An alert that gave way to something that was recorded later, before every rule had told it."""

    at: datetime
    alert_id: int
    decision: AlertDecision
    """SUPERSEDED or CORRECTED."""


@dataclass(frozen=True, slots=True)
class PastMail:
    """One mail of a wave, a digest or a round-up, to one recipient."""

    rule: str | None
    """None: it is not on record which rule told a digest without changes."""
    recipient: str
    kind: MailKind
    at: datetime
    """When it was complete: the end of its wave or digest."""
    facts: frozenset[Fact]
    headline: str


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What rules may match of an account beside its change, as it is now."""

    handle: str
    tags: frozenset[str]
    followers: int | None
    is_executive: bool
    cohorts: Mapping[Cohort, Joined]


@dataclass(frozen=True, slots=True)
class StoredAlerts:
    """Everything about the alerts of a time."""

    rows: Sequence[AlertRow]
    """Those born in it, and those that were open when it began."""
    overtaken: Sequence[Overtaken]
    decisions: Decisions
    """The last words that were spoken in the time."""
    before: Decisions
    """And those that were spoken before it, of the same alerts."""
    told_before: Mapping[str, frozenset[int]]
    """By the key of a change, the rules that had told it before the time."""
    mails: Sequence[PastMail]
    mutes: Sequence[MadeMute]
    stories: Sequence[AlertThread]
    """What had been told when the time began."""
    past: Mapping[AccountId, Sequence[PastAlert]]
    """Alerts of the same accounts from before the time."""
    rules: Sequence[RulesSince]
    forgotten: Mapping[int, datetime] = field(default_factory=dict[int, datetime])
    """From when on an alert does not count for flapping any more: a correction took its change away, or told
    it by an alert of its own.
    """
    late: frozenset[str] = field(default_factory=frozenset[str])
    """Keys of changes that were told anew because of a reading that came in late."""


def as_of(row: AlertRow, now: datetime) -> tuple[Cohort, ...]:
    """The lists and orders of an account that it was under at a time, as far as that is on record."""
    found: list[Cohort] = []
    for cohort in row.cohorts:
        joined = row.joined.get(cohort.list_id)
        if joined is None or joined.at <= now:
            found.append(cohort)
        elif joined.by_entry:
            found.append(Cohort(ListId(cohort.list_id), cohort.name, None))
    return tuple(found)
