"""The test modules that import what changed since a commit: `python -m tests.support.changed [COMMIT]`.

Prints a path a line, for pytest; `make test-changed` runs them. A test imports a module directly or through
others. What is no module (SQL, templates, scripts of the browser) counts as the modules of its folder, the
migrations as `storage.postgres.migrate`; a change of a conftest.py or of pyproject.toml means every test. The
tests of the house read files that they do not import, and always run.
"""

import ast
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("collectors", "storage", "dashboard", "jobs")


def changed_files(since: str) -> set[str]:
    """Files that differ from where the branch left `since`, also those not committed or not yet added."""
    return {
        *_git("diff", "--name-only", _git("merge-base", since, "HEAD")[0]),
        *_git("ls-files", "-o", "--exclude-standard"),
    }


def chosen(changed: Iterable[str]) -> list[str]:
    """The test modules to run, in order of their paths."""
    files = set(changed)
    modules = _test_modules()
    every = sorted(path for path in modules if Path(path).name.startswith("test_"))
    if any(Path(file).name in ("conftest.py", "pyproject.toml") for file in files):
        return every
    touched = {module for file in files for module in _modules_of(file)}
    graph = grimp.build_graph(*PACKAGES)
    for module in touched & graph.modules:
        touched |= graph.find_downstream_modules(module)
    while more := {m for p in modules if (m := _dotted(p)) not in touched and modules[p] & touched}:
        touched |= more
    return [path for path in every if _dotted(path) in touched or path.startswith("tests/house/")]


def _modules_of(file: str) -> Collection[str]:
    path = Path(file)
    if path.suffix == ".py":
        return {_dotted(file)}
    if path.is_relative_to("storage/migrations"):
        return {"storage.postgres.migrate"}
    folder = path.parent
    while folder != Path() and not (ROOT / folder / "__init__.py").exists():
        folder = folder.parent
    return (
        {_dotted(str(one.relative_to(ROOT))) for one in (ROOT / folder).glob("*.py")}
        if folder != Path()
        else ()
    )


@cache
def _test_modules() -> Mapping[str, set[str]]:
    """Each module below `tests`, with what it imports."""
    return {str(path.relative_to(ROOT)): _imported(path) for path in (ROOT / "tests").rglob("*.py")}


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _git(*arguments: str) -> list[str]:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()


if __name__ == "__main__":
    print("\n".join(chosen(changed_files(sys.argv[1] if len(sys.argv) > 1 else "main"))))
