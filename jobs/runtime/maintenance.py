# pyright: reportUnknownMemberType=false
"""Maintenance tasks: each is done once a day, by one process of all; what was missed is made up for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time
from typing import cast

from jobs.base.clock import Clock
from jobs.runtime.loop_scheduler import every_day
from storage.postgres.locks import exclusive
from storage.postgres.pool import Conn, Pool, transaction

_STAND_BY_S = 600.0
"""How long one waits for the process that is at it: the moment that ends or dies, another looks again."""


@dataclass(frozen=True, slots=True)
class MaintenanceTask:
    name: str
    at: time
    """When it is done each day, in UTC."""
    last_done: Callable[[Conn], Awaitable[datetime | None]]
    """When any process last did it, by the trace that it leaves; None: never."""
    work: Callable[[], Awaitable[object]]
    """It does no harm to do it again."""

    def is_due(self, last: datetime | None, now: datetime) -> bool:
        """Whether its time came since it was last done, be it long ago."""
        following = last and cast("datetime | None", every_day(self.at).get_next_fire_time(last, last))
        return following is None or following <= now

    async def turn(self, dsn: str, pool: Pool, clock: Clock) -> None:
        """Do what is due by `clock`, which is the one that woke it: by one that is a little behind it would
        never be due. Raises what the work raises, StorageError and AlreadyHeld.
        """
        if not await self._is_due_now(pool, clock):
            return
        async with exclusive(dsn, self.name, _STAND_BY_S):
            if await self._is_due_now(pool, clock):
                await self.work()

    async def _is_due_now(self, pool: Pool, clock: Clock) -> bool:
        async with transaction(pool) as conn:
            return self.is_due(await self.last_done(conn), clock())
