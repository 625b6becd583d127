"""The result of a re-evaluation: what `blockline replay --json --report` writes, as values and one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from storage.model.bitemporal.reevaluation import DifferenceCause, Effect, MailCause
from storage.model.core.accounts import Platform
from storage.model.evidence.export_kinds import Cell
from storage.model.evidence.export_text import csv_lines
from storage.model.text.target_counts import TargetCount

MOST_CASES = 10_000
"""Differences of one result that are kept; the command line reports all."""

_SIDE = ("outcome", "reason", "readings", "last_agreeing_at")
COLUMNS = {
    "what": Cell.TEXT,
    "cause": Cell.TEXT,
    "platform": Cell.TEXT,
    "account_id": Cell.TEXT,
    "handle": Cell.TEXT,
    "old": Cell.TEXT,
    "new": Cell.TEXT,
    "last_seen_old": Cell.TIME,
    "first_seen_new": Cell.TIME,
    "stored_outcome": Cell.TEXT,
    "stored_reason": Cell.TEXT,
    "stored_readings": Cell.INTEGER,
    "stored_last_agreeing_at": Cell.TIME,
    "again_outcome": Cell.TEXT,
    "again_reason": Cell.TEXT,
    "again_readings": Cell.INTEGER,
    "again_last_agreeing_at": Cell.TIME,
    "mail_at": Cell.TIME,
    "mail_kind": Cell.TEXT,
    "rule": Cell.TEXT,
    "recipient": Cell.TEXT,
    "headline": Cell.TEXT,
    "mail_changes": Cell.INTEGER,
}
"""A change has no mail, and a mail no account. `stored` is what is stored, `again` the re-evaluated side."""


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
    """A change that differs from the stored one."""

    what: Effect
    cause: DifferenceCause
    account: int
    platform: Platform
    account_id: str
    handle: str
    stored: ComparedChange | None
    told: ComparedChange | None


class MailCase(BaseModel):
    """An email that would have been sent and was not, or the reverse."""

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
    """Accounts and posts that are reported."""
    posts: int
    """Those of them that are posts."""
    readings: int
    changes: dict[Effect, int]
    causes: dict[DifferenceCause, int]
    mails: MailTotals
    left_out: dict[str, int]

    @property
    def reported(self) -> TargetCount:
        """The accounts and posts that are reported, by kind."""
        return TargetCount(self.accounts - self.posts, self.posts)

    @property
    def changes_otherwise(self) -> int:
        return sum(n for effect, n in self.changes.items() if effect is not Effect.SAME)

    @property
    def mails_otherwise(self) -> int:
        return self.mails.would_have_gone + self.mails.would_not_have_gone

    @property
    def unexplained(self) -> int:
        return self.causes[DifferenceCause.UNEXPLAINED] + self.mails.causes[MailCause.UNEXPLAINED]


@dataclass(frozen=True, slots=True)
class ReevaluationResult:
    summary: ReevaluationSummary
    changes: Sequence[ChangeCase]
    mails: Sequence[MailCase]
    left_out: int
    """Differences beyond MOST_CASES."""


def table(answer: ReevaluationResult) -> str:
    """As CSV: changes first, each kind in the order of time."""
    first, lines = csv_lines(COLUMNS)
    rows = [*map(_change, answer.changes), *map(_mail, answer.mails)]
    return first + (lines(rows) if rows else "")


def _change(case: ChangeCase) -> list[object]:
    one = case.told or case.stored
    if one is None:
        raise ValueError(
            f"a change of account {case.account} is neither among the stored changes nor among the "
            "re-evaluated ones"
        )
    return [
        *(case.what.value, case.cause.value, case.platform.value, case.account_id, case.handle),
        *(one.old, one.new, one.last_seen_old, one.first_seen_new),
        *_side(case.stored),
        *_side(case.told),
        *(None,) * 6,
    ]


def _side(side: ComparedChange | None) -> list[object]:
    return [None if side is None else getattr(side, name) for name in _SIDE]


def _mail(case: MailCase) -> list[object]:
    columns = (case.at, case.kind, case.rule, case.recipient, case.headline, len(case.changes))
    return [case.what, case.cause.value, *(None,) * 15, *columns]
