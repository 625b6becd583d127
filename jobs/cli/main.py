"""The command line: `blockline`. Exit codes: 0 done, 1 refused or failed with one sentence, 2 usage.

A command's module is imported when the command is called, which can take seconds; `blockline --help` imports
none.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from collectors.simulator.history import HistoryError
from jobs.base.errors import STOPPED, CommandError, first_error, unknown_error
from jobs.base.event_loop import end_once
from storage.model.tables.csv_rows import TableError
from storage.model.text.control_characters import escaped_lines
from storage.postgres.errors import StorageError

GROUPS = {
    "Watch": {
        "run": "Run the monitor, or some of its parts, until it is stopped.",
        "check": "Check accounts once, without a database.",
        "status": "Show blocked accounts, coverage and issues, now or in the past.",
        "accounts": "Import, list, tag and remove watched accounts.",
        "lists": "Show and edit lists, their accounts, retention and thresholds.",
        "executives": "Manage the people whose engagements are collected.",
        "plan": "Estimate requests, delay and cost for a number of accounts.",
        "apply": "Apply a file of lists, accounts, alert rules and orders.",
        "setup": "Write the present setup as a file for `apply`.",
    },
    "Alerts": {
        "alerts": "Manage alert rules, acknowledgements, mutes and deliveries.",
        "incidents": "List, assign, note, close and reopen incidents.",
    },
    "History": {
        "replay": "Re-evaluate stored readings with the same or other rules.",
        "orders": "Manage legal orders and the accounts that they name.",
        "causes": "Record who says why something was blocked or came back.",
        "report": "Write a report on an order as HTML or PDF.",
        "published": "Compare a country's published figures with observed blocks.",
        "stories": "List, show and export written stories.",
        "mcp": "Run a server for assistants that read what is stored (MCP).",
        "import": "Import records that others published, without watching anyone.",
        "export": "Export stored rows as CSV, JSON Lines or Parquet.",
    },
    "Evidence": {
        "evidence": "Write and verify evidence packs, and check the hash chain.",
        "purge": "Remove an account's evidence and handles, or all its data.",
        "purges": "List all purges.",
    },
    "Operations": {
        "init": "Write a settings file with comments.",
        "where": "Show where settings, data and backups are.",
        "doctor": "Check every part of the installation, and suggest fixes.",
        "workers": "Show workers and their queue, drop requests, and set shards.",
        "users": "Manage the people who can use the dashboard.",
        "tokens": "Manage access tokens for programs.",
        "secrets": "Change the keys that sign links in emails.",
        "backup": "Back up the whole database to one file.",
        "restore": "Restore a backup into an empty database.",
        "migrate": "Migrate the database to the schema of this version.",
        "archive": "Move closed months of coverage into files of an Iceberg table.",
        "unarchive": "Move an archived month back into the database.",
        "upgrade": "Upgrade the embedded database to this version's Postgres.",
        "demo": "Play the India 2021 scenario on a live dashboard.",
        "rehearse": "Backtest the monitor against a recorded history.",
        "simulate": "Simulate the platforms, to test your own clients.",
    },
}
"""The sections of `blockline --help`, with the summary of each command.

The docstring of a command's function is the rest of its help.
"""
SUMMARIES = {name: summary for commands in GROUPS.values() for name, summary in commands.items()}
"""Every command and group of commands, with the first paragraph of its help."""
MODULES = {
    "init": "installation",
    "where": "installation",
    "plan": "installation",
    "run": "workers",
    "import": "import_records",
    "published": "import_records",
    "report": "reports_and_stories",
    "stories": "reports_and_stories",
    "setup": "apply",
    "purges": "purge",
    "restore": "backup",
    "archive": "backup",
    "unarchive": "backup",
    "upgrade": "backup",
    "migrate": "backup",
    "mcp": "export",
    "demo": "rehearse",
    "simulate": "rehearse",
    "executives": "accounts",
    "tokens": "users",
    "secrets": "users",
}
"""The module of `jobs.cli` that defines a command, where the two names differ."""

log = logging.getLogger(__name__)

_SENTENCES = (CommandError, HistoryError, StorageError, TableError)


class _LoadedWhenCalled(TyperGroup):
    """A group that knows the summaries of all commands, and imports only the command that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, summary in SUMMARIES.items():
            self.add_command(TyperCommand(name, help=summary))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section per group of commands, their summaries in one column."""
        del ctx
        widest = max(map(len, SUMMARIES))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), text) for name, text in commands.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, known, rest = super().resolve_command(ctx, args)
        return name, None if known is None else loaded(name or ""), rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Typer names the kind of pydantic's error before the sentence; that is left out."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


@cache
def loaded(name: str) -> Any:
    """Import the module of a command or group of commands, and return the command.

    It is made once per process: for a group of many options that takes longer than most commands.
    """
    try:
        module = import_module(f"jobs.cli.{MODULES.get(name, name)}")
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    app = typer.Typer(rich_markup_mode=None)
    module.register(app)
    command = get_group(app).commands[name]
    command.help = f"{SUMMARIES[name]}\n\n{command.help or ''}"
    return command


cli = typer.Typer(
    name="blockline",
    cls=_LoadedWhenCalled,
    help="Watch flagged social-media accounts: when and where they are blocked, and when they return.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"blockline {version('blockline')}")
        raise typer.Exit


@cli.callback()
def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


class TerminalFormatter(logging.Formatter):
    """Formats a record so that nothing a stranger wrote in it commands the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return escaped_lines(super().format(record))


def main() -> None:
    """Run the console script."""
    end_once()
    handler = logging.StreamHandler()
    handler.setFormatter(TerminalFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.exit(exit_code(cli))


def exit_code(command: Callable[[], None]) -> int:
    """Run a command. Return 0 when it is done; otherwise print one sentence on stderr and return 1 or 2."""
    try:
        command()
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except BaseExceptionGroup as group:
        return _reported(first_error(group))
    except Exception as error:  # noqa: BLE001 - the last stop before the user
        return _reported(error)
    return 0


def _reported(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
        return 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    sentence = str(error) if isinstance(error, _SENTENCES) else unknown_error(error)
    if any(handler.name == "json" for handler in logging.root.handlers):
        log.critical("%s", sentence, extra={"event": "command_failed"})
    else:
        print(escaped_lines(sentence), file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
