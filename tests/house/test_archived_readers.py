"""Functions that read coverage call `with_archived` first: otherwise archived months would look like gaps."""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache

import pytest

from tests.house.source import ROOT, dotted, modules

NEWEST = "asks each roster for its first or last request of a kind, which the database keeps of each month"
ARCHIVES = "moves coverage into the archive itself"
REHEARSAL = "reads the database of a rehearsal, which archives nothing"
EXEMPT: Mapping[str, str] = {
    "storage.countries.countries.by_country": NEWEST,
    "storage.countries.country_report.country_accounts": NEWEST,
    "storage.countries.published_report._watched": NEWEST,
    "storage.health.collectors_report.silent_countries": NEWEST,
    "storage.live.first_readings.is_first_run": NEWEST,
    "storage.readings.archived_rows._prepare": "defines what is read in place of coverage",
    "storage.readings.archived_rows._add": "leaves out what the database has as well",
    "storage.readings.coverage.last_attempts": NEWEST,
    "storage.readings.coverage.last_readings": NEWEST,
    "storage.readings.coverage.held_since": NEWEST,
    "storage.readings.coverage.newest_answer": NEWEST,
    "storage.readings.coverage.newest_observation": NEWEST,
    "storage.readings.rehearsal_readback.reading_times": REHEARSAL,
    "storage.readings.rehearsal_readback.silences": REHEARSAL,
    "storage.readings.rehearsal_readback.totals": REHEARSAL,
    "storage.readings.set_aside.set_aside": "refuses to work on archived months",
    "storage.replay.account_inputs.span": NEWEST,
    "storage.replay.film_reads.weeks": "counts archived months by the table archived_week",
    "storage.tier.archiving._rows": ARCHIVES,
    "storage.tier.archiving._record": ARCHIVES,
    "storage.tier.archiving._remove": ARCHIVES,
    "storage.tier.months.stored_months": ARCHIVES,
}
"""Functions that read coverage without `with_archived`, each with the reason."""

DEFINED = re.compile(
    r"\bcreate (?:or replace )?(?:function|view) ([\w.]+)(.*?)(?=\n(?:create|comment|do)\b|\Z)", re.DOTALL
)
ENTRY = "with_archived"
AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


def reads(sql: str, names: Collection[str]) -> bool:
    """Whether a text of SQL reads one of these tables and views, or calls one of these functions."""
    if not any(name in sql for name in names) or not re.search(r"\bselect\b|\bdelete\b", sql, re.IGNORECASE):
        return False
    text = re.sub(r"--[^\n]*", "", sql)
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return bool(
        re.search(rf"(?:\bfrom|\bjoin|,)\s+(?:lateral\s+|only\s+)?(?:{either})(?![\w.])", text, re.IGNORECASE)
        or re.search(rf"(?<![\w.])(?:{either})\(", text, re.IGNORECASE)
    )


@cache
def readers_of_the_database() -> frozenset[str]:
    """The table of coverage, and all views and functions that read it, also through others."""
    text = "\n".join(p.read_text() for p in sorted((ROOT / "storage/migrations/versions").glob("*.sql")))
    bodies = [(m[1], m[2]) for m in DEFINED.finditer(text)]
    found = {"coverage_row"}
    while more := {name for name, body in bodies if name not in found and reads(body, found)}:
        found |= more
    return frozenset(found)


