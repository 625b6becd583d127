"""The wheel works without this checkout, and the locks hold hashes and no addresses."""

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.house.source import PACKAGES, ROOT


def test_nobody_else_installs_a_package_of_our_name() -> None:
    installed = packages_distributions()
    found = {package: set(installed.get(package, [])) - {"blockline"} for package in PACKAGES}
    assert found == {package: set() for package in PACKAGES}


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-docs.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")
    text = (ROOT / "tests/js/package-lock.json").read_text()
    assert "://" not in text
    assert text.count('"node_modules/') == text.count('"integrity": "sha512-')


def test_the_wheel_holds_the_four_packages_with_their_files_and_no_tests(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {n.split("/")[0] for n in names if not n.startswith("blockline-")}
    assert tops == set(PACKAGES)
    data = {
        str(p.relative_to(ROOT))
        for package in PACKAGES
        for p in (ROOT / package).rglob("*")
        if p.suffix in {".html", ".txt", ".css", ".sql", ".mjs", ".js", ".svg"}
    }
    assert len(data) > 100
    assert data <= set(names)
