# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""APScheduler's part: it wakes the loops of a running monitor; what is due they decide themselves."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from jobs.clock import system_clock
from jobs.errors import first_error
from storage.db import StorageError

log = logging.getLogger(__name__)


class Loop:
    """Something to be done again and again. Logs the first failure and the recovery, nothing between."""

    def __init__(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self._work = work
        self._failing = False

    async def turn(self) -> None:
        try:
            await self._work()
        except* StorageError as group:
            if not self._failing:
                log.error("%s stands still: %s", self.name, first_error(group))  # noqa: TRY400 - one sentence
            self._failing = True
        else:
            if self._failing:
                log.warning("%s goes on.", self.name)
            self._failing = False


@asynccontextmanager
async def scheduled(loops: list[tuple[Loop, float]]) -> AsyncGenerator[None]:
    """Wake each loop every so many seconds, never two runs of one at a time, until the block ends."""
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a run that is skipped is not news
    for loop, seconds in loops:
        scheduler.add_job(
            loop.turn, "interval", seconds=seconds, next_run_time=system_clock(), id=loop.name, name=loop.name
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
