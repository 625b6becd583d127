"""Everything that reads one platform in a running installation: the monitor, its periodic tasks, its event
stream.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from collectors.core.abilities import Abilities
from collectors.core.collector import Collector
from jobs.base.clock import Clock
from jobs.base.database_clock import SteadyClock
from jobs.base.periodic_task import PeriodicTask
from jobs.collect.closure_reasons import ClosureReasonsLoop
from jobs.collect.collector_factory import abilities_of, collector_of
from jobs.collect.event_stream import EventListener, Listener
from jobs.collect.label_listener import LabelListener
from jobs.collect.labeled_profiles import LabeledProfileReader
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.observers import Observers
from jobs.collect.past_handles import HandleRecords
from jobs.collect.pipeline import reading_pipeline
from jobs.collect.vantages import AT_ONCE as AT_ONCE_ELSEWHERE
from jobs.collect.vantages import VantageReader
from jobs.config.settings import Settings, SettingsError
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.answer_intake import AnswerIntake
from jobs.dispatch.local_requester import LocalRequester, Requester
from jobs.dispatch.queued_requester import QueuedRequester
from jobs.dispatch.shared_rate_limits import SharedBudgets
from jobs.dispatch.worker import AT_ONCE, QueueWorker
from jobs.engagement.follows import FollowsPoller
from jobs.engagement.follows_of_watched import FollowsOfWatched
from jobs.engagement.likes import LikesPoller
from jobs.engagement.post_likes import WatchedPosts
from jobs.engagement.timelines import EngagementPoller
from jobs.planning.daily_cost_guard import CostLimitedCollector, CostLimitGuard, cost_limit_for
from jobs.planning.sweep import Sweep
from jobs.runtime.leader import EPOCH, LeaderLoop, ShardsHere
from jobs.runtime.loop_scheduler import WAKE_S, Loop, scheduled
from storage.countries.label_record import end_labelers
from storage.countries.labeled_profiles import drop_profiles_without_label
from storage.model.core.accounts import Platform
from storage.model.core.platform_request import source_name
from storage.model.core.shards import Shard, ShardNumbers
from storage.model.sizing.question import PlannerKind
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool, transaction
from storage.work.shards import shard_numbers
from storage.work.workers import planning_lock

LoopTurns = Mapping[str, Callable[[], Awaitable[None]]]
"""What has to be called again and again, by name."""


@dataclass(frozen=True, slots=True)
class _PlatformParts:
    """What all shards of one platform share in this process."""

    settings: Settings
    dsn: str
    pool: Pool
    collector: Collector
    reader: Collector
    """The same, within the daily cost limit."""
    cost_limit: CostLimitGuard | None
    worker: QueueWorker
    clock: SteadyClock
    abilities: Abilities
    here: Requester
    vantages: Mapping[str, tuple[Collector, Requester]]
    """By name."""
    shards_here: ShardsHere

    def requester(self, here: Requester, vantage: str, shard: Callable[[], Shard]) -> QueuedRequester:
        source = source_name(self.collector.platform, vantage)
        clock = self.clock
        return QueuedRequester(self.pool, source, self.worker.worker_id, here, clock, clock.is_right, shard)


@asynccontextmanager
async def platform_loops(
    settings: Settings,
    dsn: str,
    pool: Pool,
    platform: Platform,
    worker: QueueWorker,
    budgets: SharedBudgets,
    clock: SteadyClock,
    mend: Callable[[], Awaitable[None]] | None = None,
) -> AsyncGenerator[LoopTurns]:
    """Hold the locks of the shards of a platform, or stand by for them, and its connections; yields the turns
    of its loops. `mend` is for the loops of further shards; see `jobs.runtime.loop_scheduler.Loop`.

    `worker` learns what this process can read; `budgets` count its requests with those of all others.
    Raises SettingsError.
    """
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collector_of(settings, platform, budgets=budgets))
        cost_limit = cost_limit_for(settings.daily_cost(platform), pool, platform)
        reader = collector if cost_limit is None else CostLimitedCollector(collector, cost_limit)
        worker.reads({source_name(platform): reader})
        abilities = abilities_of(settings, platform, collector, budgets)
        for connection in abilities.connections:
            await stack.enter_async_context(connection)
        # From a vantage point all accounts are swept, which a cost limit would not pay for.
        is_swept = cost_limit is None or cost_limit.wanted is None
        vantages: dict[str, tuple[Collector, Requester]] = {}
        for vantage in settings.vantages if is_swept else ():
            there = await stack.enter_async_context(collector_of(settings, platform, vantage, budgets))
            there = there if cost_limit is None else CostLimitedCollector(there, cost_limit)
            worker.reads({source_name(platform, vantage): there})
            vantages[vantage] = there, LocalRequester(there, clock, AT_ONCE_ELSEWHERE)
        async with transaction(pool) as conn:
            numbers = await shard_numbers(conn, platform)
            followed = () if abilities.labels is None else abilities.labels.countries
            await end_labelers(conn, platform, followed, clock())
            await drop_profiles_without_label(conn, platform)
        if (reason := refuses_shards(settings, platform)) is not None and numbers != ShardNumbers():
            raise SettingsError(reason)
        here = LocalRequester(reader, clock, AT_ONCE)
        parts = _PlatformParts(
            settings,
            dsn,
            pool,
            collector,
            reader,
            cost_limit,
            worker,
            clock,
            abilities,
            here,
            vantages,
            ShardsHere(),
        )
        group = await stack.enter_async_context(asyncio.TaskGroup())
        turns = dict(await stack.enter_async_context(_shard_loops(parts, 0)))
        further = FurtherShards(group, partial(_shard_loops, parts), mend)
        stack.push_async_callback(further.end)

        async def keep_up() -> None:
            async with transaction(pool) as conn:
                numbers = await shard_numbers(conn, platform)
            await further.keep(numbers.in_force)

        turns[f"Leading further shards of {platform.value}"] = keep_up
        yield turns


def refuses_shards(settings: Settings, platform: Platform) -> str | None:
    """Why a platform cannot have several shards with these settings, with the fix. None if it can.

    The adaptive planner learns and stores change rates for the whole platform, and divides the daily cost
    limit among the accounts that it holds.
    """
    if settings.planner is not PlannerKind.ADAPTIVE:  # only that one obeys a daily cost limit
        return None
    return (
        f"{PLATFORM_NAME[platform]} cannot have several shards, because the setting planner is “adaptive”. "
        f"Set it to “sweep”, or keep one shard: blockline workers shards {platform.value} 1."
    )


class FurtherShards:
    """The loops of the shards of one platform beside the first, as many as are in force."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        loops: Callable[[int], AbstractAsyncContextManager[LoopTurns]],
        mend: Callable[[], Awaitable[None]] | None,
    ) -> None:
        """`loops` begins those of one shard, by its index; they run in `group`."""
        self._group = group
        self._loops = loops
        self._mend = mend
        self._running: dict[int, tuple[asyncio.Task[Exception | None], asyncio.Event]] = {}

    async def keep(self, count: int) -> None:
        """Run the loops of the shards below `count`, and end those of all others. Raises what ended one."""
        for index in [i for i in self._running if i >= count]:
            await self._end(index)
        for index, (running, _) in [*self._running.items()]:
            if running.done():
                del self._running[index]
                if (fault := running.result()) is not None:
                    raise fault
        for index in range(1, count):
            if index not in self._running:
                ended = asyncio.Event()
                self._running[index] = self._group.create_task(self._run(index, ended)), ended

    async def end(self) -> None:
        """End the loops of all shards."""
        for index in [*self._running]:
            await self._end(index)

    async def _end(self, index: int) -> None:
        running, ended = self._running.pop(index)
        ended.set()
        await running

    async def _run(self, index: int, ended: asyncio.Event) -> Exception | None:
        """Return what ended the loops, if not `ended`: `keep` raises it, and begins them again later."""
        try:
            async with self._loops(index) as turns:
                loops = [(Loop(name, work, self._mend), WAKE_S) for name, work in turns.items()]
                async with scheduled(loops):
                    await ended.wait()
        except Exception as error:  # noqa: BLE001 - the other shards are read on
            return error
        return None


