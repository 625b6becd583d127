"""What holds the house together: import direction, names, and a wheel that works without this checkout."""

import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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
        "jobs/templates/mail.html",
        "dashboard/assets/live/main.mjs",
        "dashboard/pages/index.html",
    ):
        assert needed in names
