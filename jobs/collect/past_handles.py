"""Looking up the handles that accounts had before they were watched, in a public directory."""

import logging
from datetime import UTC, datetime, timedelta

from collectors.core.abilities import PastHandles
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from storage.accounts import handle_history
from storage.model.core.accounts import Account, AccountId, Platform
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_EVERY = timedelta(minutes=1)
_AT_ONCE = 20
_TRY_AGAIN_AFTER = timedelta(days=1)


class HandleRecords:
    """Asks the directory once about each account that is new or was renamed. See
    `jobs.base.periodic_task.PeriodicTask`.
    """

    def __init__(self, pool: Pool, platform: Platform, directory: PastHandles, clock: Clock) -> None:
        self._pool = pool
        self._platform = platform
        self._directory = directory
        self._clock = clock
        self._due: datetime | None = None
        self._tried_at: dict[AccountId, datetime] = {}
        """The time of the last request for an account's record. Only for accounts whose record could not be
        read or contained nothing new.
        """

    async def load(self) -> None:
        self._due = datetime.min.replace(tzinfo=UTC)

    def next_due(self) -> datetime | None:
        return self._due

    async def tick(self) -> None:
        now = self._clock()
        self._due = now + _EVERY
        async with transaction(self._pool) as conn:
            wanting = await handle_history.wanting(conn, self._platform, _AT_ONCE + len(self._tried_at))
        fresh = [a for a in wanting if not self._tried_lately(a, now)]
        for account in fresh[:_AT_ONCE]:
            self._tried_at[account.account_id] = now
            record = await self._directory.handle_history(account.native_id, now)
            if isinstance(record, RequestFailure):
                if record.retry_at <= now:
                    continue  # Concerns this account only: the directory has no record of it.
                self._due = max(self._due, record.retry_at)
                return
            async with transaction(self._pool) as conn:
                handles = [(one.handle, one.since) for one in record]
                new = await handle_history.record_handles(
                    conn, account.account_id, handles, self._directory.handle_source, self._clock()
                )
            if new:
                del self._tried_at[account.account_id]

    def _tried_lately(self, account: Account, now: datetime) -> bool:
        tried_at = self._tried_at.get(account.account_id)
        return tried_at is not None and now < tried_at + _TRY_AGAIN_AFTER
