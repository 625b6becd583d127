"""Pure: the watch lists that users bring as CSV, with all faults of a file; and how such tables are read."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from storage.model.core.accounts import Platform
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import CsvRow, Parsed, TableError, read_table, sorted_problems

T = TypeVar("T")


class OfLine(Protocol):
    """What was read from one line."""

    @property
    def line(self) -> int: ...


Lined = TypeVar("Lined", bound=OfLine)


@dataclass(frozen=True, slots=True)
class WatchRow:
    """An account to watch."""

    line: int
    platform: Platform
    handle: str
    account_id: str | None
    """None when the file does not give it: a collector has to resolve the handle."""
    part_of_id: str | None
    """The part of the id before its #, if the file gives only this: the account's id must begin with it."""
    lists: tuple[str, ...]
    tags: tuple[str, ...] = ()
    followers: int | None = None


def watch_rows(content: bytes, name: str) -> Parsed[WatchRow]:
    """A watch list: `platform,handle` and, where known, `account_id,list` (lists apart by semicolons).

    A handle may also be the address of a profile. `tags` and `followers` are for alert rules.

    Raises TableError when the file as a whole cannot be read.
    """
    table = read_table(content, name, ("platform", "handle"), ("account_id", "list", "tags", "followers"))
    parsed = each(name, table, _watch_row)
    return without_repeats(
        name,
        parsed,
        lambda row: identities(row.platform, row.handle, row.account_id),
        lambda row, first: (
            f"account @{row.handle} is already on line {first}; "
            "name all lists of an account on one line, with semicolons between them."
        ),
    )


def _watch_row(row: CsvRow) -> WatchRow:
    return WatchRow(
        row.line,
        *who(row),
        csv_cells.names(row["list"]),
        csv_cells.tags(row["tags"]),
        csv_cells.followers(row["followers"]),
    )


def who(row: CsvRow) -> tuple[Platform, str, str | None, str | None]:
    platform = csv_cells.platform(row["platform"])
    handle = csv_cells.handle(row["handle"], platform)
    return platform, handle, *csv_cells.account_id_or_part(row["account_id"], platform)


def identities(platform: Platform, handle: str, account_id: str | None) -> tuple[Hashable, ...]:
    """By any of these, two lines speak of the same account; handles do not tell capitals apart."""
    by_handle = (platform, "handle", handle.lower())
    return (by_handle,) if account_id is None else (by_handle, (platform, "id", account_id))


def each(name: str, table: Parsed[CsvRow], read: Callable[[CsvRow], T]) -> Parsed[T]:
    """Each row as `read` takes it, and a problem for each that it refuses."""
    rows: list[T] = []
    problems = list(table.problems)
    for row in table.rows:
        try:
            rows.append(read(row))
        except CellError as fault:
            problems.append(TableError(name, row.line, str(fault)))
    return Parsed(tuple(rows), sorted_problems(problems), table.ignored)


def without_repeats(
    name: str,
    parsed: Parsed[Lined],
    identities_of: Callable[[Lined], tuple[Hashable, ...]],
    fault: Callable[[Lined, int], str],
) -> Parsed[Lined]:
    """The first row of each identity; a later one is a problem that names both lines."""
    first: dict[Hashable, int] = {}
    rows: list[Lined] = []
    problems = list(parsed.problems)
    for row in parsed.rows:
        repeated = next((first[i] for i in identities_of(row) if i in first), None)
        if repeated is None:
            rows.append(row)
            first.update(dict.fromkeys(identities_of(row), row.line))
        else:
            problems.append(TableError(name, row.line, fault(row, repeated)))
    return Parsed(tuple(rows), sorted_problems(problems), parsed.ignored)
