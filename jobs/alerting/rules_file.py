"""Reading alert rules from a TOML file. Each problem is reported with its line. Pure."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from storage.model.alerts.rule_codec import from_table
from storage.model.alerts.rules import AlertRule, RuleFault
from storage.model.tables.csv_rows import Parsed, TableError, sorted_problems

_HEADER = re.compile(r"\s*\[\[\s*(rules|\"rules\"|'rules')\s*\]\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*=")
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


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
    lines = _header_lines(_lines(text))
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
    """
    lines = _lines(text)
    begins = _header_lines(lines)
    if number >= len(begins):
        return None
    for n, line in enumerate(lines[begins[number] :], begins[number]):
        found = _KEY.match(line)
        if found is None and not line.lstrip().startswith("["):
            continue
        if found is not None and found[1].strip("\"'") != key:
            continue
        if _is_whole(lines[:n]):
            return begins[number] if found is None else n + 1
    return begins[number]


def _each(name: str, text: str, tables: Sequence[tuple[int, dict[str, Any]]]) -> Parsed[FileRule]:
    rows: list[FileRule] = []
    problems: list[TableError] = []
    first: dict[str, int] = {}
    for number, (line, table) in enumerate(tables):
        try:
            found = _rule(line, table)
        except ValueError as error:
            where = line_of(text, number, error.key) if isinstance(error, RuleFault) else line
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


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _header_lines(lines: Sequence[str]) -> list[int]:
    """Return the numbers of the lines that begin a rule, counted from 1.

    A line of a multi-line string may look the same. Such a line is left out, because the text before it is
    not valid TOML.
    """
    return [n + 1 for n, line in enumerate(lines) if _HEADER.match(line) and _is_whole(lines[:n])]


def _is_whole(lines: Sequence[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return False
    return True
