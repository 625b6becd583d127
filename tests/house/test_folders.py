"""A folder is a noun of the field: it says what lives there, and is small enough to be looked over."""

import re
from pathlib import Path

import pytest

from tests.house.source import PACKAGES, ROOT, docstring, folders, modules

MOST_MODULES = 25
_MODULE = re.compile(r"`([a-z0-9_/]+\.py)`")


def test_every_folder_is_a_package() -> None:
    assert {m.parent for m in modules() if m.parent.name != "versions"} == set(folders())


@pytest.mark.parametrize("folder", folders(), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_folder_says_what_lives_in_it_what_it_may_import_and_where_to_begin(folder: Path) -> None:
    said = docstring(folder / "__init__.py")
    assert "import" in said
    assert "Begin " in said
    named = _MODULE.findall(said)
    assert [name for name in named if not ((folder / name).exists() or (ROOT / name).exists())] == []


@pytest.mark.parametrize("folder", folders(), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_folder_holds_no_more_than_25_modules(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= MOST_MODULES


def test_beside_the_packages_stand_no_modules() -> None:
    """`jobs/start.py` is the entry point, which must load nothing but the command that is called."""
    alone = [m.relative_to(ROOT) for m in modules() if m.parent in {ROOT / p for p in PACKAGES}]
    assert [str(m) for m in alone if m.name != "__init__.py"] == ["jobs/start.py"]
