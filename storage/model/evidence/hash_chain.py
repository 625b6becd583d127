"""What an entry of a hash chain attests, byte for byte, and how one entry follows from the one before.

There are two chains: one over changes, outcomes and causes, and one over the audit log, whose heads are
entries of the first. The database makes the same bytes when a row is recorded (`chain_statement` in
`storage/migrations/versions/0100_05_chain.sql`, `0100_07_orders.sql` and `0100_11_people.sql`). They are
made here a second time, so that the chains can be checked without trusting it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias, cast

BEGINNING: Final = bytes(32)
"""What stands before the first entry."""


class StatementKind(StrEnum):
    """What an entry tells of."""

    CHANGE = "change"
    OUTCOME = "outcome"
    CAUSE = "cause"
    AUDIT_HEAD = "audit head"
    """The newest entry that the chain over the audit log had."""
    AUDIT_ENTRY = "audit entry"
    """An entry of the audit log, in the chain over it."""


@dataclass(frozen=True, slots=True)
class ChangeStatement:
    """A change as it was recorded: which account, from which state to which, between which two readings."""

    change_id: int
    supersedes: int | None
    platform: str
    account: str
    """The platform's own stable id of the account."""
    old_status: str | None
    old_withheld_in: tuple[str, ...]
    status: str
    withheld_in: tuple[str, ...]
    flags: tuple[str, ...]
    kind: str
    strength: str
    last_seen_old: datetime | None
    first_seen_new: datetime
    recorded_at: datetime
    source: str
    old_evidence: str | None
    """SHA-256 of what is kept of the answers that showed the old state, in hexadecimal."""
    new_evidence: str | None

    @property
    def told(self) -> StatementKind:
        return StatementKind.CHANGE

    @property
    def at(self) -> datetime:
        return self.recorded_at


@dataclass(frozen=True, slots=True)
class OutcomeStatement:
    """How a provisional change ended."""

    change_id: int
    outcome: str
    reason: str
    readings: int
    last_agreeing_at: datetime
    decided_at: datetime

    @property
    def told(self) -> StatementKind:
        return StatementKind.OUTCOME

    @property
    def at(self) -> datetime:
        return self.decided_at


@dataclass(frozen=True, slots=True)
class CauseStatement:
    """What somebody said was the cause of something, as it was recorded."""

    cause_id: int
    supersedes: int | None
    is_withdrawn: bool
    change_id: int | None
    """The change that it is about; None if it is about an account or an order."""
    platform: str | None
    account: str | None
    """The platform's own stable id of the account or post that it is about."""
    legal_order: str | None
    """The reference of the order that it is about."""
    kind: str
    said_by: str
    speaker: str
    legal_basis: str
    source: str
    stated_on: datetime
    confidence: str
    disputed_by: str
    note: str
    document: str | None
    """SHA-256 of the document that says so, in hexadecimal."""
    recorded_at: datetime
    recorded_by: str

    @property
    def told(self) -> StatementKind:
        return StatementKind.CAUSE

    @property
    def at(self) -> datetime:
        return self.recorded_at


Statement: TypeAlias = ChangeStatement | OutcomeStatement | CauseStatement


@dataclass(frozen=True, slots=True)
class AuditHeadStatement:
    """The head of the chain over the audit log, as the chain of changes holds it."""

    audit_seq: int
    head: str
    """The entry with this number, in hexadecimal: it covers all entries before it."""
    sealed_at: datetime

    @property
    def told(self) -> StatementKind:
        return StatementKind.AUDIT_HEAD

    @property
    def at(self) -> datetime:
        return self.sealed_at


