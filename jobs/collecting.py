"""The collecting side of a running installation: holds the lock, loads, ticks, starts anew after a loss."""

import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from collectors.base import Collector
from jobs.clock import system_clock
from jobs.confirm import ConfirmationRule
from jobs.engage import EngagementPoller
from jobs.monitor import Monitor, MonitorSettings
from jobs.planner import Sweep
from jobs.settings import Settings
from storage.accounts import accounts_version, set_canaries
from storage.db import Held, Pool, StorageError, exclusive, transaction

log = logging.getLogger(__name__)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Slots of the sweep are counted from here, so that they stay where they are over restarts."""


class Collecting:
    """One platform, watched by this process as long as it holds the lock on the database."""

    def __init__(self, settings: Settings, dsn: str, pool: Pool, collector: Collector) -> None:
        self._settings = settings
        self._dsn = dsn
        self._pool = pool
        self._platform = collector.platform
        self._held: Held | None = None
        self._lock = AsyncExitStack()
        self._version = -1
        sweep = Sweep(settings.sweep_every, _EPOCH)
        self._monitor = Monitor(pool, collector, ConfirmationRule(), MonitorSettings(sweep), system_clock)
        self._engagement = EngagementPoller(
            pool, collector, settings.engagement_every, self._monitor.health, system_clock
        )

    async def take_hold(self, wait_s: float) -> Held:
        """Become the one process that collects. Raises AlreadyHeld when another one does."""
        if self._held is not None:
            return self._held
        self._version = -1
        lock = exclusive(self._dsn, f"monitor of {self._platform.value}", wait_s)
        self._held = await self._lock.enter_async_context(lock)
        async with transaction(self._pool) as conn:
            await set_canaries(conn, self._platform, self._settings.canaries(), system_clock())
        if not self._settings.x_canaries:
            log.warning(
                "No control accounts are set (setting x_canaries): an outage of X that makes accounts look "
                "missing could then not be told from a mass block."
            )
        return self._held

    async def let_go(self) -> None:
        """Leave the collecting to another process."""
        self._held = None
        await self._lock.aclose()

    async def turn(self) -> None:
        """Read what is due. Raises StorageError; after a lost connection the next turn starts anew."""
        try:
            held = await self.take_hold(wait_s=1)
            await held.check()
        except StorageError:
            await self.let_go()
            raise
        async with transaction(self._pool) as conn:
            version = await accounts_version(conn)
        if version != self._version:
            await self._monitor.load()
            await self._engagement.load()
            self._version = version
        if self._monitor.next_due() <= system_clock():
            await self._monitor.tick()

    async def engagement_turn(self) -> None:
        """Poll the executives who are due, beside the reading of accounts."""
        due = self._engagement.next_due()
        if self._held is not None and due is not None and due <= system_clock():
            await self._engagement.tick()
