"""The wheel works without this checkout, and the locks hold hashes and no addresses."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.source import PACKAGES, ROOT
from tests.support.reference.licences_table import licences


def test_nobody_else_installs_a_package_of_our_name() -> None:
    installed = packages_distributions()
    found = {package: set(installed.get(package, [])) - {"blockline"} for package in PACKAGES}
    assert found == {package: set() for package in PACKAGES}


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    locks = sorted(ROOT.glob("requirements*.txt"))
    assert len(locks) == 7
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")
    text = (ROOT / "tests/js/package-lock.json").read_text()
    assert "://" not in text
    assert text.count('"node_modules/') == text.count('"integrity": "sha512-')


def test_every_part_states_a_licence_and_none_forbids_what_ours_allows() -> None:
    found = licences()
    assert len(found) > 90
    assert {name: licence for name, licence in found.items() if not licence or "GPL" in licence} == {}


def built(folder: Path, kind: str) -> Path:
    """The wheel or the sdist of this checkout, as `make dist` builds it."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1612137600"},
    )
    (file,) = folder.glob("blockline-*")
    return file


def test_the_wheel_holds_the_four_packages_with_their_files_and_no_tests(tmp_path: Path) -> None:
    names = zipfile.ZipFile(built(tmp_path, "wheel")).namelist()
    tops = {n.split("/")[0] for n in names if not n.startswith("blockline-")}
    assert tops == set(PACKAGES)
    data = {
        str(p.relative_to(ROOT))
        for package in PACKAGES
        for p in (ROOT / package).rglob("*")
        if p.suffix in {".html", ".txt", ".css", ".sql", ".mjs", ".js", ".svg", ".toml"}
    }
    assert len(data) > 100
    assert data <= set(names)
    helped = {
        f"dashboard/help/docs/{p.relative_to(ROOT / 'docs')}"
        for p in (ROOT / "docs").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert len(helped) > 100
    assert helped <= set(names)
    assert any(name.endswith("/share/man/man1/blockline.1") for name in names)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_of_a_commit_are_the_same_bytes(kind: str, tmp_path: Path) -> None:
    one, other = built(tmp_path / "one", kind), built(tmp_path / "other", kind)
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_the_wheel_works_away_from_this_checkout(dsn: str, tmp_path: Path) -> None:
    """Its dependencies are those that run this test. Nothing else of the checkout can be imported there."""
    home, own = tmp_path / "home", tmp_path / "own"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", own], check=True)
    wheel = built(tmp_path / "dist", "wheel")
    subprocess.run([own / "bin/pip", "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    (site,) = own.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "BLOCKLINE_DATABASE_URL": dsn}

    def ran(*arguments: str) -> str:
        command = [own / "bin/blockline", *arguments]
        return subprocess.run(
            command, cwd=home, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert ran("init").startswith(f"Wrote {home}/.config/blockline/blockline.toml.")
    assert json.loads(ran("where", "--json"))["settings"] == f"{home}/.config/blockline/blockline.toml"
    assert "no accounts watched" in ran("status")
    code = "import dashboard.help.documentation as d; assert d.topics(); print(d.__file__)"
    loaded = subprocess.run(
        [own / "bin/python", "-c", code], cwd=home, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.startswith(str(own))
    assert (own / "share/man/man1/blockline.1").is_file()
