"""What every command shares: running a coroutine to its end, and turning errors into one sentence."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import TypeVar

import uvloop

from collectors.simulator.core.history import HistoryError
from jobs.base.errors import CommandError, PortTaken, first_error, unknown_error
from jobs.config.settings import SettingsError
from jobs.rehearsal.simulators import SimulatorError
from storage.model.tables.csv_rows import TableError
from storage.postgres.errors import StorageError

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
