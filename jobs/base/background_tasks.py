"""Work that may outlast the call that began it: begun, waited for, and in the end given up."""

import asyncio
import logging
from collections.abc import Coroutine

from jobs.base.errors import unknown_error
from storage.postgres.pool import StorageError

log = logging.getLogger(__name__)


class BackgroundTasks:
    """Keeps what is under way. What it raises is kept, to be raised once the others had their turn."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[Exception] = []
        self._reported: set[str] = set()
        """What was said since there was no fault."""

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Start it and come back at once."""
        task = asyncio.create_task(self._caught(work))  # noqa: TID251 - `_caught` loses no exception
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, at_most_s: float | None) -> None:
        """For all of it. Without a limit nothing outlasts the wait, also when that is cancelled."""
        if not self._tasks:
            return
        try:
            await asyncio.wait(self._tasks, timeout=at_most_s)
        except asyncio.CancelledError:
            if at_most_s is None:
                await self.give_up(0)
            raise

    async def give_up(self, after_s: float) -> None:
        """Return when nothing is under way any more: what is not done by then is cancelled."""
        await self.wait(after_s)
        for task in self._tasks:
            task.cancel()
        await self.wait(None)

    def fault(self) -> Exception | None:
        """What is to be raised of the exceptions since the last call: the first that nobody foresaw, or else
        the first of the database. What others say besides is logged, once until all goes well.
        """
        faults, self._faults = self._faults, []
        if not faults:
            self._reported.clear()
            return None
        first = min(faults, key=lambda fault: isinstance(fault, StorageError))
        self._reported.add(_kind(first))
        for other in faults:
            if (kind := _kind(other)) not in self._reported:
                self._reported.add(kind)
                said = str(other) if isinstance(other, StorageError) else unknown_error(other)
                log.error(
                    "Another error occurred at the same time: %s", said, extra={"event": "another_error"}
                )
        return first

    async def _caught(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - see `fault`
            self._faults.append(error)


def _kind(fault: Exception) -> str:
    """What faults of the database say, which is the same for all; each other one may name another account."""
    return str(fault) if isinstance(fault, StorageError) else type(fault).__name__
