"""Packages that add a page to the dashboard, installed for one test."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent.parent / "docs/how-to/example_page"


def install_example(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """The package of docs/how-to/add-page.md, built and installed by pip into a folder of its own."""
    source = shutil.copytree(EXAMPLE, folder / "source")
    target = folder / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    alone = ["--no-deps", "--no-build-isolation", "--target", target, source]
    subprocess.run([*pip, *alone], check=True)
    _found(target, patch, "blockline_tags")


def install(folder: Path, patch: pytest.MonkeyPatch, name: str, module: str) -> None:
    """A package `name` whose page `name` is the function `page` of `module`."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[blockline.pages]\n{name} = {name}:page\n")
    (folder / f"{name}.py").write_text(module)
    _found(folder, patch, name)


def _found(folder: Path, patch: pytest.MonkeyPatch, module: str) -> None:
    patch.syspath_prepend(folder)  # pyright: ignore[reportUnknownMemberType]
    patch.delitem(sys.modules, module, raising=False)
