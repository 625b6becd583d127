"""Pure: reading the CSV tables that users bring, with every fault named by file and line.

Dialect: UTF-8 with or without a byte order mark, commas, any line ends, one header line. Cells are
text and stay as they are, but for spaces around them; empty lines are skipped.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Generic, TypeVar

T = TypeVar("T")

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}


class TableError(Exception):
    """One fault of one file. The message is one sentence that names the file and the line."""

    def __init__(self, name: str, line: int | None, fault: str) -> None:
        self.line = line
        """Counted from 1; None when the fault is of the file as a whole."""
        self.fault = fault
        """The sentence without the place."""
        where = name if line is None else f"{name}, line {line}"
        super().__init__(f"{where}: {fault}")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of one line by column. An optional column that the file lacks is empty text."""

    line: int
    """Where the row begins, counted from 1: a quoted cell may go over several lines."""
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """What a file says. With `problems` in it, an import takes nothing unless told to take the rest."""

    rows: tuple[T, ...]
    problems: tuple[TableError, ...] = ()
    """In the order of their lines."""
    ignored: tuple[str, ...] = ()
    """Columns of the file that mean nothing here."""


def read_table(
    content: bytes,
    name: str,
    required: Sequence[str],
    optional: Sequence[str] = (),
    most: int | None = None,
) -> Parsed[CsvRow]:
    """The rows of a file called `name`, and a problem for each line that is not one.

    Raises TableError when the file as a whole cannot be read: not UTF-8, empty, not CSV, without a required
    column, or with more than `most` rows; None means any number.
    """
    lines = _records(_decoded(content, name), name)
    header = next(lines, None)
    if header is None:
        raise TableError(name, None, "the file is empty.")
    first_line, columns = header
    _check_header(columns, name, first_line, required, optional)
    known = [c for c in (*required, *optional) if c in columns]
    absent = {c: "" for c in optional if c not in columns}
    rows: list[CsvRow] = []
    problems: list[TableError] = []
    for line, cells in lines:
        if most is not None and len(rows) + len(problems) == most:
            raise TableError(name, None, f"the file has more than {most:,} rows. Split it.")
        if len(cells) != len(columns):
            fault = f"expected {len(columns)} columns, found {len(cells)}."
            problems.append(TableError(name, line, fault))
            continue
        rows.append(CsvRow(line, {c: cells[columns.index(c)] for c in known} | absent))
    if not rows and not problems:
        raise TableError(name, None, "the file has no row below the header.")
    return Parsed(tuple(rows), tuple(problems), tuple(c for c in columns if c not in known))


def header_of(content: bytes) -> tuple[str, ...]:
    """The columns of a file, to tell what kind of file it is; empty when that cannot be read."""
    try:
        for _, columns in _records(_decoded(content, ""), ""):
            return tuple(columns)
    except TableError:
        pass
    return ()


def sorted_problems(problems: Sequence[TableError]) -> tuple[TableError, ...]:
    """Problems in the order of their lines, those of the file as a whole first."""
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(name, line, "the file is not UTF-8 text; save it as CSV UTF-8.") from error


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; a line with nothing but empty cells is no record."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(name, line, f"the file is not CSV: {error}.") from error
        if any(cells):
            yield line, cells


def _check_header(
    columns: Sequence[str], name: str, line: int, required: Sequence[str], optional: Sequence[str]
) -> None:
    for separator, called in _OTHER_SEPARATORS.items():
        if set(required) & {c.strip() for c in ",".join(columns).split(separator)} - set(columns):
            raise TableError(name, line, f"the columns are separated by {called}; save the file with commas.")
    missing = [c for c in required if c not in columns]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise TableError(name, line, f"missing column{plural} {', '.join(missing)}.")
    for column in (*required, *optional):
        if columns.count(column) > 1:
            raise TableError(name, line, f"column {column} appears more than once.")
