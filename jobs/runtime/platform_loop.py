"""Everything that reads one platform in a running installation: the monitor, its periodic tasks, its event
stream.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

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
from jobs.config.settings import Settings
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.answer_intake import AnswerIntake
from jobs.dispatch.local_requester import LocalRequester
from jobs.dispatch.queued_requester import QueuedRequester
from jobs.dispatch.shared_rate_limits import SharedBudgets
from jobs.dispatch.worker import AT_ONCE, QueueWorker
from jobs.engagement.follows import FollowsPoller
from jobs.engagement.follows_of_watched import FollowsOfWatched
from jobs.engagement.likes import LikesPoller
from jobs.engagement.post_likes import WatchedPosts
from jobs.engagement.timelines import EngagementPoller
from jobs.planning.daily_cost_guard import CostLimitedCollector, cost_limit_for
from jobs.planning.sweep import Sweep
from jobs.runtime.leader import EPOCH, LeaderLoop
from storage.countries.label_record import end_labelers
from storage.countries.labeled_profiles import drop_profiles_without_label
from storage.model.core.accounts import Platform
from storage.model.core.platform_request import source_name
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool, transaction
from storage.work.workers import planning_lock

LoopTurns = Mapping[str, Callable[[], Awaitable[None]]]
"""What has to be called again and again, by name."""


@asynccontextmanager
async def platform_loops(
    settings: Settings,
    dsn: str,
    pool: Pool,
    platform: Platform,
    worker: QueueWorker,
    budgets: SharedBudgets,
    clock: SteadyClock,
) -> AsyncGenerator[LoopTurns]:
    """Hold the lock of a platform, or stand by for it, and its connections; yields the turns of its loops.

    `worker` learns what this process can read; `budgets` count its requests with those of all others.
    Raises SettingsError.
    """
    sweep = Sweep(settings.sweep_every, EPOCH)
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collector_of(settings, platform, budgets=budgets))
        cost_limit = cost_limit_for(settings.daily_cost(platform), pool, platform)
        reader = collector if cost_limit is None else CostLimitedCollector(collector, cost_limit)
        worker.reads({source_name(platform): reader})
        requester = _requester(pool, reader, "", worker, AT_ONCE, clock)
        lock = Lock(dsn, planning_lock(platform))
        monitor = reading_pipeline(
            pool,
            reader,
            ConfirmationRule(),
            MonitorSettings(sweep, settings.planner),
            clock,
            requester,
            cost_limit,
            lock.fence,
        )
        intake = AnswerIntake(dsn)
        intake.add(requester, monitor.take_in, monitor.breakers.is_paused)
        abilities = abilities_of(settings, platform, collector, budgets)
        for connection in abilities.connections:
            await stack.enter_async_context(connection)
        tasks: dict[str, PeriodicTask] = {
            f"Looking after the control accounts of {platform.value}": monitor.canaries,
            f"Collecting engagement from {platform.value}": EngagementPoller(
                pool, collector, settings.engagement_every, monitor.breakers, clock
            ),
            **_further_tasks(settings, pool, collector, abilities, monitor, clock),
        }
        is_swept = cost_limit is None or cost_limit.wanted is None  # who reads elsewhere sweeps everybody
        can_date = dict.fromkeys(tasks, clock.is_right)  # they ask from this machine
        for vantage in settings.vantages if is_swept else ():
            there = await stack.enter_async_context(collector_of(settings, platform, vantage, budgets))
            there = there if cost_limit is None else CostLimitedCollector(there, cost_limit)
            worker.reads({source_name(platform, vantage): there})
            from_there = _requester(pool, there, vantage, worker, AT_ONCE_ELSEWHERE, clock)
            vantage_reader = VantageReader(pool, there, vantage, monitor, sweep, clock, from_there)
            name = f"Reading {platform.value} from {vantage}"
            tasks[name], can_date[name] = vantage_reader, from_there.can_date
            intake.add(from_there, vantage_reader.take_in, vantage_reader.breakers.is_paused)
        listeners: list[Listener] = []
        if abilities.events is not None:
            listeners.append(EventListener(pool, platform, abilities.events, monitor, clock))
        if abilities.labels is not None:
            listeners.append(LabelListener(pool, platform, abilities.labels, clock, clock.is_right))
        async with transaction(pool) as conn:
            followed = () if abilities.labels is None else abilities.labels.countries
            await end_labelers(conn, platform, followed, clock())
            await drop_profiles_without_label(conn, platform)
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
        )
        stack.push_async_callback(leader.release)
        await leader.begin()
        turns = {f"Collecting from {platform.value}": leader.turn}
        turns |= {name: leader.task_turn(task, can_date[name]) for name, task in tasks.items()}
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(intake.run(leader.is_planning))]
            background += [group.create_task(listener.run()) for listener in listeners]
            try:
                yield turns
            finally:
                for running in background:
                    running.cancel()
                await leader.drain()


def _requester(
    pool: Pool, collector: Collector, vantage: str, worker: QueueWorker, at_once: int, clock: SteadyClock
) -> QueuedRequester:
    here = LocalRequester(collector, clock, at_once)
    source = source_name(collector.platform, vantage)
    return QueuedRequester(pool, source, worker.worker_id, here, clock, clock.is_right)


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
    if able.other_servers is not None:
        name = f"Asking other servers of {platform.value}"
        tasks[name] = Observers(pool, platform, able.other_servers, able.observers, monitor, clock)
    if able.closure_reasons is not None:
        name = f"Asking {platform.value} why accounts vanished"
        tasks[name] = ClosureReasonsLoop(pool, platform, able.closure_reasons, clock)
    return tasks
