"""Pure: causes that users bring as CSV, with all faults of a file."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from storage.model.causes.causes import (
    USUAL_CONFIDENCE,
    CauseKind,
    CauseSource,
    CauseText,
    Confidence,
    checked_cause,
)
from storage.model.core.accounts import Platform
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import CsvRow, Parsed, read_table
from storage.model.tables.watch_list_csv import each

Word = TypeVar("Word", bound=StrEnum)

MOST_ROWS = 10_000
"""Of one file: while they are recorded, nothing else is."""
REQUIRED = ("kind", "said_by", "source", "stated_on")
OPTIONAL = (
    *("platform", "handle", "account_id", "change", "order"),
    *("speaker", "legal_basis", "confidence", "disputed_by", "note"),
)


@dataclass(frozen=True, slots=True)
class NamedSubject:
    """What a cause is about, in a user's words: an account or a post, else a change, else an order."""

    platform: Platform | None = None
    handle: str = ""
    account_id: str | None = None
    """The platform's own stable id, which counts if it is given."""
    change: str = ""
    """The number or the key of a change."""
    order: str = ""
    """The reference of an order."""


@dataclass(frozen=True, slots=True)
class CauseRow:
    line: int
    named: NamedSubject
    text: CauseText


def cause_rows(content: bytes, name: str, now: datetime) -> Parsed[CauseRow]:
    """Read causes. Each row names an account (`platform` with `handle` or `account_id`), a `change` by its
    number or key, or an `order` by its reference.

    Raises TableError when the file as a whole cannot be read, or has more than `MOST_ROWS` rows.
    """
    table = read_table(content, name, REQUIRED, OPTIONAL, MOST_ROWS)
    return each(name, table, lambda row: _cause_row(row, now))


def word(kind: type[Word], cell: str, column: str) -> Word:
    """Return the word that a cell or an option is. Raises CellError with all of them."""
    try:
        return kind(cell.strip().lower().replace("_", " "))
    except ValueError as error:
        known = ", ".join(kind)
        raise CellError(f"{column} {cell!r} is not known; known are {known}.") from error


def said_on(cell: str, column: str) -> datetime:
    """Return the time of a cell, which may be a day alone. Raises CellError."""
    return csv_cells.day(cell, column) if csv_cells.is_day(cell) else csv_cells.moment(cell, column)


def _cause_row(row: CsvRow, now: datetime) -> CauseRow:
    said_by = word(CauseSource, csv_cells.text(row["said_by"], "said_by"), "said_by")
    confidence = row["confidence"]
    text = CauseText(
        kind=word(CauseKind, csv_cells.text(row["kind"], "kind"), "kind"),
        said_by=said_by,
        speaker=row["speaker"],
        legal_basis=row["legal_basis"],
        source=row["source"],
        stated_on=said_on(csv_cells.text(row["stated_on"], "stated_on"), "stated_on"),
        confidence=word(Confidence, confidence, "confidence") if confidence else USUAL_CONFIDENCE[said_by],
        disputed_by=row["disputed_by"],
        note=row["note"],
    )
    return CauseRow(row.line, _named(row), checked_cause(text, now))


def _named(row: CsvRow) -> NamedSubject:
    of_account = any(row[column] for column in ("platform", "handle", "account_id"))
    if sum((of_account, bool(row["change"]), bool(row["order"]))) != 1:
        raise CellError("name one of these: an account (platform and handle), a change, or an order.")
    if not of_account:
        return NamedSubject(change=row["change"], order=row["order"])
    platform = csv_cells.platform(csv_cells.text(row["platform"], "platform"))
    if row["account_id"]:
        return NamedSubject(platform, row["handle"], csv_cells.account_id(row["account_id"], platform))
    return NamedSubject(platform, csv_cells.handle(row["handle"], platform))
