"""What every command shares: options, the database of its installation, and errors as one sentence."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
import uvloop

from collectors.simulator.core.history import HistoryError
from jobs.base.errors import CommandError, PortTaken, first_error, unknown_error
from jobs.config.database import database, ready
from jobs.config.settings import Settings, SettingsError
from jobs.rehearsal.simulators import SimulatorError
from storage.model.tables.csv_cells import in_utc
from storage.model.tables.csv_rows import TableError
from storage.postgres.errors import StorageError
from storage.postgres.pool import Conn, Pool, open_pool
from storage.postgres.recording_order import as_known

T = TypeVar("T")

_SENTENCES = (
    CommandError,
    HistoryError,
    SettingsError,
    SimulatorError,
    StorageError,
    TableError,
    PortTaken,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file.", show_default="blockline.toml, if there is one"),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Store the lines that are right, even if others are refused.")
]

AtMoment = Annotated[
    str | None,
    typer.Option("--at", help="How it stood then, ISO 8601 in UTC; by default now, or when it was known."),
]
AsKnownAt = Annotated[str | None, typer.Option("--as-known-at", help="Only what had been recorded by then.")]

COMMAND_LINE = "command line"
"""Who acted, for the audit log."""


def run(work: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `work` to its end. An interrupt or a termination cancels it, so that it may clean up."""

    async def until_terminated() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - inside a coroutine there is one
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work()

    return uvloop.run(until_terminated())


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


async def for_ever() -> None:
    """Until the command is interrupted."""
    await asyncio.Event().wait()


def moment_of(text: str | None, option: str) -> datetime | None:
    """The time that was given with an option, UTC unless it says otherwise. Raises CommandError."""
    if text is None:
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"{option}: {text!r} is not a time; write it like 2021-02-01T06:30:00Z."
        ) from error


def moment_past(text: str | None, option: str, now: datetime) -> datetime:
    """The time that was given with an option, `now` by default. Raises CommandError for one still to come."""
    at = moment_of(text, option) or now
    if at > now:
        raise CommandError(f"{option} ({at.isoformat()}) is still to come: nobody has seen anything of it.")
    return at


def moments_past(at: str | None, as_known_at: str | None, now: datetime) -> tuple[datetime, datetime | None]:
    """The moment that is asked about, and as known when (None: now). Raises CommandError."""
    known = None if as_known_at is None else moment_past(as_known_at, "--as-known-at", now)
    return (moment_past(at, "--at", now) if at is not None or known is None else known), known


def with_pool(settings: Settings, work: Callable[[Pool], Awaitable[T]]) -> T:
    """Run `work` on the database of an installation, its schema being right."""

    async def opened(dsn: str) -> T:
        await ready(settings, dsn)
        async with open_pool(dsn) as pool:
            return await work(pool)

    with database(settings) as dsn:
        return run(lambda: opened(dsn))


def with_conn(
    settings: Settings, work: Callable[[Conn], Awaitable[T]], as_known_at: datetime | None = None
) -> T:
    """Run `work` in one transaction, in which what was known at `as_known_at` is what it will ever be."""

    async def inside(pool: Pool) -> T:
        async with as_known(pool, as_known_at) as conn:
            return await work(conn)

    return with_pool(settings, inside)
