"""Reading alert rules from a TOML file. Each problem is reported with its line. Pure."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from storage.model.alerts.rule_codec import from_table
from storage.model.alerts.rule_toml import refuse_long_keys
from storage.model.alerts.rules import AlertRule, RuleFault
from storage.model.tables.csv_rows import Parsed, TableError, sorted_problems

_HEADER = re.compile(r"\s*\[\[\s*(rules|\"rules\"|'rules')\s*\]\]")
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
class FileRule:
    """A rule as read from a file."""

    line: int
    """The line where the rule's table begins, counted from 1."""
    rule: AlertRule
    enabled: bool


def read_rules(content: bytes, name: str, beside: str | None = None) -> Parsed[FileRule]:
    """Return the rules of a file called `name`, and a problem for each table that is not a valid rule.

    `beside` names a table that the file may contain in addition to rules; None means no such table. Raises
    TableError if the file is not TOML, contains no rule, or contains anything else.
    """
    text, document = read_document(content, name)
    allowed = "[[rules]]" if beside is None else f"[[rules]] and [{beside}]"
    for key in document:
        if key not in {"rules", beside}:
            raise TableError(name, None, f"the key {key} is not allowed; use only {allowed}.")
    tables = cast("object", document.get("rules", []))
    lines = _header_lines(_statements(text))
    if not isinstance(tables, list) or len(lines) != len(cast("list[object]", tables)):
        raise TableError(name, None, "write each rule as a table under a line [[rules]].")
    if not lines:
        raise TableError(
            name, None, "the file contains no rule; write each rule as a table under a line [[rules]]."
        )
    return _each(name, text, list(zip(lines, cast("list[dict[str, Any]]", tables), strict=True)))


def read_document(content: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and its parsed content. Raises TableError if the file is not TOML."""
    text = _decoded(content, name)
    return text, _document(text, name)


def line_of(text: str, number: int, key: str | None) -> int | None:
    """Return the line that sets `key` in the rule with this number. Lines are counted from 1, rules from 0.

    If no line sets the key, return the line where the rule's table begins. None if there is no such rule.
    `text` must be TOML.
    """
    statements = _statements(text)
    begins = _header_lines(statements)
    return _line_in(statements, begins[number], key) if number < len(begins) else None


def _line_in(statements: dict[int, str], begins: int, key: str | None) -> int:
    """Return the line that sets `key` in the table that begins on a line; that line if none does."""
    for n in range(begins + 1, next(reversed(statements), begins) + 1):
        line = statements.get(n, "")
        found = _KEY.match(line)
        if found is None and line.lstrip().startswith("["):
            break
        if found is not None and found[1].strip("\"'") == key:
            return n
    return begins


def _each(name: str, text: str, tables: Sequence[tuple[int, dict[str, Any]]]) -> Parsed[FileRule]:
    rows: list[FileRule] = []
    problems: list[TableError] = []
    first: dict[str, int] = {}
    statements = _statements(text)
    for line, table in tables:
        try:
            found = _rule(line, table)
        except ValueError as error:
            where = _line_in(statements, line, error.key) if isinstance(error, RuleFault) else line
            problems.append(TableError(name, where, f"{_called(table)}: {error}."))
            continue
        if found.rule.name in first:
            fault = f"{_called(table)} is already on line {first[found.rule.name]}; each name once."
            problems.append(TableError(name, line, fault))
            continue
        first[found.rule.name] = line
        rows.append(found)
    return Parsed(tuple(rows), sorted_problems(problems))


def _rule(line: int, table: dict[str, Any]) -> FileRule:
    enabled = table.get("enabled", True)
    if not isinstance(enabled, bool):
        raise RuleFault("enabled", f"enabled: {enabled!r} is neither true nor false")
    return FileRule(line, from_table({k: v for k, v in table.items() if k != "enabled"}), enabled)


def _called(table: dict[str, Any]) -> str:
    name = table.get("name")
    return f"rule {name!r}" if isinstance(name, str) else "the rule"


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(name, line, "the file is not UTF-8 text.") from error


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


def _statements(text: str) -> dict[int, str]:
    """Return the lines on which a statement can begin, by number from 1: those outside of strings and arrays.

    Takes one pass. A file may have thousands of rules, and to parse what precedes each would take minutes.
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
    return {n: lines[n - 1] for n in begins}


def _header_lines(statements: Mapping[int, str]) -> list[int]:
    """Return the numbers of the lines that begin a rule."""
    return [n for n, line in statements.items() if _HEADER.match(line)]
