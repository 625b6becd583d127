"""Pure: everything that comes out otherwise when it is decided again, as one table."""

from dashboard.replay.reevaluation_result import ChangeCase, ComparedChange, MailCase, ReevaluationResult
from storage.model.evidence.export_kinds import Cell
from storage.model.evidence.export_text import csv_lines

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
"""A change has no mail, and a mail no account. `stored` is what is on record, `again` what comes out now."""


def table(answer: ReevaluationResult) -> str:
    """As CSV: changes first, each kind in the order of time."""
    first, lines = csv_lines(COLUMNS)
    rows = [*map(_change, answer.changes), *map(_mail, answer.mails)]
    return first + (lines(rows) if rows else "")


def _change(case: ChangeCase) -> list[object]:
    one = case.told or case.stored
    if one is None:
        raise ValueError(f"a change of account {case.account} is on neither side")
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
    told = (case.at, case.kind, case.rule, case.recipient, case.headline, len(case.changes))
    return [case.what, case.cause.value, *(None,) * 15, *told]
