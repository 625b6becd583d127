"""Who favourited posts that the settings name: Mastodon lists no one's favourites, but a post's admirers."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from collectors.core.collector import RequestFailure
from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.wire.identity import MastodonIdentity, post_of
from collectors.mastodon.wire.timeline import like_of
from jobs.base.clock import Clock
from storage.executives import signals
from storage.model.core.accounts import Executive
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_EVERY = timedelta(hours=1)


class WatchedPosts:
    """Looks once an hour which executives favourited the watched posts. See
    `jobs.base.periodic_task.PeriodicTask`.
    """

    def __init__(
        self, pool: Pool, collector: MastodonCollector, addresses: Sequence[str], clock: Clock
    ) -> None:
        self._pool = pool
        self._collector = collector
        self._addresses = addresses
        self._clock = clock
        self._executives: list[Executive] = []
        self._failing: set[str] = set()
        self._due = datetime.min.replace(tzinfo=UTC)

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            self._executives = await signals.executives(conn, MASTODON)

    def next_due(self) -> datetime | None:
        return self._due if self._executives else None

    async def tick(self) -> None:
        self._due = self._clock() + _EVERY
        for address in self._addresses:
            post = post_of(address)
            admirers = await self._collector.favourited_by(address, self._clock())
            self._log_failure(address, admirers if isinstance(admirers, RequestFailure) else None)
            if post is None or isinstance(admirers, RequestFailure):
                continue
            async with transaction(self._pool) as conn:
                for executive in self._executives:
                    account = executive.account
                    who = MastodonIdentity.of(account.native_id)
                    like = None if who is None else like_of(post, admirers, who.actor, account.handle)
                    if like is not None:
                        await signals.add_signals(conn, account.account_id, [like], self._clock())

    def _log_failure(self, address: str, failure: RequestFailure | None) -> None:
        """Log the first failure and the recovery."""
        if failure is None and address in self._failing:
            self._failing.discard(address)
            log.info(
                "Reading of favourites of %s recovered",
                address,
                extra={"event": "favourites_recovered", "post": address},
            )
        elif failure is not None and address not in self._failing:
            self._failing.add(address)
            log.warning(
                "Reading of favourites of %s failed (%s): %s",
                address,
                failure.reason,
                failure.detail,
                extra={"event": "favourites_failed", "post": address},
            )
