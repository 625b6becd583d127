"""The project's own source, read by the tests of its structure."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("collectors", "storage", "dashboard", "jobs")


@cache
def modules() -> tuple[Path, ...]:
    """Every module of the four packages."""
    return tuple(p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py")))


@cache
def folders() -> tuple[Path, ...]:
    """Every folder of the four packages that holds modules, except the migrations themselves."""
    return tuple(p.parent for p in modules() if p.name == "__init__.py" and p.parent.name != "versions")


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


def docstring(module: Path) -> str:
    return ast.get_docstring(tree(module)) or ""


def dotted(module: Path) -> str:
    """`jobs/detect/judge.py` as it is imported: `jobs.detect.judge`."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
