"""Maintenance tasks: each day one process does each, and what was missed is made up for."""

import asyncio
from datetime import datetime, time, timedelta

import pytest

from jobs.base.clock import SimulatedClock, system_clock
from jobs.base.errors import CommandError
from jobs.runtime.loop_scheduler import Loop, scheduled
from jobs.runtime.maintenance import MaintenanceTask
from storage.postgres.pool import Conn, Pool
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)
AT = time(2, 40)


class DailyTask:
    """It keeps when it was done."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.done: list[datetime] = []
        self._clock = clock
        self.task = MaintenanceTask("A task", AT, self._last, self._work)

    async def _last(self, _: Conn) -> datetime | None:
        return self.done[-1] if self.done else None

    async def _work(self) -> None:
        await asyncio.sleep(0.1)
        self.done.append(self._clock())


async def test_of_several_processes_one_does_it_each_day(pool: Pool, dsn: str) -> None:
    clock = SimulatedClock(T0)
    daily = DailyTask(clock)
    for at in (T0, T0 + HOUR, T0 + 3 * HOUR, T0 + 23 * HOUR, T0 + 27 * HOUR):
        clock.set(at)
        await asyncio.gather(*(daily.task.turn(dsn, pool, clock) for _ in range(3)))
    assert daily.done == [T0, T0 + 3 * HOUR, T0 + 27 * HOUR]


async def test_one_that_fails_is_tried_again_before_its_next_day(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jobs")
    tried, mended = 0, asyncio.Event()

    async def work() -> None:
        nonlocal tried
        tried += 1
        if tried < 3:
            raise CommandError("The authority does not answer.")
        mended.set()

    loop = Loop("Anchoring the chain", work, None, (0.1, 0.2))
    at = (system_clock() - HOUR).time()
    async with scheduled([], daily=[(loop, at)]):
        await mended.wait()
        await asyncio.sleep(0)
    assert [r.getMessage() for r in caplog.records] == [
        "Anchoring the chain failed: The authority does not answer.",
        "Anchoring the chain recovered after 0 s",
    ]
