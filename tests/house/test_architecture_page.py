"""docs/explanation/architecture.md says what the code is: the two ways, and where to begin a change."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.house.source import ROOT, folders, tree

PAGE = (ROOT / "docs/explanation/architecture.md").read_text()
PICTURE = (ROOT / "docs/images/architecture.svg").read_text()
WAYS = (
    ("The way of a reading", "jobs/collect/pipeline.py", "reading_pipeline"),
    ("The way of an alert", "jobs/notify/pipeline.py", "alert_pipeline"),
)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
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


def function(module: str, name: str) -> ast.FunctionDef:
    (found,) = (n for n in tree(ROOT / module).body if isinstance(n, ast.FunctionDef) and n.name == name)
    return found


@pytest.mark.parametrize(("heading", "module", "name"), WAYS)
def test_a_way_is_put_together_in_one_function_of_at_most_40_lines(
    heading: str, module: str, name: str
) -> None:
    found = function(module, name)
    assert found.end_lineno is not None
    assert found.end_lineno - found.lineno < 40
    assert f"`{name}` in `{module}`" in PAGE


@pytest.mark.parametrize(("heading", "module", "name"), WAYS)
def test_the_stages_of_a_way_stand_in_the_order_in_which_the_function_names_them(
    heading: str, module: str, name: str
) -> None:
    body = [n for stmt in function(module, name).body for n in ast.walk(stmt) if isinstance(n, ast.Name)]
    ordered = sorted(body, key=lambda n: (n.lineno, n.col_offset))
    named = list(dict.fromkeys(n.id for n in ordered if n.id in imported(module)))
    stages = [stage.strip("`") for _, _, stage in rows(heading)]
    by_function = [stage for stage in stages if stage in named]
    assert len(by_function) >= 2
    assert by_function == [one for one in named if one in stages]


@pytest.mark.parametrize(("heading", "module", "name"), WAYS)
def test_each_stage_is_where_the_page_says_and_is_reached_from_a_stage_before_it(
    heading: str, module: str, name: str
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


def test_the_picture_shows_every_folder() -> None:
    shown = set(re.findall(r'class="name">([a-z]+)<', PICTURE))
    inner = {f.name for f in folders() if len(Path(f.relative_to(ROOT)).parts) == 2}
    models = {f.name for f in folders() if f.parent == ROOT / "storage" / "model"}
    assert shown == (inner | models) - {"model"}
