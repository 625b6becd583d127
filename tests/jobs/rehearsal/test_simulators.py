"""The simulators in a process of their own, one address for each platform, and the command `simulate`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.simulator.history_conversion import recast_all
from collectors.simulator.history_files import load_history
from jobs.cli.rehearse import guide
from jobs.rehearsal.simulators import played
from tests.support.clients.command_line import HISTORY, blockline, forget_settings
from tests.support.samples.readings import T0

LATER = "x,1002,Beta,2021-02-02T00:00:00Z,suspended,,L\n"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    path.write_text(HISTORY + LATER)
    return path


def test_an_unknown_platform_to_play_on_is_refused(told: Path) -> None:
    with pytest.raises(ValueError, match="myspace"):
        played(load_history(told), "myspace")


# the command ---------------------------------------------------------------------------------------------


def test_platforms_take_ports_one_after_the_other_and_a_taken_one_is_said(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_settings(monkeypatch, tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "jobs.rehearsal.simulators", str(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = json.loads(process.stdout.readline())["x"].rpartition(":")[2]
        ran = blockline(capsys)("simulate", told, "--port", port)
        process.stdin.close()
    assert ran.code == 1
    assert f"--port: cannot listen on port {port} and those after it" in ran.err


def test_the_guide_names_the_servers_of_mastodon(told: Path) -> None:
    history = recast_all(load_history(told))
    lines = guide(MASTODON, "http://127.0.0.1:1", history, T0)
    assert lines[0] == "Mastodon on http://127.0.0.1:1, 4 accounts"
    assert "mastodon.example" in lines[1]
    assert "social.example" in lines[1]


@pytest.mark.parametrize(("option", "value"), [("--faults", "mild"), ("--platform", "myspace")])
def test_a_wrong_option_is_refused(
    told: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
) -> None:
    forget_settings(monkeypatch, tmp_path)
    ran = blockline(capsys)("simulate", told, option, value)
    assert ran.code in {1, 2}
    assert value in ran.err
