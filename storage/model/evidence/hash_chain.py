"""What an entry of the hash chain attests, byte for byte, and how one entry follows from the one before.

The database makes the same bytes when a change or an outcome is recorded (`chain_statement` in
`storage/migrations/versions/0100_05_chain.sql`). They are made here a second time, so that the chain can be
checked without trusting it.
"""

import hashlib
import json
from collections.abc import Mapping
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


Statement: TypeAlias = ChangeStatement | OutcomeStatement


def moment(at: datetime) -> str:
    """A time as statements have it: UTC, to the microsecond, `2021-02-04T07:32:10.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical(what: object) -> bytes:
    """JSON in the one form that is hashed: no white space, keys in their order, UTF-8."""
    return json.dumps(what, ensure_ascii=False, separators=(",", ":")).encode()


def statement_bytes(statement: Statement) -> bytes:
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
        statement = _change(said) if said["statement"] == StatementKind.CHANGE else _outcome(said)
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
