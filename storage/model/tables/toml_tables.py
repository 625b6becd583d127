"""Pure: reading the TOML files that users bring, with every fault named by file and line."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from storage.model.tables.csv_rows import TableError
from storage.model.text.toml_text import refuse_long_keys, toml_value

_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*=")
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # strings of several lines may end with two quotes of their own
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|[\[\]{}\n]",
    re.DOTALL,
)
"""What decides in TOML where a statement ends: strings, comments, brackets and line ends."""


@dataclass(frozen=True, slots=True)
class TomlLines:
    """The lines of a TOML text on which a statement can begin, by number from 1."""

    statements: dict[int, str]
    text: Sequence[str]

    def headers(self, name: str) -> list[int]:
        """Return the lines that begin a table [[name]]; a dot separates the parts of a nested name."""
        parts = (rf"(?:{part}|\"{part}\"|'{part}')" for part in map(re.escape, name.split(".")))
        header = re.compile(r"\s*\[\[\s*" + r"\s*\.\s*".join(parts) + r"\s*\]\]")
        return [n for n, line in self.statements.items() if header.match(line)]

    def line_in(self, begins: int, key: str | None, value: str | None = None) -> int:
        """Return the line that sets `key` in the table that begins on a line; that line if none does.

        With `value`, return the line of that text in an array of several lines, if it is found.
        """
        last = next(reversed(self.statements), begins)
        for n in range(begins + 1, last + 1):
            line = self.statements.get(n, "")
            found = _KEY.match(line)
            if found is None and line.lstrip().startswith("["):
                break
            if found is not None and found[1].strip("\"'") == key:
                return n if value is None else self._line_of(n, value)
        return begins

    def _line_of(self, begins: int, value: str) -> int:
        wanted = (toml_value(value), f"'{value}'")
        for n in range(begins, len(self.text) + 1):
            if n > begins and n in self.statements:
                break
            if any(word in self.text[n - 1] for word in wanted):
                return n
        return begins


@dataclass(frozen=True, slots=True)
class TomlTable:
    """One table of a file under a line [[name]]."""

    line: int
    """The line [[name]], counted from 1."""
    values: Mapping[str, Any]


def read_document(content: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and its parsed content. Raises TableError if the file is not TOML."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(name, line, "the file is not UTF-8 text.") from error
    return text, _document(text, name)


def lines_of_toml(text: str) -> TomlLines:
    """Return the lines of a text on which a statement can begin: those outside of strings and arrays.

    Takes one pass. A file may have thousands of tables, and to parse what precedes each would take minutes.
    """
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    begins = [1]
    line, depth = 1, 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case "\n":
                line += 1
                if depth == 0:
                    begins.append(line)
            case string_or_comment:
                line += string_or_comment.count("\n")
    return TomlLines({n: lines[n - 1] for n in begins}, lines)


def tables_of(lines: TomlLines, name: str, value: object) -> list[TomlTable] | None:
    """Return the tables [[name]] of a document with their lines; `value` is what was parsed under that name.

    None means that they are written in another way, so that their lines are not known.
    """
    headers = lines.headers(name)
    tables = cast("list[object]", value) if isinstance(value, list) else []
    if not isinstance(value, list) or len(headers) != len(tables):
        return None
    if not all(isinstance(table, dict) for table in tables):
        return None
    each = zip(headers, cast("list[dict[str, Any]]", tables), strict=True)
    return [TomlTable(line, table) for line, table in each]


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        refuse_long_keys(text)
    except ValueError as error:
        raise TableError(name, None, f"{error}.") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _WHERE.search(str(error))
        line = int(found[1]) if found and found[1] else None
        raise TableError(name, line, f"the file is not TOML: {_WHERE.sub('', str(error))}.") from error
    except ValueError:  # Python refuses numbers with thousands of digits.
        raise TableError(name, None, "the file is not TOML: it contains a number that is too long.") from None
    except RecursionError:
        raise TableError(
            name, None, "the file is not TOML: it contains brackets that are nested too deeply."
        ) from None
