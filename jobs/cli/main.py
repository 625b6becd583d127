"""The command line: `blockline`. Exit codes: 0 done, 1 refused or failed with one sentence, 2 usage.

A command is loaded when it is called, which takes up to some seconds; `blockline --help` loads none.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from collectors.simulator.core.history import HistoryError
from jobs.base.errors import STOPPED, CommandError, first_error, unknown_error
from storage.model.tables.csv_rows import TableError
from storage.postgres.errors import StorageError

SUMMARIES = {
    "import": "Take in what others published, once: a second time stores nothing. Nobody in it is watched.",
    "status": "What is blocked now, how well it is watched, and what waits; or how it stood at another "
    "moment.",
    "check": "Look at accounts once, without a database: check x NASA, or check https://bsky.app/profile/NAME.",
    "doctor": "Try every part of the installation, and say what to do. Exit code 1 when something must be "
    "mended.",
    "published": "What was published of a country's demands, by half-year, beside what was observed there.",
    "purge": "Take the evidence and the handles of an account out of the store. Ids, states and times stay.",
    "purges": "Every purge there ever was: when, of which account, how much went and why.",
    "backup": "Write the whole database into one file, as it is at this moment, and read the file back.",
    "restore": "Fill an empty database with a backup. The file is read through first: no byte may be wrong.",
    "upgrade": "Make the embedded database anew with the Postgres of this version. The old files are kept.",
    "export": "Take rows out as CSV, JSON Lines or Parquet. What each column means: docs/export.md.",
    "report": "Write how far an order was followed: one page with figures, tables, methods and coverage.",
    "replay": "Decide again: the stored readings of a time through detection, confirmation and alert rules, "
    "and what would differ. With --at, or --as-known-at: how everything stood at that moment.",
    "plan": "What watching so many accounts takes: requests, delays, cost, database, machine; and what each "
    "figure rests on.",
    "demo": "Play the India 2021 scenario through the whole pipeline and show it live.",
    "rehearse": "Drive the real pipeline through a recorded history in simulated time, and hold it against "
    "the truth.",
    "simulate": "Serve a history as the platforms would, for tests of your own.",
    "run": "The real monitor, from blockline.toml and BLOCKLINE_*.",
    "migrate": "Bring the database to the schema of this version.",
    "accounts": "The accounts that are watched.",
    "executives": "The people whose engagement is collected.",
    "lists": "The lists, and how long the evidence of each is kept.",
    "orders": "Legal orders that name accounts.",
    "alerts": "Who is told of what: rules, and what became of each alert; acknowledging and muting.",
    "evidence": "Evidence packs of changes, and what they rest on.",
    "users": "The people who may use the dashboard.",
    "tokens": "Tokens with which programs reach the dashboard.",
    "stories": "Stories: a range of time with captions, to be read and given away.",
    "workers": "The processes that read, on all machines; what waits for them; and what is held.",
}
"""Every command and group of commands, with the first paragraph of its help, which stands nowhere else.

The docstring of a command's function is the rest of its help.
"""
MODULES = {
    "import": "import_records",
    "purges": "purge",
    "restore": "backup",
    "upgrade": "backup",
    "migrate": "backup",
    "demo": "rehearse",
    "accounts": "accounts_and_lists",
    "executives": "accounts_and_lists",
    "lists": "accounts_and_lists",
    "tokens": "users",
}
"""The module of `jobs.cli` that a command is in, where the two have not the same name."""

_SENTENCES = (CommandError, HistoryError, StorageError, TableError)


class _LoadedWhenCalled(TyperGroup):
    """Has the names and summaries of all commands, and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, summary in SUMMARIES.items():
            self.add_command(TyperCommand(name, help=summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, known, rest = super().resolve_command(ctx, args)
        return name, None if known is None else loaded(name or ""), rest


def loaded(name: str) -> Any:
    """The command, or the group of commands, out of its module."""
    try:
        module = import_module(f"jobs.cli.{MODULES.get(name, name)}")
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    app = typer.Typer(rich_markup_mode=None)
    module.register(app)
    command = get_group(app).commands[name]
    rest = "" if isinstance(command, TyperGroup) else command.help or ""
    command.help = f"{SUMMARIES[name]}\n\n{rest}"
    return command


cli = typer.Typer(
    name="blockline",
    cls=_LoadedWhenCalled,
    help="Watches flagged social-media accounts: blocked when, where, for how long, and back when.",
    no_args_is_help=True,
    add_completion=False,
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


def main() -> None:
    """The console script."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=Console(stderr=True), show_path=False, show_level=False)],
    )
    sys.exit(exit_code(cli))


def exit_code(command: Callable[[], None]) -> int:
    """Run a command: 0 when done, 1 with a sentence on stderr. No traceback reaches a user."""
    try:
        command()
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except BaseExceptionGroup as group:
        return _told(first_error(group))
    except Exception as error:  # noqa: BLE001 - the last stop before the user
        return _told(error)
    return 0


def _told(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
        return 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, _SENTENCES):
        print(error, file=sys.stderr)
        return 1
    print(unknown_error(error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
