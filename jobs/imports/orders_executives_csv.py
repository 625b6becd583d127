"""Pure: the orders and executives that users bring as CSV, with all faults of a file."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.model.core.orders import NewOrder
from storage.model.orders.order_fields import checked
from storage.model.tables import csv_cells
from storage.model.tables.csv_rows import CsvRow, Parsed, read_table
from storage.model.tables.watch_list_csv import each, identities, who, without_repeats


@dataclass(frozen=True, slots=True)
class OrderRow:
    line: int
    order: NewOrder


@dataclass(frozen=True, slots=True)
class ExecutiveRow:
    line: int
    platform: Platform
    handle: str
    account_id: str | None
    part_of_id: str | None
    name: str
    title: str


def order_rows(content: bytes, name: str, now: datetime) -> Parsed[OrderRow]:
    """Orders, known to us since `now`. Where the date is disputed, `issued_from` and `issued_to` say so.

    Raises TableError when the file as a whole cannot be read.
    """
    required = (
        "reference",
        "title",
        "issuer",
        "country",
        "legal_basis",
        "issued_at",
        "deadline_at",
        "named_count",
        "list",
    )
    table = read_table(content, name, required, ("issued_from", "issued_to"))
    parsed = each(name, table, lambda row: _order_row(row, now))
    parsed = without_repeats(
        name,
        parsed,
        lambda row: (row.order.reference,),
        lambda row, first: f"order {row.order.reference} is already on line {first}.",
    )
    return without_repeats(
        name,
        parsed,
        lambda row: (row.order.list_name,),
        lambda row, first: f"list {row.order.list_name!r} already belongs to the order on line {first}.",
    )


def executive_rows(content: bytes, name: str) -> Parsed[ExecutiveRow]:
    """Executives: `platform,handle,name,title` and, where known, `account_id`.

    Raises TableError when the file as a whole cannot be read.
    """
    table = read_table(content, name, ("platform", "handle", "name", "title"), ("account_id",))
    parsed = each(name, table, _executive_row)
    return without_repeats(
        name,
        parsed,
        lambda row: identities(row.platform, row.handle, row.account_id),
        lambda row, first: f"account @{row.handle} is already on line {first}.",
    )


def _executive_row(row: CsvRow) -> ExecutiveRow:
    return ExecutiveRow(
        row.line, *who(row), csv_cells.text(row["name"], "name"), csv_cells.text(row["title"], "title")
    )


def _order_row(row: CsvRow, now: datetime) -> OrderRow:
    issued_at = csv_cells.moment(row["issued_at"], "issued_at")
    issued_from = _moment_or_none(row, "issued_from")
    issued_to = _moment_or_none(row, "issued_to")
    deadline_at = _moment_or_none(row, "deadline_at")
    order = NewOrder(
        reference=csv_cells.text(row["reference"], "reference"),
        title=csv_cells.text(row["title"], "title"),
        issuer=csv_cells.text(row["issuer"], "issuer"),
        country=csv_cells.country(row["country"]),
        legal_basis=csv_cells.text(row["legal_basis"], "legal_basis"),
        issued_at=issued_at,
        issued_from=issued_from,
        issued_to=issued_to,
        deadline_at=deadline_at,
        named_count=csv_cells.count(row["named_count"], "named_count"),
        list_name=csv_cells.text(row["list"], "list"),
        known_at=now,
    )
    return OrderRow(row.line, checked(order))


def _moment_or_none(row: CsvRow, column: str) -> datetime | None:
    return csv_cells.moment(row[column], column) if row[column] else None