class Source:
    """The functions of one module, as far as they read coverage."""

    def __init__(self, text: str, module: str) -> None:
        self.module = module
        self._tree = ast.parse(text)
        self._names = readers_of_the_database()
        self.functions: dict[str, AnyFunction] = dict(self._outermost(self._tree))
        self._constants = {
            target.id
            for node in self._tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and self._queries(node)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }

    def _outermost(self, node: ast.AST, within: str = "") -> Iterator[tuple[str, AnyFunction]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, AnyFunction):
                yield within + child.name, child
            elif isinstance(child, ast.ClassDef):
                yield from self._outermost(child, f"{within}{child.name}.")

    def _queries(self, node: ast.AST) -> list[int]:
        """The lines of the texts in a node that read coverage. Texts of docstrings are none."""
        bare = {id(n.value) for n in ast.walk(node) if isinstance(n, ast.Expr)}
        return [
            n.lineno
            for n in ast.walk(node)
            if isinstance(n, ast.Constant)
            and isinstance(n.value, str)
            and id(n) not in bare
            and reads(n.value, self._names)
        ]

    def _uses(self, node: ast.AST, names: Collection[str]) -> list[int]:
        return [
            n.lineno
            for n in ast.walk(node)
            if (isinstance(n, ast.Name) and n.id in names)
            or (isinstance(n, ast.Attribute) and n.attr in names)
        ]

    def reading(self) -> dict[str, int]:
        """Each function that reads coverage, with the line of its first query."""
        lines = {
            name: self._queries(f) + self._uses(f, self._constants) for name, f in self.functions.items()
        }
        return {name: min(found) for name, found in lines.items() if found}

    def _entries(self) -> set[str]:
        """`with_archived`, and the helpers of the module that only call it."""
        reading = self.reading()
        return {ENTRY} | {
            name.rpartition(".")[2]
            for name, f in self.functions.items()
            if name not in reading
            and name.startswith("_")
            and self._uses(f, {ENTRY})
            and not self._uses(f, {n.rpartition(".")[2] for n in reading})
        }

    def _is_covered(self, name: str, line: int, seen: frozenset[str] = frozenset()) -> bool:
        """Whether `with_archived` is called before this line of a function, or before each call of it."""
        called = self._uses(self.functions[name], self._entries())
        if called and min(called) < line:
            return True
        short = name.rpartition(".")[2]
        if not short.startswith("_") or name in seen:
            return False
        callers = {
            other: min(lines)
            for other, f in self.functions.items()
            if other != name and (lines := self._uses(f, {short}))
        }
        return bool(callers) and all(
            self._is_covered(other, at, seen | {name}) for other, at in callers.items()
        )

    def forgetful(self) -> list[str]:
        """The functions that read coverage and forget archived months."""
        return [
            f"{self.module}.{name}"
            for name, line in self.reading().items()
            if not self._is_covered(name, line)
        ]

    def loose(self) -> bool:
        """Whether the module has a query outside of its functions that no function names."""
        used = {c for c in self._constants if any(self._uses(f, {c}) for f in self.functions.values())}
        return bool(self._constants - used)


@cache
def sources() -> tuple[Source, ...]:
    return tuple(
        Source(m.read_text(), dotted(m)) for m in modules() if "migrations" not in m.relative_to(ROOT).parts
    )


def test_whoever_reads_coverage_asks_for_archived_months_first() -> None:
    assert {name for s in sources() for name in s.forgetful()} == EXEMPT.keys()
    assert [s.module for s in sources() if s.loose()] == []


def test_the_database_reads_coverage_through_these() -> None:
    """A new one is found by itself; that these are found shows that the search works."""
    assert readers_of_the_database() >= {
        *("coverage", "account_readings", "account_misses", "answers_between", "last_answer"),
        *("blockline_read.accounts", "blockline_read.coverage_by_day"),
    }


FORGETFUL = {
    "a table": 'async def f(c):\n    await c.fetch("select from roster r join coverage c using (roster_id)")',
    "the table itself": 'async def f(c):\n    await c.fetch("select count(*) from coverage_row")',
    "a function of the database": (
        'async def f(c):\n    await c.fetch("select * from x left join answers_between($1, $2) a on true")'
    ),
    "a constant": '_Q = "select * from coverage"\nasync def f(c):\n    await c.fetch(_Q)',
    "asked too late": (
        'async def f(c):\n    await c.fetch("select from coverage")\n    await with_archived(c, 1, 2)'
    ),
    "one of two callers": (
        'async def _q(c):\n    await c.fetch("select from coverage")\n'
        "async def a(c):\n    await with_archived(c, 1, 2)\n    await _q(c)\n"
        "async def b(c):\n    await _q(c)"
    ),
    "a method": 'class C:\n    async def f(self, c):\n        await c.fetch("select from coverage")',
}
CAREFUL = {
    "asked first": (
        'async def f(c):\n    await with_archived(c, 1, 2)\n    await c.fetch("select from coverage")'
    ),
    "all callers": (
        'async def _q(c):\n    await c.fetch("select from coverage")\n'
        "async def a(c):\n    await with_archived(c, 1, 2)\n    await _q(c)"
    ),
    "through a helper": (
        "async def _h(c):\n    await with_archived(c, 1, 2)\n"
        'async def f(c):\n    await _h(c)\n    await c.fetch("select from coverage")'
    ),
    "no query": 'async def f():\n    """Rebuilt from coverage."""',
    "another table": 'async def f(c):\n    await c.fetch("select * from coverage_aside")',
    "only written": 'async def f(c):\n    await c.fetch("insert into coverage_row (slot) values ($1)")',
}


@pytest.mark.parametrize("text", FORGETFUL.values(), ids=FORGETFUL)
def test_one_that_forgets_is_found(text: str) -> None:
    assert Source(text, "m").forgetful() != []


@pytest.mark.parametrize("text", CAREFUL.values(), ids=CAREFUL)
def test_one_that_does_not_is_not(text: str) -> None:
    assert Source(text, "m").forgetful() == []
