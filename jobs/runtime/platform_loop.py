"""Everything that reads one platform in a running installation: the monitor, its chores, its event stream."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.jetstream import Jetstream
from collectors.core.collector import Collector
from collectors.mastodon.collector import MastodonCollector
from collectors.x.collector import XCollector
from jobs.base.clock import Clock
from jobs.base.database_clock import SteadyClock
from jobs.base.periodic_task import PeriodicTask
from jobs.collect.collector_factory import collector_of, compliance_jobs, likes_readers
from jobs.collect.event_stream import EventListener
from jobs.collect.handle_history import HandleRecords
from jobs.collect.mastodon_observers import Observers
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.vantages import AT_ONCE as AT_ONCE_ELSEWHERE
from jobs.collect.vantages import VantageReader
from jobs.collect.x_compliance import ComplianceLoop
from jobs.config.settings import Settings
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.answer_intake import AnswerIntake
from jobs.dispatch.local_requester import LocalRequester
from jobs.dispatch.queued_requester import QueuedRequester
from jobs.dispatch.shared_rate_limits import SharedBudgets
from jobs.dispatch.worker import AT_ONCE, QueueWorker
from jobs.engagement.bluesky_relations import Relations
from jobs.engagement.follows import FollowsPoller
from jobs.engagement.likes import LikesPoller
from jobs.engagement.mastodon_favourites import WatchedPosts
from jobs.engagement.timelines import EngagementPoller
from jobs.planning.daily_cost_guard import CostLimitedCollector, cost_limit_for
from jobs.planning.sweep_schedule import Sweep
from jobs.runtime.leader import EPOCH, LeaderLoop
from storage.model.core.accounts import Platform
from storage.model.core.platform_request import source_name
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool
from storage.work.workers import planning_lock

Turns = Mapping[str, Callable[[], Awaitable[None]]]
"""What has to be called again and again, by name."""


@asynccontextmanager
async def reading(
    settings: Settings,
    dsn: str,
    pool: Pool,
    platform: Platform,
    working: QueueWorker,
    budgets: SharedBudgets,
    clock: SteadyClock,
) -> AsyncGenerator[Turns]:
    """Hold the lock of a platform, or stand by for it, and its connections; yields the turns of its loops.

    `working` is told what this process can read; `budgets` count its requests with those of all others.
    Raises SettingsError.
    """
    sweep = Sweep(settings.sweep_every, EPOCH)
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collector_of(settings, platform, budgets=budgets))
        paid = cost_limit_for(settings.x_daily_cost, pool, platform)
        reader = collector if paid is None else CostLimitedCollector(collector, paid)
        working.reads({source_name(platform): reader})
        asking = _dispatch(pool, reader, "", working, AT_ONCE, clock)
        lock = Lock(dsn, planning_lock(platform))
        monitor = Monitor(
            pool,
            reader,
            ConfirmationRule(),
            MonitorSettings(sweep, settings.planner),
            clock,
            asking,
            paid,
            lock.fence,
        )
        answering = AnswerIntake()
        answering.add(asking, monitor.take_in, monitor.health.is_paused)
        chores: dict[str, PeriodicTask] = {
            f"Looking after the control accounts of {platform.value}": monitor.control,
            f"Collecting engagement from {platform.value}": EngagementPoller(
                pool, collector, settings.engagement_every, monitor.health, clock
            ),
            **await _own_chores(settings, pool, collector, monitor, stack, budgets, clock),
        }
        is_swept = paid is None or paid.wanted is None  # who reads elsewhere sweeps everybody
        can_date = dict.fromkeys(chores, clock.is_right)  # they ask from this machine
        for vantage in settings.vantages if is_swept else ():
            there = await stack.enter_async_context(collector_of(settings, platform, vantage, budgets))
            there = there if paid is None else CostLimitedCollector(there, paid)
            working.reads({source_name(platform, vantage): there})
            from_there = _dispatch(pool, there, vantage, working, AT_ONCE_ELSEWHERE, clock)
            elsewhere = VantageReader(pool, there, vantage, monitor, sweep, clock, from_there)
            name = f"Reading {platform.value} from {vantage}"
            chores[name], can_date[name] = elsewhere, from_there.can_date
            answering.add(from_there, elsewhere.take_in, elsewhere.health.is_paused)
        push = None
        if platform is Platform.BLUESKY and settings.bluesky_jetstream:
            push = EventListener(pool, Jetstream(settings.bluesky_jetstream), monitor, clock)
        collecting = LeaderLoop(
            settings,
            lock,
            pool,
            collector,
            monitor,
            chores,
            push,
            answering,
            clock,
            asking.can_date,
            paid,
        )
        stack.push_async_callback(collecting.let_go)
        await collecting.begin()
        turns = {f"Collecting from {platform.value}": collecting.turn}
        turns |= {name: collecting.chore_turn(chore, can_date[name]) for name, chore in chores.items()}
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(answering.run(collecting.is_planning))]
            if push is not None:
                beside.append(group.create_task(push.run()))
            try:
                yield turns
            finally:
                for task in beside:
                    task.cancel()
                await collecting.drain()


def _dispatch(
    pool: Pool, collector: Collector, vantage: str, working: QueueWorker, at_once: int, clock: SteadyClock
) -> QueuedRequester:
    here = LocalRequester(collector, clock, at_once)
    source = source_name(collector.platform, vantage)
    return QueuedRequester(pool, source, working.worker_id, here, clock, clock.is_right)


async def _own_chores(
    settings: Settings,
    pool: Pool,
    collector: Collector,
    monitor: Monitor,
    stack: AsyncExitStack,
    budgets: SharedBudgets,
    clock: Clock,
) -> dict[str, PeriodicTask]:
    """What only this platform lets anyone see."""
    match collector:
        case BlueskyCollector():
            return {
                "Collecting handles from PLC": HandleRecords(pool, collector, clock),
                "Collecting follows from bluesky": Relations(pool, collector, monitor, clock),
            }
        case MastodonCollector():
            return _chores_of_mastodon(settings, pool, collector, monitor, clock)
        case XCollector():
            return await _chores_of_x(settings, pool, collector, stack, budgets, clock)
        case _:
            return {}


def _chores_of_mastodon(
    settings: Settings, pool: Pool, collector: MastodonCollector, monitor: Monitor, clock: Clock
) -> dict[str, PeriodicTask]:
    chores: dict[str, PeriodicTask] = {}
    if settings.mastodon_observers:
        chores["Asking other servers"] = Observers(
            pool, collector, settings.mastodon_observers, monitor, clock
        )
    if settings.mastodon_watched_posts:
        chores["Reading who favourited watched posts"] = WatchedPosts(
            pool, collector, settings.mastodon_watched_posts, clock
        )
    return chores


async def _chores_of_x(
    settings: Settings,
    pool: Pool,
    collector: XCollector,
    stack: AsyncExitStack,
    budgets: SharedBudgets,
    clock: Clock,
) -> dict[str, PeriodicTask]:
    """Likes are always among them, so that it is on record that they cannot be seen, and since when."""
    readers = likes_readers(settings, budgets)
    for reader in readers.values():
        await stack.enter_async_context(reader)
    chores: dict[str, PeriodicTask] = {
        "Collecting likes from x": LikesPoller(pool, readers, settings.engagement_every, clock)
    }
    if settings.x_follows_every is not None:
        chores["Collecting follows from x"] = FollowsPoller(pool, collector, settings.x_follows_every, clock)
    if (jobs := compliance_jobs(settings, budgets)) is not None:
        await stack.enter_async_context(jobs)
        chores["Asking x why accounts vanished"] = ComplianceLoop(pool, jobs, clock)
    return chores
