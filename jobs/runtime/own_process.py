"""Work in a process of its own, bounded in time.

The process imports this module and that of the work, and nothing else of ours: what else the dashboard needs
would take it longer to import than most previews take.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeAlias

from jobs.base.errors import CommandError
from storage.model.tables.csv_rows import TableError
from storage.postgres.errors import StorageError

Work: TypeAlias = Callable[..., Coroutine[Any, Any, object]]
"""A function of a module, so that the process finds it by its name."""

_PROCESSES = get_context("spawn")
"""Each begins empty: a fork would share the connections of this one."""


class _End(Protocol):
    """One end of a pipe: which class it is depends on the system."""

    def recv(self) -> object: ...
    def send(self, obj: object) -> None: ...


@dataclass(frozen=True, slots=True)
class NoResult:
    """Why a process gave no result, in one sentence."""

    sentence: str

    def __str__(self) -> str:
        return self.sentence


async def answer_of_process(work: Work, given: tuple[object, ...], patience_s: float) -> object:
    """Return what `work` returns in a process of its own; a NoResult if it gave no result.

    Raises TimeoutError. When that happens, or when cancelled, the process is killed first.
    """
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_answer_into, args=(theirs, work, given), daemon=True)
    try:
        process.start()
    except OSError as error:
        return NoResult(f"The process that re-evaluates could not be started: {error.strerror}.")
    theirs.close()
    try:
        async with asyncio.timeout(patience_s):
            return await asyncio.to_thread(_received, ours, process)
    finally:
        process.kill()


def _received(ours: _End, process: BaseProcess) -> object:
    """What the process sends before it ends. Waits for that, so it is called in a thread."""
    try:
        answer = ours.recv()
    except EOFError:
        answer = None
    process.join()
    return answer or NoResult(
        f"The process that re-evaluates ended without a result (exit code {process.exitcode})."
    )


def _answer_into(theirs: _End, work: Work, given: tuple[object, ...]) -> None:
    """What the process does. An error that nobody foresaw is printed where the log of the server goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it ends it
    try:
        theirs.send(asyncio.run(work(*given)))
    except (CommandError, StorageError, TableError) as error:
        theirs.send(NoResult(str(error)))
