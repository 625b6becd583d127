"""What holds the house together: import direction, names, and a wheel that works without this checkout."""

import ast
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("collectors", "storage", "dashboard", "jobs")


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "lint-imports"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_nobody_else_installs_a_package_of_our_name(package: str) -> None:
    assert set(packages_distributions().get(package, [])) <= {"blockline"}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_what_lives_in_it_and_is_typed(package: str) -> None:
    first = (ROOT / package / "__init__.py").read_text().splitlines()[0]
    assert first.startswith('"""')
    assert (ROOT / package / "py.typed").exists()


def modules() -> list[Path]:
    return [p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))]


def dotted(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts)


def docstring(module: Path) -> str:
    return ast.get_docstring(ast.parse(module.read_text())) or ""


def test_a_module_that_says_pure_in_its_docstring_is_in_the_contract_of_pure_modules() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = (set(c["source_modules"]) for c in contracts if "pure rules reach no input" in c["name"])
    say_so = [dotted(p) for p in modules() if docstring(p).lower().startswith("pure:")]
    assert len(say_so) > 50
    assert [m for m in say_so if not any(f"{m}.".startswith(f"{listed}.") for listed in pure)] == []


def test_no_module_is_named_after_the_standard_library() -> None:
    assert [p for p in modules() if p.stem in sys.stdlib_module_names] == []


def test_no_module_is_longer_than_300_lines() -> None:
    assert [(p.name, n) for p in modules() if (n := len(p.read_text().splitlines())) > 300] == []


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_the_wheel_holds_the_four_packages_with_their_files_and_no_tests(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {n.split("/")[0] for n in names if not n.startswith("blockline-")}
    assert tops == set(PACKAGES)
    for needed in (
        "storage/migrations/versions/0001_initial.sql",
        "jobs/messages/templates/mail.html",
        "dashboard/assets/live/main.mjs",
        "dashboard/server/index.html",
        "dashboard/orders/templates/report.html",
    ):
        assert needed in names
