"""A platform that is only installed, and known to no line of Blockline, passes the suite and is watched."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tests.support.samples.invented_histories import write_history

TOY = ROOT / "tests" / "support" / "toy_platform"


def _with_toy(*command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(TOY), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        | {"PYTHONPATH": path},
    )


@pytest.mark.slow
def test_the_toy_platform_passes_the_suite() -> None:
    suite = "tests/collectors/conformance"
    done = _with_toy("pytest", "-q", "-k", "pond", "-n", "0", suite)
    assert done.returncode == 0, done.stdout[-2000:]
    assert " passed" in done.stdout


@pytest.mark.slow
def test_the_toy_platform_is_watched_mailed_drawn_and_replayed(dsn: str, tmp_path: Path) -> None:
    history = write_history(tmp_path / "history.csv", accounts=30, days=2)
    done = _with_toy("tests.support.processes.toy_installation", dsn, str(history))
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert (found["false"], found["wrong_interval"]) == ([], [])
    assert found["detected"] > 15
    assert found["mails"] > 0
    assert found["drawn"] == {"live": 200, "replay": 200}
    assert found["platforms_of_changes"] == ["pond"]
    assert found["named_on"] == ["/account/{account}", "/health", "/plan"]


def test_blockline_names_the_toy_platform_nowhere() -> None:
    for folder in ("collectors", "storage", "dashboard", "jobs"):
        named = [p for p in (ROOT / folder).rglob("*.py") if re.search(r"(?i)\bpond\b", p.read_text())]
        assert named == []
