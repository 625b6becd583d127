"""What import-linter cannot say: archived months are asked for, and where names and platforms may stand."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from tests.house.source import ROOT, dotted, modules, tree
from tests.support.changed import chosen

NEWEST = "asks each roster for its first or last request of a kind, which the database keeps of each month"
REHEARSAL = "reads the database of a rehearsal, which archives nothing"
ARCHIVES = "moves coverage into the archive itself"
CALLER = "what calls it has asked"
EXEMPT: Mapping[str, str] = {
    "storage.changes.heard_countries._last_spoken": CALLER,
    "storage.changes.heard_countries._last_there": CALLER,
    "storage.countries.countries.by_country": NEWEST,
    "storage.countries.country_report.country_accounts": NEWEST,
    "storage.countries.published_report._watched": NEWEST,
    "storage.export.coverage._months": CALLER,
    "storage.health.collectors_report.silent_countries": NEWEST,
    "storage.health.condition_facts._last_answers": CALLER,
    "storage.live.first_readings.is_first_run": NEWEST,
    "storage.readings.archived_rows._add": "leaves out what the database has as well",
    "storage.readings.archived_rows._prepare": "defines what is read in place of coverage",
    "storage.readings.coverage.held_since": NEWEST,
    "storage.readings.coverage.last_attempts": NEWEST,
    "storage.readings.coverage.last_readings": NEWEST,
    "storage.readings.coverage.newest_answer": NEWEST,
    "storage.readings.coverage.newest_observation": NEWEST,
    "storage.readings.coverage_report._last_before": CALLER,
    "storage.readings.coverage_report._outages": CALLER,
    "storage.readings.coverage_report._requests_of_all": CALLER,
    "storage.readings.coverage_report._requests_of_some": CALLER,
    "storage.readings.missed_report._own_misses": CALLER,
    "storage.readings.rehearsal_readback.reading_times": REHEARSAL,
    "storage.readings.rehearsal_readback.silences": REHEARSAL,
    "storage.readings.rehearsal_readback.totals": REHEARSAL,
    "storage.readings.set_aside.set_aside": "refuses to work on archived months",
    "storage.replay.account_inputs.span": NEWEST,
    "storage.replay.film_reads.weeks": "counts archived months by the table archived_week",
    "storage.tier.archiving._record": ARCHIVES,
    "storage.tier.archiving._remove": ARCHIVES,
    "storage.tier.archiving._rows": ARCHIVES,
    "storage.tier.months.stored_months": ARCHIVES,
}
"""Functions that read coverage without `with_archived`, each with the reason."""

DEFINED = re.compile(
    r"\bcreate (?:or replace )?(?:function|view) ([\w.]+)(.*?)(?=\n(?:create|comment|do)\b|\Z)", re.DOTALL
)


def reads(sql: str, names: Collection[str]) -> bool:
    """Whether a text of SQL reads one of these tables and views, or calls one of these functions."""
    text = re.sub(r"--[^\n]*", "", sql)
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    read = rf"(?:\bfrom|\bjoin|,)\s+(?:lateral\s+|only\s+)?(?:{either})(?![\w.])"
    return re.search(rf"{read}|(?<![\w.])(?:{either})\(", text, re.IGNORECASE) is not None


def readers_of_the_database() -> set[str]:
    """The table of coverage, and all views and functions that read it, also through others."""
    text = "\n".join(p.read_text() for p in sorted((ROOT / "storage/migrations/versions").glob("*.sql")))
    bodies = [(m[1], m[2]) for m in DEFINED.finditer(text)]
    found = {"coverage_row"}
    while more := {name for name, body in bodies if name not in found and reads(body, found)}:
        found |= more
    return found


def queries(node: ast.AST, readers: Collection[str]) -> bool:
    """Whether a text in a node, other than a docstring, reads coverage."""
    said = {id(n.value) for n in ast.walk(node) if isinstance(n, ast.Expr)}
    texts = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and id(n) not in said)
    return any(
        isinstance(t, str) and re.search(r"\bselect\b|\bdelete\b", t, re.IGNORECASE) and reads(t, readers)
        for t in texts
    )


def forgetful(module: Path, readers: Collection[str]) -> Iterator[str]:
    """The functions that read coverage, also by a text beside them, and do not call `with_archived`."""
    constants = {
        name.id
        for node in tree(module).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and queries(node, readers)
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            if "with_archived" not in named and (named & constants or queries(node, readers)):
                yield f"{dotted(module)}.{node.name}"


def test_a_function_that_reads_coverage_asks_for_archived_months() -> None:
    readers = readers_of_the_database()
    assert readers >= {"coverage", "account_readings", "answers_between", "blockline_read.coverage_by_day"}
    asked = [m for m in modules() if "migrations" not in m.parts]
    assert {name for module in asked for name in forgetful(module, readers)} == EXEMPT.keys()


ARCHITECTURE = (ROOT / "docs/explanation/architecture.md").read_text()
WAYS = (
    ("The way of a reading", "jobs/collect/pipeline.py"),
    ("The way of an alert", "jobs/notify/pipeline.py"),
)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = ARCHITECTURE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return lines[2:]


@cache
def imported(module: str) -> dict[str, str]:
    """By the name that it has in this module: the file that a name comes from."""
    found: dict[str, str] = {}
    for node in tree(ROOT / module).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                for dotted in (f"{node.module}.{alias.name}", node.module):
                    file = dotted.replace(".", "/") + ".py"
                    if (ROOT / file).exists():
                        found[alias.asname or alias.name] = file
                        break
    return found


def defined(module: str) -> Iterator[str]:
    for node in tree(ROOT / module).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


@pytest.mark.parametrize(("heading", "module"), WAYS)
def test_each_stage_is_where_the_page_says_and_is_reached_from_a_stage_before_it(
    heading: str, module: str
) -> None:
    reached = {module}
    for _, file_cell, stage_cell in rows(heading):
        file, stage = file_cell.strip("`"), stage_cell.strip("`")
        assert stage in set(defined(file)), file
        from_before = any(file in imported(before).values() for before in reached)
        implements = any(before in imported(file).values() for before in reached)
        assert file in reached or from_before or implements, file
        reached.add(file)


def test_each_task_names_a_file_that_is_there() -> None:
    tasks = rows("To change X, open Y")
    files = [file for row in tasks for file in re.findall(r"`([a-z0-9_/]+\.\w+)`", " ".join(row))]
    assert len(tasks) >= 20
    assert [file for file in files if "/" in file and not (ROOT / file).exists()] == []


IN_THE_API_DOCUMENT = frozenset(
    [
        "Account",
        "Claim",
        "Condition",
        "Executive",
        "Mail",
        "Mute",
        "Order",
        "Reading",
        "Signal",
        "Spell",
        "State",
        "WrittenStory",
    ]
)
"""The published name of a schema and the noun of `storage.model` that it shows."""
OTHERWISE = {
    "Collector": "what asks a platform, and what the API document shows of one",
    "Page": "a page of the dashboard, and in the API document a part of an answer",
    "Kind": "two enums of the API document; to rename either would rename the schemas of both",
}


def test_a_class_name_stands_in_one_module() -> None:
    counted = Counter(node.name for m in modules() for node in tree(m).body if isinstance(node, ast.ClassDef))
    twice = {name for name, n in counted.items() if n > 1}
    assert twice == IN_THE_API_DOCUMENT | OTHERWISE.keys()
    assert max(counted.values()) == 2


def test_no_module_is_named_after_the_standard_library() -> None:
    assert [m for m in modules() if m.stem in sys.stdlib_module_names] == []


KEYS = "|".join(key for key in Platform if len(key) > 1)
NAMES = "|".join(declared.name for declared in DECLARED.values())
# A key of one letter is found by the word that it makes: "on X", "x_base_url".
_NAME = re.compile(rf"\b(?:{NAMES})\b|(?i:{KEYS})|\bx_[a-z]+_[a-z]+|\bcollectors\.(?:{'|'.join(Platform)})\b")
# A system, a mail header, options of curl and psql, a marker of plotly; and the story of the demonstration.
_NO_PLATFORM = re.compile(r"Mac OS X|X-Priority|-X PUT|^-X$|^x$|collectors\.x\.scenario")


def _checked() -> list[Path]:
    asked = ("storage", "dashboard", "jobs")
    return [m for m in modules() if m.relative_to(ROOT).parts[0] in asked and "migrations" not in m.parts]


def _texts(module: Path) -> Iterator[tuple[int, str]]:
    """Names, imported modules and strings of a module, without docstrings, each with its line."""
    said = {id(node.value) for node in ast.walk(tree(module)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(module)):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in said:
                yield node.lineno, text
            case ast.Name(id=text) | ast.Attribute(attr=text):
                yield node.lineno, text if len(text) > 1 else ""
            case ast.ImportFrom(module=str(text)) | ast.keyword(arg=str(text)) | ast.arg(arg=text):
                yield node.lineno, text
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield node.lineno, text
            case _:
                pass


def _named(module: Path) -> list[str]:
    return [
        f"line {line}: {text[:60]}"
        for line, text in _texts(module)
        if _NAME.search(_NO_PLATFORM.sub("", text))
    ]


def test_no_module_names_a_platform() -> None:
    assert {str(module.relative_to(ROOT)): found for module in _checked() if (found := _named(module))} == {}


def test_neither_does_the_browser() -> None:
    for script in (ROOT / "dashboard" / "assets").rglob("*.mjs"):
        assert not re.search(rf"(?i:{KEYS})", script.read_text(encoding="utf-8")), script


def test_what_imports_a_changed_module_runs_with_it() -> None:
    paths = chosen(["jobs/detect/judge.py"])
    assert any(path.startswith("tests/jobs/detect/") for path in paths)
    assert not any(path.startswith("tests/storage/model/text/") for path in paths)
