"""Rebuild the rosters after accounts or control accounts changed, and hand them to the planner."""

from collections.abc import Collection
from datetime import datetime

from jobs.planning.rosters import RosterBook
from jobs.planning.sweep_planner import Planner
from jobs.planning.watch_state import WatchState
from storage.model.core.accounts import AccountId
from storage.postgres.locks import Fence
from storage.postgres.pool import Conn, Pool


class RosterRenewal:
    """Keeps the rosters of one platform and the planner that reads them in step with who is watched."""

    def __init__(
        self, pool: Pool, watched: WatchState, rosters: RosterBook, planner: Planner, fence: Fence
    ) -> None:
        self._pool = pool
        self._watched = watched
        self._rosters = rosters
        self._planner = planner
        self._fence = fence

    async def renew(self, now: datetime) -> None:
        """Rebuild in a transaction of its own, after control accounts were found or retired."""
        async with self._rosters.renewal(self._pool, self._fence) as conn:
            await self.load(conn, now, edited=())

    async def load(self, conn: Conn, now: datetime, edited: Collection[AccountId] | None = None) -> None:
        """Rebuild inside a running `RosterBook.renewal`. `edited` are the accounts that may be otherwise than
        when the planner took them up; None: it may be any.
        """
        before = {roster.roster_id for roster in self._rosters.base}
        await self._rosters.load(conn, self._watched.accounts(), now, edited)
        new = [roster.roster_id for roster in self._rosters.base if roster.roster_id not in before]
        attempts = await self._rosters.attempts(conn, None if edited is None else new)
        self._planner.take_up(self._rosters.base, attempts, now, edited)
