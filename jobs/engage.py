"""Collecting what executives visibly do: one executive at a time, the cursor stored with the acts."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from collectors.base import Collector
from jobs.health import Health
from storage import signals
from storage.db import Pool, StaleState, transaction
from storage.model.accounts import AccountId, Executive

log = logging.getLogger(__name__)


class EngagementPoller:
    """Polls each executive of one platform every `every`."""

    def __init__(self, pool: Pool, collector: Collector, every: timedelta, health: Health) -> None:
        self._pool = pool
        self._collector = collector
        self._every = every
        self._health = health
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
        return datetime.min.replace(tzinfo=UTC) if last is None else last + self._every

    async def tick(self, now: datetime) -> None:
        for i, executive in enumerate(self._executives):
            if self._due(executive) > now or self._health.gate.is_closed(now):
                continue
            self._tried_at[executive.account.account_id] = now
            seen = await self._collector.engagement(executive.account.native_id, executive.cursor, now)
            if seen.trouble is not None:
                # Only a fault that would meet every request pauses the collector: a protected timeline,
                # or the limit of the timelines alone, says nothing about the lookups.
                if seen.trouble.breaker:
                    await self._health.note(seen.trouble, now)
                continue
            try:
                async with transaction(self._pool) as conn:
                    await signals.record_signals(conn, executive, seen.signals, seen.cursor, now)
            except StaleState as error:
                log.warning("%s", error)
                await self.load()
                return
            self._executives[i] = replace(executive, cursor=seen.cursor, last_polled_at=now)
