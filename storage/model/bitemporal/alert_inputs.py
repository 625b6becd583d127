"""Pure: what was told in a time, and all that decided it, to be decided on again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from storage.model.alerts.alerts import (
    AlertChange,
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    LastWord,
    MailKind,
    PastAlert,
)
from storage.model.alerts.rules import Mute, StoredRule
from storage.model.core.accounts import AccountId
from storage.model.core.reachability import UnreachablePeriod

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
    """SUPERSEDED, CORRECTED or UNWATCHED."""


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
class DatedCohort:
    """A list that an account is or was on, with the order that it belongs to today."""

    cohort: Cohort
    added_at: datetime
    removed_at: datetime | None
    order_known_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What rules may match of an account beside its change. All but the lists is as it is now."""

    handle: str
    tags: frozenset[str]
    followers: int | None
    is_executive: bool
    cohorts: Sequence[DatedCohort]
    """By name."""


@dataclass(frozen=True, slots=True)
class SeenChange:
    """A change that was provisional for a time."""

    change: AlertChange
    seen_at: datetime
    """When it was recorded."""
    decided_at: datetime | None
    """When it was confirmed or refuted. None: neither yet."""
    is_confirmed: bool
    is_unwatched: bool
    """It was never decided, because the account was no longer watched."""


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
    told_before: Mapping[str, Mapping[str, LastWord]]
    """By the key of a change and by recipient, what had been told last of it before the time."""
    mails: Sequence[PastMail]
    mutes: Sequence[MadeMute]
    stories: Sequence[AlertThread]
    """What had been told when the time began."""
    past: Mapping[AccountId, Sequence[PastAlert]]
    """Alerts of the same accounts from before the time."""
    rules: Sequence[RulesSince]
    cohorts: Mapping[AccountId, Sequence[DatedCohort]]
    """Of the accounts of the alerts; those that were on no list are left out."""
    forgotten: Mapping[int, datetime] = field(default_factory=dict[int, datetime])
    """From when on an alert does not count for flapping any more: a correction took its change away, or told
    it by an alert of its own.
    """
    late: frozenset[str] = field(default_factory=frozenset[str])
    """Keys of changes that were told anew because of a reading that came in late."""
    unreachable: Sequence[UnreachablePeriod] = ()
    """Empty unless it was asked for."""


def as_of(cohorts: Iterable[DatedCohort], now: datetime) -> tuple[Cohort, ...]:
    """The lists and orders that an account was under at a time; `cohorts` are all that it ever was under."""
    return tuple(
        c.cohort if c.order_known_at is None or c.order_known_at <= now else replace(c.cohort, order=None)
        for c in cohorts
        if c.added_at <= now and (c.removed_at is None or now < c.removed_at)
    )
