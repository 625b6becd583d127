"""Work that may outlast the call that began it: begun, waited for, and in the end given up."""

import asyncio
from collections.abc import Coroutine


class UnderWay:
    """Keeps what is under way. What it raises is kept, to be raised once the others had their turn."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[Exception] = []

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
        """The first exception since the last call."""
        faults, self._faults = self._faults, []
        return faults[0] if faults else None

    async def _caught(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - see `fault`
            self._faults.append(error)
