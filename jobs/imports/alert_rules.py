"""Bringing a file of alert rules into the database: all of it, or nothing, with a word about each rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jobs.alerting.rules_file import FileRule
from storage.alerts.rules import load_rules, put_in_order, remove_rule, save_rule, unreadable_rules
from storage.model.alerts.rules import StoredRule
from storage.model.tables.csv_rows import Parsed, TableError, sorted_problems
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class ImportedRule:
    """What became of one rule of the file."""

    line: int
    name: str
    did: str
    """added, changed or unchanged."""


@dataclass(frozen=True, slots=True)
class RulesImport:
    taken: tuple[ImportedRule, ...]
    removed: tuple[str, ...] = ()
    """Rules that the file does not have, and that are gone therefore."""
    reordered: bool = False
    problems: tuple[TableError, ...] = ()
    """The rules that were refused. With one of them nothing was stored."""


async def import_rules(
    conn: Conn, parsed: Parsed[FileRule], file: str, actor: str, now: datetime, *, replace: bool
) -> RulesImport:
    """Add the rules of a file and put them in the place of those with their names.

    With `replace`, the rules made by hand are then those of the file and no others, tried in its order. A
    rule that stands in the settings is left to them: it may be in the file, but not otherwise than there.
    """
    known = {stored.rule.name: stored for stored in await load_rules(conn)}
    refused = [problem for row in parsed.rows if (problem := _refusal(row, known, file)) is not None]
    problems = sorted_problems((*parsed.problems, *refused))
    if problems:
        return RulesImport((), problems=problems)
    taken = [
        ImportedRule(row.line, row.rule.name, await _store(conn, row, known, actor, now))
        for row in parsed.rows
    ]
    if not replace:
        return RulesImport(tuple(taken))
    names = [row.rule.name for row in parsed.rows]
    gone = [name for name, stored in known.items() if not stored.from_settings and name not in names]
    gone += [r.name for r in await unreadable_rules(conn) if not r.from_settings and r.name not in names]
    for name in gone:
        await remove_rule(conn, name, actor, now)
    by_hand = [name for name in names if name not in known or not known[name].from_settings]
    reordered = await put_in_order(conn, by_hand, actor, now)
    return RulesImport(tuple(taken), tuple(gone), reordered)


def _refusal(row: FileRule, known: Mapping[str, StoredRule], file: str) -> TableError | None:
    stored = known.get(row.rule.name)
    if stored is None or not stored.from_settings or _is_same(row, stored):
        return None
    fault = f"rule {row.rule.name!r} is defined in the settings. Change it in the settings."
    return TableError(file, row.line, fault)


async def _store(
    conn: Conn, row: FileRule, known: Mapping[str, StoredRule], actor: str, now: datetime
) -> str:
    stored = known.get(row.rule.name)
    if stored is not None and _is_same(row, stored):
        return "unchanged"
    await save_rule(conn, row.rule, actor, now, enabled=row.enabled)
    return "added" if stored is None else "changed"


def _is_same(row: FileRule, stored: StoredRule) -> bool:
    return row.rule == stored.rule and row.enabled == stored.enabled