@asynccontextmanager
async def _shard_loops(parts: _PlatformParts, index: int) -> AsyncGenerator[LoopTurns]:
    """Hold the lock of one shard, or stand by for it; yields the turns of its loops. The first one also does
    what concerns the platform as a whole.
    """
    settings, pool, clock, abilities = parts.settings, parts.pool, parts.clock, parts.abilities
    collector, cost_limit = parts.collector, parts.cost_limit
    platform = collector.platform
    sweep = Sweep(settings.sweep_every, EPOCH)
    of_shard = f", shard {index + 1}" if index else ""
    async with AsyncExitStack() as stack:
        lock = Lock(parts.dsn, planning_lock(platform, index))
        requester = parts.requester(parts.here, "", lambda: monitor.shard)
        monitor = reading_pipeline(
            pool,
            parts.reader,
            ConfirmationRule(),
            MonitorSettings(sweep, settings.planner),
            clock,
            requester,
            cost_limit,
            lock.fence,
        )
        intake = AnswerIntake(parts.dsn)
        intake.add(requester, monitor.take_in, monitor.breakers.is_paused)
        tasks: dict[str, PeriodicTask] = {
            f"Looking after the control accounts of {platform.value}": monitor.canaries
        }
        if abilities.other_servers is not None:
            name = f"Asking other servers of {platform.value}"
            tasks[name] = Observers(
                pool, platform, abilities.other_servers, abilities.observers, monitor, clock
            )
        if not index:
            tasks[f"Collecting engagement from {platform.value}"] = EngagementPoller(
                pool, collector, settings.engagement_every, monitor.breakers, clock
            )
            tasks |= _further_tasks(settings, pool, collector, abilities, monitor, clock)
        can_date = dict.fromkeys(tasks, clock.is_right)  # they ask from this machine
        for vantage, (there, from_here) in parts.vantages.items():
            from_there = parts.requester(from_here, vantage, lambda: monitor.shard)
            vantage_reader = VantageReader(pool, there, vantage, monitor, sweep, clock, from_there)
            name = f"Reading {platform.value} from {vantage}"
            tasks[name], can_date[name] = vantage_reader, from_there.can_date
            intake.add(from_there, vantage_reader.take_in, vantage_reader.breakers.is_paused)
        listeners: list[Listener] = []
        if abilities.events is not None:
            listeners.append(EventListener(pool, platform, abilities.events, monitor, clock))
        if abilities.labels is not None and not index:
            listeners.append(LabelListener(pool, platform, abilities.labels, clock, clock.is_right))
        leader = LeaderLoop(
            settings,
            lock,
            pool,
            collector,
            monitor,
            tasks,
            listeners,
            intake,
            clock,
            requester.can_date,
            cost_limit,
            index,
            parts.shards_here,
        )
        stack.push_async_callback(leader.release)
        await leader.begin()
        turns = {f"Collecting from {platform.value}{of_shard}": leader.turn}
        turns |= {f"{name}{of_shard}": leader.task_turn(task, can_date[name]) for name, task in tasks.items()}
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(intake.run(leader.is_planning))]
            background += [group.create_task(listener.run()) for listener in listeners]
            try:
                yield turns
            finally:
                for running in background:
                    running.cancel()
                await leader.drain()


