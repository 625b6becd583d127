"""The planning side of a running installation: holds the lock, loads, plans, starts anew after a loss."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

from collectors.core.collector import Collector
from jobs.base.clock import Clock
from jobs.base.periodic_task import PeriodicTask
from jobs.collect.event_stream import Listener
from jobs.collect.monitor import Monitor
from jobs.config.settings import Settings
from jobs.dispatch.answer_intake import AnswerIntake
from jobs.planning.daily_cost_guard import CostLimitGuard
from storage.accounts.accounts import watch_version
from storage.accounts.canaries import set_canaries
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.errors import AlreadyHeld
from storage.postgres.locks import Held, Lock
from storage.postgres.pool import Pool, StorageError, transaction

log = logging.getLogger(__name__)

_SHORT_S = 0.5
_STAND_BY_S = 20.0
"""How long one turn waits for the process that plans to end: the moment it does, another takes over."""
_RELOAD_S = 5.0
"""Longer than nearly every request takes. Nothing is begun meanwhile, so that one which hangs is given up."""
_FAREWELL_S = 30.0
"""Longer than a request may take."""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Slots of the sweep are counted from here, so that they stay where they are over restarts."""


class LeaderLoop:
    """One platform, planned by this process as long as it holds the lock on the database.

    While another one holds it, this one stands by.

    `tasks` are done beside the reading, by name; `listeners` listen as long as this process plans. `intake`
    takes in what other workers read. `cost_limit` says when another daily cost limit holds. Nothing is begun
    unless what it brings can be dated.
    """

    def __init__(
        self,
        settings: Settings,
        lock: Lock,
        pool: Pool,
        collector: Collector,
        monitor: Monitor,
        tasks: Mapping[str, PeriodicTask],
        listeners: Sequence[Listener],
        intake: AnswerIntake,
        clock: Clock,
        can_date: Callable[[], bool],
        cost_limit: CostLimitGuard | None = None,
    ) -> None:
        self.tasks = tasks
        self._settings = settings
        self._lock = lock
        self._pool = pool
        self._platform = collector.platform
        self._place = collector.place
        self._monitor = monitor
        self._listeners = listeners
        self._intake = intake
        self._clock = clock
        self._can_date = can_date
        self._cost_limit = cost_limit
        self._version = -1
        self._stands_by = False

    def is_planning(self) -> bool:
        """Whether this is the process that says what is read, as far as it knows."""
        return self._lock.held is not None and self._version >= 0

    async def lead(self, wait_s: float) -> Held:
        """Become the one process that plans. Raises AlreadyHeld when another one does."""
        if self._lock.held is not None:
            return self._lock.held
        self._version = -1
        held = await self._lock.take(wait_s)
        async with transaction(self._pool) as conn:
            named = self._settings.canaries(self._platform)
            await set_canaries(conn, self._platform, named, self._clock(), self._place)
        return held

    async def begin(self) -> None:
        """Plan from now on, or stand by for the process that does."""
        try:
            await self.lead(wait_s=_SHORT_S)
        except AlreadyHeld:
            self._stand_by()

    def _stand_by(self) -> None:
        if not self._stands_by:
            log.info(
                "Another process is the leader for %s. This worker makes requests for that process, and "
                "takes over when that process ends.",
                PLATFORM_NAME[self._platform],
                extra={"event": "leader_standby", "platform": self._platform.value},
            )
        self._stands_by = True

    async def release(self) -> None:
        """Leave the planning to another process."""
        self._intake.let_go()
        for listener in self._listeners:
            listener.let_go()
        await self._lock.let_go()

    async def drain(self) -> None:
        """Begin nothing more, and record what is under way."""
        self._intake.let_go()  # whoever plans next records what others were asked
        await self._monitor.settled(_FAREWELL_S)
        await self.release()

    async def turn(self) -> None:
        """Begin what is due. Raises StorageError; after a lost connection the next turn starts anew."""
        try:
            held = await self.lead(wait_s=_STAND_BY_S)
            await held.check()
        except AlreadyHeld:
            self._stand_by()
            return
        except StorageError:
            await self.release()
            raise
        if self._stands_by:
            log.info(
                "This process is now the leader for %s",
                PLATFORM_NAME[self._platform],
                extra={"event": "leader_elected", "platform": self._platform.value},
            )
            self._stands_by = False
        async with transaction(self._pool) as conn:
            version = await watch_version(conn, self._version)
        is_outdated = self._cost_limit is not None and self._cost_limit.is_outdated(self._clock())
        if version.number != self._version or is_outdated:
            await self._monitor.settled(_RELOAD_S)
            async with self._intake.still():
                await self._monitor.load(None if is_outdated else version.edited)
                for task in self.tasks.values():
                    await task.load()
                for listener in self._listeners:
                    listener.renew()
                await self._intake.adopt()
                self._version = version.number
        if self._can_date() and self._monitor.next_due() <= self._clock():
            await self._monitor.step()

    def task_turn(self, task: PeriodicTask, can_date: Callable[[], bool]) -> Callable[[], Awaitable[None]]:
        """One turn of a periodic task: it works only while this process holds the lock and has loaded, and
        what it reads can be dated.
        """

        async def turn() -> None:
            if not self.is_planning() or not can_date():
                return
            due = task.next_due()
            if due is not None and due <= self._clock():
                await task.tick()

        return turn
