"""Which executive follows which watched account, asked once a day."""

from datetime import UTC, datetime, timedelta

from collectors.core.abilities import FollowsAmong
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from jobs.collect.monitor import Monitor
from storage.executives import signals
from storage.model.core.accounts import AccountId, Executive, Platform
from storage.postgres.pool import Pool, transaction

_EVERY = timedelta(days=1)
_TRY_AGAIN = timedelta(minutes=10)
_NEVER = datetime.min.replace(tzinfo=UTC)


class FollowsOfWatched:
    """Keeps the follows from executives to watched accounts as signals. See
    `jobs.base.periodic_task.PeriodicTask`.

    A follow that is not listed any more is not called an unfollow: the platform lists those that stand, and
    gives no date of an end.
    """

    def __init__(
        self, pool: Pool, platform: Platform, graph: FollowsAmong, monitor: Monitor, clock: Clock
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._graph = graph
        self._monitor = monitor
        self._clock = clock
        self._executives: list[Executive] = []
        self._due_at: dict[AccountId, datetime] = {}

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            self._executives = await signals.executives(conn, self._platform)

    def next_due(self) -> datetime | None:
        return min((self._due(e) for e in self._executives), default=None)

    async def tick(self) -> None:
        watched = await self._monitor.watched_anywhere()
        for executive in self._executives:
            now = self._clock()
            if self._due(executive) > now:
                continue
            follows = await self._graph.follows_among(executive.account.native_id, watched, now)
            if isinstance(follows, RequestFailure):
                self._due_at[executive.account.account_id] = max(follows.retry_at, now + _TRY_AGAIN)
                continue
            self._due_at[executive.account.account_id] = now + _EVERY
            async with transaction(self._pool) as conn:
                await signals.add_signals(conn, executive.account.account_id, follows, self._clock())

    def _due(self, executive: Executive) -> datetime:
        return self._due_at.get(executive.account.account_id, _NEVER)
