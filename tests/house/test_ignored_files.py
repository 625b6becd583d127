"""Settings and data that lie in a clone are put neither into git nor into an image."""

import shutil
import subprocess

import pytest

from tests.house.source import ROOT

PRIVATE = ("blockline.toml", ".env", "secrets/smtp_password", "data/pgdata", "monday.backup")


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(),
    reason="git is not installed, or this is no clone",
)
@pytest.mark.parametrize("name", PRIVATE)
def test_git_ignores_what_is_private(name: str) -> None:
    done = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", name], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_an_image_is_built_without_what_is_private() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"**/blockline.toml", "**/.env", "secrets", "data", "**/*.backup"} <= set(lines)
