"""Pure: published figures of legal demands, a line for one country in one half-year by one source."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from storage.model.orders.transparency_figures import Key, TransparencyReport
from storage.model.platforms.registry import USUAL_PLATFORM
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import CsvRow, TableError, read_table, sorted_problems
from storage.model.text.countries import country_name
from storage.model.text.states import clean

FIGURES = (
    "court_orders",
    "other_legal_demands",
    "total_demands",
    "accounts_specified",
    "accounts_withheld",
    "tweets_withheld",
    "accounts_tos",
    "pct_some_withheld",
)
REQUIRED = ("period", "source", "source_url")
PLACES = ("country", "iso2")
"""A file has one of the two at least. Where a line has no name of its country, it is the official one."""
_PERIOD = re.compile(r"([0-9]{4})-H([12])")


@dataclass(frozen=True, slots=True)
class FiguresFile:
    name: str
    lines: Mapping[int, TransparencyReport]
    """By line."""
    problems: tuple[TableError, ...]
    ignored: tuple[str, ...]


def is_figures(columns: Sequence[str]) -> bool:
    """Whether a file with this header holds such figures: a half-year, a country, and any of the figures."""
    there = set(columns)
    return "period" in there and bool(there & set(PLACES)) and bool(there & set(FIGURES))


def read_figures(content: bytes, name: str, now: datetime) -> FiguresFile:
    """The figures in a file called `name`, and a problem for each line that makes no sense.

    They are of the usual platform where no column `platform` says otherwise. An empty cell, or a column that
    is not there, is "not reported". Raises TableError when the file as a whole cannot be read.
    """
    table = read_table(content, name, REQUIRED, ("platform", *PLACES, *FIGURES))
    problems = list(table.problems)
    lines: dict[int, TransparencyReport] = {}
    first: dict[Key, int] = {}
    for row in table.rows:
        try:
            report = _report(row, now)
        except CellError as fault:
            problems.append(TableError(name, row.line, str(fault)))
            continue
        if (line := first.setdefault(report.key, row.line)) == row.line:
            lines[line] = report
        else:
            what = f"{clean(report.country)} in {report.period} by {clean(report.source)}"
            problems.append(TableError(name, row.line, f"{what} is already on line {line}."))
    return FiguresFile(name, lines, sorted_problems(problems), table.ignored)


def differences(report: TransparencyReport, stored: TransparencyReport) -> str:
    """What two reports of one source on the same matter say differently, with both values."""
    pairs = ((f.name, getattr(stored, f.name), getattr(report, f.name)) for f in fields(TransparencyReport))
    return ", ".join(f"{name} {_value(old)} and now {_value(new)}" for name, old, new in pairs if old != new)


def _value(value: object) -> str:
    return "not reported" if value is None else str(value)


def _report(row: CsvRow, now: datetime) -> TransparencyReport:
    iso2 = csv_cells.country(row["iso2"]) if row["iso2"] else None
    if iso2 is None and not row["country"]:
        raise CellError("country and iso2 are both empty; give at least one of them.")
    return TransparencyReport(
        platform=csv_cells.platform(row["platform"]) if row["platform"] else USUAL_PLATFORM,
        period=_period(row["period"], now),
        country=row["country"] or country_name(iso2 or ""),
        source=csv_cells.text(row["source"], "source"),
        iso2=iso2,
        court_orders=_count(row, "court_orders"),
        other_legal_demands=_count(row, "other_legal_demands"),
        total_demands=_count(row, "total_demands"),
        accounts_specified=_count(row, "accounts_specified"),
        accounts_withheld=_count(row, "accounts_withheld"),
        tweets_withheld=_count(row, "tweets_withheld"),
        accounts_tos=_count(row, "accounts_tos"),
        pct_some_withheld=_percent(row, "pct_some_withheld"),
        source_url=csv_cells.text(row["source_url"], "source_url"),
    )


def _period(cell: str, now: datetime) -> str:
    found = _PERIOD.fullmatch(cell)
    if found is None:
        raise CellError(f"period {cell!r} is not a half-year like 2018-H1.")
    year, half = int(found[1]), int(found[2])
    if year < 1 or datetime(year, 1 if half == 1 else 7, 1, tzinfo=UTC) > now:
        raise CellError(f"period {cell!r} is in the future." if year else f"period {cell!r} is impossible.")
    return cell


def _count(row: CsvRow, column: str) -> int | None:
    cell = row[column]
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit() and len(cell) < 10):
        raise CellError(f"{column} {cell!r} is not a whole number.")
    return int(cell)


def _percent(row: CsvRow, column: str) -> float | None:
    cell = row[column]
    if not cell:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?", cell) or float(cell) > 100:
        raise CellError(f"{column} {cell!r} is not a percentage from 0 to 100.")
    return float(cell)
