"""Commands that cannot work end in one sentence that gives no secret away."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from storage.postgres.pool import close, connect
from tests.support.clients.command_line import Blockline, blockline, console, forget_settings

UNREACHABLE = "postgresql://u:hunter2@127.0.0.1:1/x"


@pytest.mark.parametrize(
    "command",
    [("status",), ("accounts", "list"), ("orders", "list"), ("executives", "list"), ("lists",), ("doctor",)],
    ids=" ".join,
)
def test_an_unreachable_database_is_one_sentence_without_the_password(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", UNREACHABLE)
    ran = blockline(capsys)(*command)
    assert ran.code == 1
    assert "Cannot reach the database at 127.0.0.1:1 (setting database_url)" in ran.out + ran.err
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_table_that_is_locked_for_long_is_one_sentence(run: Blockline, dsn: str, command: str) -> None:
    with asyncio.Runner() as runner:
        conn = runner.run(connect(dsn))
        runner.run(conn.execute("begin; lock table coverage_row, alert_rule in access exclusive mode"))
        ran = run(command)
        runner.run(close(conn))
    assert ran.code == 1
    assert "The database did not do this in time" in ran.out + ran.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "toml", "sentence"),
    [
        ({"BLOCKLINE_PORT": "abc"}, "", "Setting port (in the environment, as BLOCKLINE_PORT): "),
        ({}, 'colour = "red"', "Setting colour (in blockline.toml) does not exist; check its spelling."),
        ({"BLOCKLINE_DATABASE_URL": UNREACHABLE}, "", "Cannot reach the database"),
    ],
    ids=["wrong value", "unknown setting", "unreachable database"],
)
def test_the_console_script_ends_in_one_sentence_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], toml: str, sentence: str
) -> None:
    forget_settings(monkeypatch, tmp_path)
    (tmp_path / "blockline.toml").write_text(toml)
    ran = console("status", **settings)
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.complaints) == 1
    assert ran.err.startswith(sentence)
    assert "hunter2" not in ran.err


INTERRUPTED = """
import os, signal, sys
class WhileLoading:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, WhileLoading())
from importlib.metadata import entry_points
(script,) = entry_points(group="console_scripts", name="blockline")
sys.exit(script.load()())
"""


def test_an_interrupt_before_the_commands_are_loaded_is_one_sentence() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "lists"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "Stopped before anything was done.\n")