def _further_tasks(
    settings: Settings,
    pool: Pool,
    collector: Collector,
    abilities: Abilities,
    monitor: Monitor,
    clock: Clock,
) -> dict[str, PeriodicTask]:
    """What this platform shows beside statuses and timelines, and the settings ask for."""
    platform, able = collector.platform, abilities
    tasks: dict[str, PeriodicTask] = {}
    if able.profiles is not None:
        name = f"Reading profiles that labels of {platform.value} are about"
        tasks[name] = LabeledProfileReader(pool, platform, able.profiles, clock)
    if able.past_handles is not None:
        name = f"Collecting handles from {able.past_handles.handle_source}"
        tasks[name] = HandleRecords(pool, platform, able.past_handles, clock)
    if able.follows_among is not None:
        name = f"Collecting follows from {platform.value}"
        tasks[name] = FollowsOfWatched(pool, platform, able.follows_among, monitor, clock)
    if able.follow_lists is not None:
        name = f"Collecting lists of follows from {platform.value}"
        tasks[name] = FollowsPoller(pool, collector, able.follow_lists, able.follows_every, clock)
    if able.likes is not None:
        name = f"Collecting likes from {platform.value}"
        tasks[name] = LikesPoller(pool, platform, able.likes, settings.engagement_every, clock)
    if able.post_likes is not None:
        name = f"Reading who likes watched posts on {platform.value}"
        tasks[name] = WatchedPosts(pool, platform, able.post_likes, able.watched_posts, clock)
    if able.closure_reasons is not None:
        name = f"Asking {platform.value} why accounts vanished"
        tasks[name] = ClosureReasonsLoop(pool, platform, able.closure_reasons, clock)
    return tasks
