"""Pure: the watch lists, orders and executives that users bring as CSV, with all faults of a file."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from jobs import cells
from jobs.cells import CellError
from jobs.order_fields import checked
from jobs.tables import Parsed, Row, TableError, read_table, sorted_problems
from storage.model.accounts import Platform
from storage.model.orders import NewOrder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WatchRow:
    """An account to watch."""

    line: int
    platform: Platform
    handle: str
    account_id: str | None
    """None when the file does not give it: a collector has to resolve the handle."""
    actor: str | None
    """Mastodon: the actor URI that the file gives without the local id, and that the account must be of."""
    lists: tuple[str, ...]
    tags: tuple[str, ...] = ()
    followers: int | None = None


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
    actor: str | None
    name: str
    title: str


def watch_rows(content: bytes, name: str) -> Parsed[WatchRow]:
    """A watch list: `platform,handle` and, where known, `account_id,list` (lists apart by semicolons).

    A handle may also be the address of a profile. `tags` and `followers` are for alert rules.

    Raises TableError when the file as a whole cannot be read.
    """
    table = read_table(content, name, ("platform", "handle"), ("account_id", "list", "tags", "followers"))
    parsed = _each(name, table, _watch_row)
    return _without_repeats(
        name,
        parsed,
        lambda row: _identities(row.platform, row.handle, row.account_id),
        lambda row, first: (
            f"account @{row.handle} is already on line {first}; "
            "name all lists of an account on one line, with semicolons between them."
        ),
    )


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
    parsed = _each(name, table, lambda row: _order_row(row, now))
    parsed = _without_repeats(
        name,
        parsed,
        lambda row: (row.order.reference,),
        lambda row, first: f"order {row.order.reference} is already on line {first}.",
    )
    return _without_repeats(
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
    parsed = _each(name, table, _executive_row)
    return _without_repeats(
        name,
        parsed,
        lambda row: _identities(row.platform, row.handle, row.account_id),
        lambda row, first: f"account @{row.handle} is already on line {first}.",
    )


def _watch_row(row: Row) -> WatchRow:
    return WatchRow(
        row.line,
        *_who(row),
        cells.names(row["list"]),
        cells.tags(row["tags"]),
        cells.followers(row["followers"]),
    )


def _executive_row(row: Row) -> ExecutiveRow:
    return ExecutiveRow(
        row.line, *_who(row), cells.text(row["name"], "name"), cells.text(row["title"], "title")
    )


def _who(row: Row) -> tuple[Platform, str, str | None, str | None]:
    platform = cells.platform(row["platform"])
    handle = cells.handle(row["handle"], platform)
    return platform, handle, *cells.account_id_or_actor(row["account_id"], platform)


def _order_row(row: Row, now: datetime) -> OrderRow:
    issued_at = cells.moment(row["issued_at"], "issued_at")
    issued_from = _moment_or_none(row, "issued_from")
    issued_to = _moment_or_none(row, "issued_to")
    deadline_at = _moment_or_none(row, "deadline_at")
    order = NewOrder(
        reference=cells.text(row["reference"], "reference"),
        title=cells.text(row["title"], "title"),
        issuer=cells.text(row["issuer"], "issuer"),
        country=cells.country(row["country"]),
        legal_basis=cells.text(row["legal_basis"], "legal_basis"),
        issued_at=issued_at,
        issued_from=issued_from,
        issued_to=issued_to,
        deadline_at=deadline_at,
        named_count=cells.count(row["named_count"], "named_count"),
        list_name=cells.text(row["list"], "list"),
        known_at=now,
    )
    return OrderRow(row.line, checked(order))


def _moment_or_none(row: Row, column: str) -> datetime | None:
    return cells.moment(row[column], column) if row[column] else None


def _identities(platform: Platform, handle: str, account_id: str | None) -> tuple[Hashable, ...]:
    """By any of these, two lines speak of the same account; handles do not tell capitals apart."""
    by_handle = (platform, "handle", handle.lower())
    return (by_handle,) if account_id is None else (by_handle, (platform, "id", account_id))


def _each(name: str, table: Parsed[Row], read: Callable[[Row], T]) -> Parsed[T]:
    """Each row as `read` takes it, and a problem for each that it refuses."""
    rows: list[T] = []
    problems = list(table.problems)
    for row in table.rows:
        try:
            rows.append(read(row))
        except CellError as fault:
            problems.append(TableError(name, row.line, str(fault)))
    return Parsed(tuple(rows), sorted_problems(problems), table.ignored)


_Lined = TypeVar("_Lined", WatchRow, OrderRow, ExecutiveRow)


def _without_repeats(
    name: str,
    parsed: Parsed[_Lined],
    identities: Callable[[_Lined], tuple[Hashable, ...]],
    fault: Callable[[_Lined, int], str],
) -> Parsed[_Lined]:
    """The first row of each identity; a later one is a problem that names both lines."""
    first: dict[Hashable, int] = {}
    rows: list[_Lined] = []
    problems = list(parsed.problems)
    for row in parsed.rows:
        repeated = next((first[i] for i in identities(row) if i in first), None)
        if repeated is None:
            rows.append(row)
            first.update(dict.fromkeys(identities(row), row.line))
        else:
            problems.append(TableError(name, row.line, fault(row, repeated)))
    return Parsed(tuple(rows), sorted_problems(problems), parsed.ignored)
