"""Collecting what executives visibly do: one executive at a time, the cursor stored with the acts."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from collectors.core.collector import Collector
from jobs.base.clock import Clock
from jobs.dispatch.breaker_store import BreakerStore
from storage.executives import signals
from storage.model.core.accounts import AccountId, Executive
from storage.postgres.pool import Pool, StaleState, transaction

log = logging.getLogger(__name__)

_NEVER = datetime.min.replace(tzinfo=UTC)


class EngagementPoller:
    """Polls each executive of one platform every `every`, apart from the lookups of accounts."""

    def __init__(
        self, pool: Pool, collector: Collector, every: timedelta, breakers: BreakerStore, clock: Clock
    ) -> None:
        self._pool = pool
        self._collector = collector
        self._every = every
        self._breakers = breakers
        self._clock = clock
        self._executives: list[Executive] = []
        self._tried_at: dict[AccountId, datetime] = {}

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            self._executives = await signals.executives(conn, self._collector.platform)

    def next_due(self) -> datetime | None:
        """When the next executive is to be polled; None when there is none."""
        return min((self._due(e) for e in self._executives), default=None)

    def _due(self, executive: Executive) -> datetime:
        last = self._tried_at.get(executive.account.account_id, executive.last_polled_at)
        due = _NEVER if last is None else last + self._every
        paused_until = self._breakers.paused_until(self._place(executive))
        return due if paused_until is None else max(due, paused_until)

    def _place(self, executive: Executive) -> str:
        return self._collector.place(executive.account.native_id)

    async def tick(self) -> None:
        """Poll everybody who is due."""
        for executive in list(self._executives):
            asked_at = self._clock()
            if self._due(executive) <= asked_at:
                await self._poll(executive, asked_at)

    async def _poll(self, executive: Executive, asked_at: datetime) -> None:
        self._tried_at[executive.account.account_id] = asked_at
        seen = await self._collector.engagement(executive.account.native_id, executive.cursor, asked_at)
        at = self._clock()
        if seen.trouble is not None:
            # Only a fault that would meet every request pauses the collector: a protected timeline,
            # or the limit of the timelines alone, says nothing about the lookups.
            if seen.trouble.breaker:
                await self._breakers.note(self._place(executive), ("engagement",), seen.trouble, asked_at, at)
            return
        try:
            async with transaction(self._pool) as conn:
                await signals.record_signals(conn, executive, seen.signals, seen.cursor, at)
        except StaleState as error:
            log.warning("%s", error, extra={"event": "state_reloaded"})
            await self.load()
            return
        polled = replace(executive, cursor=seen.cursor, last_polled_at=at)
        self._executives = [polled if e.account == polled.account else e for e in self._executives]
