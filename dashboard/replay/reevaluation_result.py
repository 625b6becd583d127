"""What comes of deciding again: what `blockline replay --json --report` tells, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from storage.model.bitemporal.reevaluation import Cause, Effect, MailCause
from storage.model.core.accounts import Platform

MOST_CASES = 10_000
"""Differences of one answer that are kept; the command line tells all."""


class ComparedChange(BaseModel):
    """A change as it is stored, or as it would be."""

    old: str | None
    new: str
    last_seen_old: datetime | None
    first_seen_new: datetime
    outcome: str | None
    reason: str | None
    readings: int
    last_agreeing_at: datetime


class ChangeCase(BaseModel):
    """A change that comes out otherwise."""

    what: Effect
    cause: Cause
    account: int
    platform: Platform
    account_id: str
    handle: str
    stored: ComparedChange | None
    told: ComparedChange | None


class MailCase(BaseModel):
    """A mail that would have gone, or would not have."""

    what: Literal["mail_would_have_gone", "mail_would_not_have_gone"]
    cause: MailCause
    at: datetime
    kind: str
    rule: str | None
    recipient: str
    headline: str
    changes: list[tuple[str, str]]

    @property
    def was_sent(self) -> bool:
        return self.what == "mail_would_not_have_gone"


class RuleTotals(BaseModel):
    rule: str | None
    recipient: str
    would_have_gone: int
    would_not_have_gone: int


class DecisionTotals(BaseModel):
    same: int
    otherwise: int


class MailTotals(BaseModel):
    same: int
    would_have_gone: int
    would_not_have_gone: int
    by_rule: list[RuleTotals]
    decisions: DecisionTotals
    causes: dict[MailCause, int]


class ReevaluationSummary(BaseModel):
    """What `blockline replay --json` prints."""

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    alert_rules: list[str] | None
    accounts: int
    readings: int
    changes: dict[Effect, int]
    causes: dict[Cause, int]
    mails: MailTotals
    left_out: dict[str, int]

    @property
    def changes_otherwise(self) -> int:
        return sum(n for effect, n in self.changes.items() if effect is not Effect.SAME)

    @property
    def mails_otherwise(self) -> int:
        return self.mails.would_have_gone + self.mails.would_not_have_gone

    @property
    def unexplained(self) -> int:
        return self.causes[Cause.UNEXPLAINED] + self.mails.causes[MailCause.UNEXPLAINED]


@dataclass(frozen=True, slots=True)
class ReevaluationResult:
    summary: ReevaluationSummary
    changes: Sequence[ChangeCase]
    mails: Sequence[MailCase]
    left_out: int
    """Differences beyond MOST_CASES."""
