# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""APScheduler's part: it wakes the loops of a running monitor; what is due they decide themselves."""

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, time, timedelta
from time import monotonic

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from jobs.base.clock import Clock, system_clock
from jobs.base.errors import CommandError, first_error, unknown_error
from storage.model.text.units import span
from storage.postgres.pool import StorageError

log = logging.getLogger(__name__)


WAKE_S = 1.0
"""Pause between two looks for due work. A look costs one small query."""
DAILY_PAUSES_S = 300.0, 3600.0
"""For what is done once a day. A server of others that is asked may be away for hours."""
_SET_BACK = timedelta(seconds=1)
_LOOK_S = 1.0


class Loop:
    """Something to be done again and again, whatever happens.

    The first failure and the recovery are logged, nothing between. While it fails the turns are
    further and further apart, from the first of `pauses_s` up to the second, and `mend` is tried before each.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        mend: Callable[[], Awaitable[None]] | None = None,
        pauses_s: tuple[float, float] = (2.0, 60.0),
    ) -> None:
        self.name = name
        self._work = work
        self._mend = mend
        self._pauses_s = pauses_s
        self._failures = 0
        self._not_before_s = float("-inf")
        self._failed_s = 0.0
        """When the first of the failures since the last success was."""

    @property
    def pause_s(self) -> float:
        """For how long nothing is tried yet after a failure."""
        return max(0.0, self._not_before_s - monotonic())

    async def turn(self) -> None:
        """Do the work once; nothing is raised, so that being stopped in the middle of it is quiet as well."""
        if self.pause_s:
            return
        try:
            if self._failures and self._mend is not None:
                await self._mend()
            await self._work()
        except asyncio.CancelledError:
            return  # the scheduler goes down, and would print it as a fault of the work
        except Exception as error:  # noqa: BLE001 - a loop that ends would be a monitor that is silent
            self._failed(first_error(error))
        else:
            if self._failures:
                log.info(
                    "%s recovered after %s",
                    self.name,
                    span(timedelta(seconds=monotonic() - self._failed_s)),
                    extra={"event": "task_recovered", "task": self.name},
                )
            self._failures = 0
            self._not_before_s = float("-inf")

    def _failed(self, error: BaseException) -> None:
        if self._failures == 0:
            said = str(error) if isinstance(error, (StorageError, CommandError)) else unknown_error(error)
            log.error("%s failed: %s", self.name, said, extra={"event": "task_failed", "task": self.name})
            self._failed_s = monotonic()
        first_s, longest_s = self._pauses_s
        self._not_before_s = monotonic() + min(first_s * 2.0 ** min(self._failures, 10), longest_s)
        self._failures += 1


def every_day(at: time) -> CronTrigger:
    """At this time of each day, in UTC."""
    return CronTrigger(hour=at.hour, minute=at.minute, timezone=UTC)


@asynccontextmanager
async def scheduled(
    loops: list[tuple[Loop, float]],
    clock: Clock = system_clock,
    daily: Sequence[tuple[Loop, time]] = (),
) -> AsyncGenerator[None]:
    """Wake each loop every so many seconds, never two runs of one at a time, until the block ends. Those of
    `daily` are woken now, at their time of each day in UTC, and soon again where they failed.

    `clock` is the machine's, which may be set meanwhile.
    """
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a run that is skipped is not news
    for loop, seconds in loops:
        scheduler.add_job(
            loop.turn, "interval", seconds=seconds, next_run_time=clock(), id=loop.name, name=loop.name
        )

    async def woken(loop: Loop) -> None:
        await loop.turn()
        if loop.pause_s:
            scheduler.modify_job(loop.name, next_run_time=clock() + timedelta(seconds=loop.pause_s))

    for loop, at in daily:
        name = loop.name
        scheduler.add_job(woken, every_day(at), [loop], next_run_time=clock(), id=name, name=name)
    # What is loaded by now stays: to look through it for garbage again and again takes 0.2 s each time, and
    # that comes while many objects are made, so in the midst of a wave.
    gc.freeze()
    scheduler.start()
    async with asyncio.TaskGroup() as group:
        names = [loop.name for loop, _ in (*loops, *daily)]
        waking = group.create_task(_wake_after_set_back(scheduler, names, clock))
        try:
            yield
        finally:
            waking.cancel()
            scheduler.shutdown(wait=False)


async def _wake_after_set_back(scheduler: AsyncIOScheduler, names: list[str], clock: Clock) -> None:
    """APScheduler goes by the clock: set back by an hour, it would let all loops sleep for an hour."""
    while True:
        at, at_s = clock(), monotonic()
        await asyncio.sleep(_LOOK_S)
        if clock() - at < timedelta(seconds=monotonic() - at_s) - _SET_BACK:
            for name in names:
                scheduler.modify_job(name, next_run_time=clock())
