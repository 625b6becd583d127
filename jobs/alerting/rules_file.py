"""Reading alert rules from a TOML file. Each problem is reported with its line. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.model.alerts.rule_codec import from_table
from storage.model.alerts.rules import AlertRule, RuleFault
from storage.model.tables.csv_rows import Parsed, TableError, sorted_problems
from storage.model.tables.toml_tables import (
    TomlLines,
    TomlTable,
    lines_of_toml,
    read_document,
    tables_of,
)


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
    lines = lines_of_toml(text)
    tables = tables_of(lines, "rules", document.get("rules", []))
    if tables is None:
        raise TableError(name, None, "write each rule as a table under a line [[rules]].")
    if not tables:
        raise TableError(
            name, None, "the file contains no rule; write each rule as a table under a line [[rules]]."
        )
    return read_rule_tables(tables, lines, name)


def line_of(text: str, number: int, key: str | None) -> int | None:
    """Return the line that sets `key` in the rule with this number. Lines are counted from 1, rules from 0.

    If no line sets the key, return the line where the rule's table begins. None if there is no such rule.
    `text` must be TOML.
    """
    lines = lines_of_toml(text)
    begins = lines.headers("rules")
    return lines.line_in(begins[number], key) if number < len(begins) else None


def read_rule_tables(tables: Sequence[TomlTable], lines: TomlLines, name: str) -> Parsed[FileRule]:
    """Return the rules in tables of a file called `name`, and a problem for each that is not a valid rule."""
    rows: list[FileRule] = []
    problems: list[TableError] = []
    first: dict[str, int] = {}
    for table in tables:
        try:
            found = _rule(table.line, table.values)
        except ValueError as error:
            where = lines.line_in(table.line, error.key) if isinstance(error, RuleFault) else table.line
            problems.append(TableError(name, where, f"{_called(table.values)}: {error}."))
            continue
        if found.rule.name in first:
            fault = f"{_called(table.values)} is already on line {first[found.rule.name]}; each name once."
            problems.append(TableError(name, table.line, fault))
            continue
        first[found.rule.name] = table.line
        rows.append(found)
    return Parsed(tuple(rows), sorted_problems(problems))


def _rule(line: int, table: Mapping[str, Any]) -> FileRule:
    enabled = table.get("enabled", True)
    if not isinstance(enabled, bool):
        raise RuleFault("enabled", f"enabled: {enabled!r} is neither true nor false")
    return FileRule(line, from_table({k: v for k, v in table.items() if k != "enabled"}), enabled)


def _called(table: Mapping[str, Any]) -> str:
    name = table.get("name")
    return f"rule {name!r}" if isinstance(name, str) else "the rule"