@dataclass(frozen=True, slots=True)
class AuditStatement:
    """An entry of the audit log as it was written."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    """The text that Postgres makes of the stored JSON object."""

    @property
    def told(self) -> StatementKind:
        return StatementKind.AUDIT_ENTRY


def moment(at: datetime) -> str:
    """A time as statements have it: UTC, to the microsecond, `2021-02-04T07:32:10.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical(what: object) -> bytes:
    """JSON in the one form that is hashed: no white space, keys in their order, UTF-8."""
    return json.dumps(what, ensure_ascii=False, separators=(",", ":")).encode()


def statement_bytes(statement: Statement | AuditHeadStatement | AuditStatement) -> bytes:
    """The exact bytes of which the SHA-256 is the leaf of an entry."""
    said: dict[str, object] = {"statement": statement.told.value}
    for field in fields(statement):
        value: object = getattr(statement, field.name)
        said[field.name] = moment(value) if isinstance(value, datetime) else value
    return canonical(said)


def read_statement(content: bytes) -> Statement:
    """The statement that these bytes are. Raises ValueError unless they are exactly those of a statement."""
    try:
        said = json.loads(content)
        statement = _READ[said["statement"]](said)
        is_exact = statement_bytes(statement) == content
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("the content is not a statement") from error
    if not is_exact:
        raise ValueError("the content is a statement, but not in the exact form that is hashed")
    return statement


def leaf_of(content: bytes) -> bytes:
    """The leaf of a statement, which anyone may compute with sha256sum."""
    return hashlib.sha256(content).digest()


def entry_of(previous: bytes, leaf: bytes) -> bytes:
    """The entry of a leaf after the previous entry."""
    return hashlib.sha256(previous + leaf).digest()


def _change(said: Mapping[str, object]) -> ChangeStatement:
    return ChangeStatement(
        change_id=_number(said["change_id"]),
        supersedes=None if said["supersedes"] is None else _number(said["supersedes"]),
        platform=_text(said["platform"]),
        account=_text(said["account"]),
        old_status=_text_or_none(said["old_status"]),
        old_withheld_in=_texts(said["old_withheld_in"]),
        status=_text(said["status"]),
        withheld_in=_texts(said["withheld_in"]),
        flags=_texts(said["flags"]),
        kind=_text(said["kind"]),
        strength=_text(said["strength"]),
        last_seen_old=None if said["last_seen_old"] is None else _time(said["last_seen_old"]),
        first_seen_new=_time(said["first_seen_new"]),
        recorded_at=_time(said["recorded_at"]),
        source=_text(said["source"]),
        old_evidence=_text_or_none(said["old_evidence"]),
        new_evidence=_text_or_none(said["new_evidence"]),
    )


def _outcome(said: Mapping[str, object]) -> OutcomeStatement:
    return OutcomeStatement(
        change_id=_number(said["change_id"]),
        outcome=_text(said["outcome"]),
        reason=_text(said["reason"]),
        readings=_number(said["readings"]),
        last_agreeing_at=_time(said["last_agreeing_at"]),
        decided_at=_time(said["decided_at"]),
    )


def _cause(said: Mapping[str, object]) -> CauseStatement:
    return CauseStatement(
        cause_id=_number(said["cause_id"]),
        supersedes=None if said["supersedes"] is None else _number(said["supersedes"]),
        is_withdrawn=said["is_withdrawn"] is True,
        change_id=None if said["change_id"] is None else _number(said["change_id"]),
        platform=_text_or_none(said["platform"]),
        account=_text_or_none(said["account"]),
        legal_order=_text_or_none(said["legal_order"]),
        kind=_text(said["kind"]),
        said_by=_text(said["said_by"]),
        speaker=_text(said["speaker"]),
        legal_basis=_text(said["legal_basis"]),
        source=_text(said["source"]),
        stated_on=_time(said["stated_on"]),
        confidence=_text(said["confidence"]),
        disputed_by=_text(said["disputed_by"]),
        note=_text(said["note"]),
        document=_text_or_none(said["document"]),
        recorded_at=_time(said["recorded_at"]),
        recorded_by=_text(said["recorded_by"]),
    )


_READ: Final[Mapping[object, Callable[[Mapping[str, object]], Statement]]] = {
    StatementKind.CHANGE.value: _change,
    StatementKind.OUTCOME.value: _outcome,
    StatementKind.CAUSE.value: _cause,
}


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(value)
    return tuple(_text(item) for item in cast("list[object]", value))


def _time(value: object) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("a time has no time zone")
    return at
