"""Which executives like posts that the settings name, on a platform that does not list what an account
likes.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from collectors.core.abilities import PostLikes
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from storage.executives import signals
from storage.model.core.accounts import Executive, Platform
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_EVERY = timedelta(hours=1)


class WatchedPosts:
    """Looks once an hour which executives like the watched posts. See
    `jobs.base.periodic_task.PeriodicTask`.
    """

    def __init__(
        self, pool: Pool, platform: Platform, reader: PostLikes, addresses: Sequence[str], clock: Clock
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._reader = reader
        self._addresses = addresses
        self._clock = clock
        self._executives: list[Executive] = []
        self._failing: set[str] = set()
        self._due = datetime.min.replace(tzinfo=UTC)

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            self._executives = await signals.executives(conn, self._platform)

    def next_due(self) -> datetime | None:
        return self._due if self._executives else None

    async def tick(self) -> None:
        self._due = self._clock() + _EVERY
        accounts = [executive.account for executive in self._executives]
        handles = {account.native_id: account.handle for account in accounts}
        for address in self._addresses:
            likes = await self._reader.likes_of(address, handles, self._clock())
            self._log_failure(address, likes if isinstance(likes, RequestFailure) else None)
            if isinstance(likes, RequestFailure):
                continue
            async with transaction(self._pool) as conn:
                for account in accounts:
                    if (like := likes.get(account.native_id)) is not None:
                        await signals.add_signals(conn, account.account_id, [like], self._clock())

    def _log_failure(self, address: str, failure: RequestFailure | None) -> None:
        """Log the first failure and the recovery."""
        if failure is None and address in self._failing:
            self._failing.discard(address)
            log.info(
                "Reading of likes of %s recovered",
                address,
                extra={"event": "post_likes_recovered", "post": address},
            )
        elif failure is not None and address not in self._failing:
            self._failing.add(address)
            log.warning(
                "Reading of likes of %s failed (%s): %s",
                address,
                failure.reason,
                failure.detail,
                extra={"event": "post_likes_failed", "post": address},
            )
