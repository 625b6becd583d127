"""The leader of a shard: holds its lock, loads its accounts, plans, and starts again after a lost connection.

The accounts of a platform are divided into shards (`storage.model.core.shards`), one by default, and a
`LeaderLoop` leads one of them. What concerns the platform and not one account:

- Events, observer servers and vantage points: each shard for its own accounts, because they ask by account.
- Control accounts, circuit breakers and recently confirmed changes: they are the platform's and kept in the
  database. Each shard takes them up every `FOLLOW_S` (`Monitor.follow_others`).
- Labels, engagement, follows, handle records and reasons of closures: the first shard alone, because they go
  by executive, label or row of the database, and would be asked for twice.
- Requests per window and daily cost limits: counted in the database, by whichever process asks.
- Names, imports and measurements of networks belong to no leader.
"""

import asyncio
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
from storage.model.core.shards import Shard
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.errors import AlreadyHeld
from storage.postgres.locks import Held, Lock
from storage.postgres.pool import Pool, StorageError, transaction
from storage.work.shards import is_led, put_in_force, shard_numbers

log = logging.getLogger(__name__)

_SHORT_S = 0.5
_STAND_BY_S = 20.0
"""How long one turn waits for the process that plans to end: the moment it does, another takes over."""
_RELOAD_S = 5.0
"""Longer than nearly every request takes. Nothing is begun meanwhile, so that one which hangs is given up."""
_FAREWELL_S = 30.0
"""Longer than a request may take."""
FOLLOW_S = 2.0
"""How often the leader of one of several shards takes up what those of the others found out."""
_LEAVE_TO_OTHERS_S = 5.0
_LEAVE_AT_MOST_S = 15.0
"""Of a free shard: how long a process leaves it to others, for each shard that it leads, and at most."""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Slots of the sweep are counted from here, so that they stay where they are over restarts."""


class ShardsHere:
    """The shards of one platform that this process leads. It leaves further ones to other processes for some
    seconds, so that those which started with it get a share, and takes whatever is free then.
    """

    def __init__(self) -> None:
        self.taking = asyncio.Lock()
        """Held while one is taken, so that the next is taken by a process that knows of it."""
        self._led: set[int] = set()
        self._free_since_s: dict[int, float] = {}

    def took(self, index: int) -> None:
        self._led.add(index)
        self._free_since_s.clear()

    def gave_up(self, index: int) -> None:
        self._led.discard(index)

    def may_take(self, index: int, *, free: bool) -> bool:
        """Whether to take a shard that was seen now, `free` or not."""
        if not free:
            self._free_since_s.pop(index, None)
            return False
        now_s = asyncio.get_running_loop().time()
        free_for_s = now_s - self._free_since_s.setdefault(index, now_s)
        return free_for_s >= min(len(self._led) * _LEAVE_TO_OTHERS_S, _LEAVE_AT_MOST_S)


class LeaderLoop:
    """One shard of a platform, planned by this process as long as it holds the lock on the database.

    While another one holds it, this one stands by. When another number of shards is wanted, it records what
    is under way, and lets go of the lock; the new number takes effect once no shard has a leader.

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
        index: int = 0,
        shards_here: ShardsHere | None = None,
    ) -> None:
        """`index` is that of the shard; `shards_here` are those that this process leads."""
        self.tasks = tasks
        self._index = index
        self._shards_here = shards_here or ShardsHere()
        self._followed_at_s = 0.0
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

    async def lead(self, wait_s: float) -> Held | None:
        """Become the one process that plans this shard. None if the number of shards changed meanwhile.
        Raises AlreadyHeld when another process plans it.
        """
        if self._lock.held is not None:
            return self._lock.held
        self._version = -1
        held = await self._lock.take(wait_s)
        self._shards_here.took(self._index)
        async with transaction(self._pool) as conn:
            numbers = await shard_numbers(conn, self._platform)
        if self._index >= numbers.in_force or numbers.wanted != numbers.in_force:
            await self.release()
            return None
        self._monitor.turn_to(Shard(self._index, numbers.in_force))
        async with transaction(self._pool) as conn:
            named = self._settings.canaries(self._platform)
            await set_canaries(conn, self._platform, named, self._clock(), self._place)
        return held

    async def begin(self) -> None:
        """Plan from now on, or stand by for the process that does."""
        try:
            await self._take(_SHORT_S)
        except AlreadyHeld:
            self._stand_by()

    async def _take(self, wait_s: float) -> Held | None:
        """Become the leader of this shard. None if there is no such shard now, or if it is left to another
        process for some seconds. Raises AlreadyHeld.
        """
        if self._lock.held is not None:
            return self._lock.held
        async with transaction(self._pool) as conn:
            numbers = await shard_numbers(conn, self._platform)
            if numbers.wanted != numbers.in_force:
                numbers = await put_in_force(conn, self._platform)
            is_free = numbers.in_force > 1 and not await is_led(conn, self._platform, self._index)
        if self._index >= numbers.in_force or numbers.wanted != numbers.in_force:
            return None
        if numbers.in_force == 1:
            return await self.lead(wait_s)
        async with self._shards_here.taking:
            if self._shards_here.may_take(self._index, free=is_free):
                return await self.lead(_SHORT_S)
        if not is_free:
            self._stand_by()
        return None

    def _stand_by(self) -> None:
        if not self._stands_by:
            log.info(
                "Another process is the leader for %s. This worker makes requests for that process, and "
                "takes over when that process ends.",
                self._name(),
                extra={"event": "leader_standby", **self._fields()},
            )
        self._stands_by = True

    def _name(self) -> str:
        """What this process leads or may lead, for people."""
        name = PLATFORM_NAME[self._platform]
        return (
            name if self._monitor.shard.is_whole and not self._index else f"{name}, shard {self._index + 1}"
        )

    def _fields(self) -> dict[str, object]:
        """The same, for the log."""
        return {"platform": self._platform.value, "shard": self._index + 1}

    async def release(self) -> None:
        """Leave the planning to another process."""
        self._intake.let_go()
        for listener in self._listeners:
            listener.let_go()
        await self._lock.let_go()
        self._shards_here.gave_up(self._index)

    async def drain(self) -> None:
        """Begin nothing more, and record what is under way."""
        self._intake.let_go()  # whoever plans next records what others were asked
        await self._monitor.settled(_FAREWELL_S)
        await self.release()

    async def _hand_over(self) -> None:
        """Withdraw what waits in the queue, record what workers have in hand, and give up the shard, because
        another number of shards is wanted.
        """
        await self._monitor.settled(_FAREWELL_S, self._intake.take_back)
        await self.release()
        log.info(
            "This process is no longer the leader for %s, because the number of shards changes",
            self._name(),
            extra={"event": "leader_handed_over", **self._fields()},
        )

    async def turn(self) -> None:
        """Begin what is due. Raises StorageError; after a lost connection the next turn starts anew."""
        try:
            held = await self._take(_STAND_BY_S)
            if held is None:
                return
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
                self._name(),
                extra={"event": "leader_elected", **self._fields()},
            )
            self._stands_by = False
        async with transaction(self._pool) as conn:
            version = await watch_version(conn, self._version)
            numbers = await shard_numbers(conn, self._platform)
        if numbers.wanted != numbers.in_force:
            await self._hand_over()
            return
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
        await self._follow_others()
        if self._can_date() and self._monitor.next_due() <= self._clock():
            await self._monitor.step()

    async def _follow_others(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if not self._monitor.shard.is_whole and now_s - self._followed_at_s >= FOLLOW_S:
            await self._monitor.follow_others()
            self._followed_at_s = now_s

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
