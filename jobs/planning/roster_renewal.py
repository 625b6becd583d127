"""Rosters are made again when accounts or control accounts changed, and the schedule takes them up."""

from datetime import datetime

from jobs.planning.rosters import RosterBook
from jobs.planning.sweep_planner import ReadSchedule
from jobs.planning.watch_state import WatchState
from storage.postgres.locks import Fence
from storage.postgres.pool import Conn, Pool


class RosterRenewal:
    """Keeps the rosters of one platform and the schedule that reads them in step with who is watched."""

    def __init__(
        self, pool: Pool, watched: WatchState, rosters: RosterBook, schedule: ReadSchedule, fence: Fence
    ) -> None:
        self._pool = pool
        self._watched = watched
        self._rosters = rosters
        self._schedule = schedule
        self._fence = fence

    async def renew(self, now: datetime) -> None:
        """In a transaction of its own: control accounts were found or retired."""
        async with self._rosters.renewal(self._pool, self._fence) as conn:
            await self.load(conn, now)

    async def load(self, conn: Conn, now: datetime) -> None:
        """The same within a `RosterBook.renewal` that is under way."""
        await self._rosters.load(conn, self._watched.accounts(), now)
        self._schedule.take_up(self._rosters.base, await self._rosters.attempts(conn), now)
