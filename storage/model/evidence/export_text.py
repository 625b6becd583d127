"""Pure: rows of an export as CSV or JSON Lines.

In CSV a text that a spreadsheet would run as a formula gets an apostrophe before it, and so does one that
begins with an apostrophe: whoever takes one away reads what is stored. JSON Lines hold every text as it is.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from storage.model.evidence.export_kinds import Cell

Row = Sequence[object]
Lines = Callable[[Sequence[Row]], str]

_ENCODER = json.JSONEncoder()
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
# A semicolon or a tab parts cells in some spreadsheets, wherever the file says otherwise.
_QUOTED = re.compile(r'[",;\t\r\n]|^\s|\s$')


def csv_lines(columns: Mapping[str, Cell]) -> tuple[str, Lines]:
    """The header line, and what makes lines of rows. A cell for None is empty; an empty text is `""`."""
    line = ",".join(["%s"] * len(columns)) + "\n"
    return ",".join(columns) + "\n", _lines(line, [_CSV[cell] for cell in columns.values()], "")


def json_lines(columns: Mapping[str, Cell]) -> tuple[str, Lines]:
    """Nothing to begin with, and what makes one object a line of rows."""
    line = "{" + ",".join(f"{json.dumps(name)}:%s" for name in columns) + "}\n"
    return "", _lines(line, [_JSON[cell] for cell in columns.values()], "null")


def utc(at: datetime) -> str:
    """A time in UTC, with its fraction of a second where it has one: exactly what is stored."""
    return at.isoformat().replace("+00:00", "Z")


def _lines(line: str, encoders: Sequence[Callable[[object], str]], nothing: str) -> Lines:
    """Cells are made a column at a time, which is quicker than a row at a time."""

    def lines(rows: Sequence[Row]) -> str:
        columns = [
            [nothing if value is None else encode(value) for value in column]
            for encode, column in zip(encoders, zip(*rows, strict=True), strict=True)
        ]
        return "".join([line % cells for cells in zip(*columns, strict=True)])

    return lines


def _moment(value: object) -> str:
    return utc(cast("datetime", value))


def _text(value: object) -> str:
    text = cast("str", value)
    if text.isalnum():
        return text
    if text.startswith(_FORMULA):
        text = "'" + text
    if not text or _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _words(value: object) -> str:
    return _text(" ".join(cast("list[str]", value)))


_CSV: Mapping[Cell, Callable[[object], str]] = {
    Cell.TEXT: _text,
    Cell.WORDS: _words,
    Cell.TIME: _moment,
    Cell.INTEGER: str,
    Cell.NUMBER: str,
    Cell.BOOLEAN: lambda value: "true" if value else "false",
}
_JSON: Mapping[Cell, Callable[[object], str]] = {
    **_CSV,
    Cell.TEXT: _ENCODER.encode,
    Cell.WORDS: _ENCODER.encode,
    Cell.TIME: lambda value: f'"{_moment(value)}"',
}
