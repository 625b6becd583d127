"""The whole pipeline against simulators, in simulated time: what rehearsals and the demonstration share."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from collectors.core.collector import Collector
from collectors.core.rate_limit_headers import LONGEST_WAIT, longest_pause
from collectors.simulator.canaries import canaries_of
from collectors.simulator.history import History, HistoryAccount
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from jobs.base.clock import SimulatedClock
from jobs.collect.collector_factory import connection_of
from jobs.collect.monitor import MonitorCounts, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from jobs.detect.confirmation import ConfirmationRule
from jobs.engagement.timelines import EngagementPoller
from jobs.messages.compose import Letterhead
from jobs.planning.sweep import Sweep
from jobs.rehearsal.driver import PlatformWatch, Scripted, Simulation, play
from jobs.rehearsal.mail_loop import MailLoop
from jobs.rehearsal.simulators import Simulators
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.alerts.rules import keep_to_settings
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.platforms.registry import DECLARED
from storage.model.sizing.question import PlannerKind
from storage.postgres.locks import exclusive
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings import coverage
from storage.work.workers import planning_lock


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What is watched, how closely, from when to when."""

    start: datetime
    end: datetime
    every: timedelta
    engagement_every: timedelta = timedelta(minutes=15)
    planner: PlannerKind = PlannerKind.SWEEP


@dataclass(frozen=True, slots=True)
class Mailing:
    """Where the mails of a simulated run go, and under which rule."""

    host: str
    port: int
    rule: AlertRule
    head: Letterhead


_ONCE = Retry(attempts=0)


def collector_at(
    platform: Platform, address: str, hosts: Sequence[str], every: timedelta = LONGEST_WAIT
) -> Collector:
    """A collector that asks the simulator at `address`, as fast as it goes and without repeats.

    `every` is the length of the sweep that it reads for.
    """
    http = HttpOptions(retry=_ONCE, longest_pause=longest_pause(every))
    http = replace(http, guard=Guard({urlsplit(address).netloc}))
    return connection_of(platform).simulated(address, hosts, http)


def simulated_hosts(accounts: Sequence[HistoryAccount]) -> tuple[str, ...]:
    """The servers of federated platforms that hold these accounts."""
    of = [urlsplit(a.native_id).netloc for a in accounts if DECLARED[a.platform].is_federated]
    return tuple(dict.fromkeys(of))


def simulated_canaries(history: History) -> dict[Platform, list[tuple[str, str, Status]]]:
    """The control accounts that the simulators serve beside a history."""
    platforms = dict.fromkeys(a.platform for a in history.accounts)
    return {
        platform: [(c.native_id, c.handles[0], c.states[0].status) for c in canaries_of(platform, history)]
        for platform in platforms
    }


async def enlist(pool: Pool, accounts: Sequence[HistoryAccount], now: datetime) -> None:
    """Put accounts on the watch. Repeating it adds nothing."""
    async with transaction(pool) as conn:
        await add_accounts(
            conn,
            [NewAccount(a.platform, a.native_id, a.handle_at(now), a.lists) for a in accounts],
            now,
        )


async def set_controls(
    pool: Pool,
    canaries: Mapping[Platform, Sequence[tuple[str, str, Status]]],
    places: Mapping[Platform, Callable[[str], str]],
    now: datetime,
) -> None:
    """Store the control accounts; `places` are `Collector.place` of each platform."""
    async with transaction(pool) as conn:
        for platform, place_of in places.items():
            await set_canaries(conn, platform, canaries.get(platform, ()), now, place_of)


async def _at_once(_: datetime) -> None:
    """As fast as it goes."""


async def perform(
    dsn: str,
    simulators: Simulators,
    mailing: Mailing,
    plan: SimulationPlan,
    *,
    canaries: Mapping[Platform, Sequence[tuple[str, str, Status]]],
    prepare: Callable[[Pool, datetime], Awaitable[None]],
    hosts: Sequence[str] = (),
    script: Sequence[Scripted] = (),
    before: Callable[[datetime], Awaitable[None]] = _at_once,
    after: Callable[[datetime, MonitorCounts], None],
) -> None:
    """Watch from `plan.start` to `plan.end`, or from where a killed run stopped on this database.

    `canaries` are the control accounts. `prepare` fills the watch and must add nothing when it is repeated;
    `hosts` are the servers of federated platforms that are simulated. Raises AlreadyHeld when another process
    does the same on this database.
    """
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(dsn, max_size=10))
        collectors: list[Collector] = []
        for platform, address in simulators.addresses.items():
            await stack.enter_async_context(exclusive(dsn, planning_lock(platform), wait_s=20))
            collector = collector_at(platform, address, hosts, plan.every)
            collectors.append(await stack.enter_async_context(collector))
        async with transaction(pool) as conn:
            await keep_to_settings(conn, [mailing.rule], plan.start)
        await set_controls(pool, canaries, {one.platform: one.place for one in collectors}, plan.start)
        await prepare(pool, plan.start)
        start = await _resume(pool, list(simulators.addresses), plan.start)
        clock = SimulatedClock(start)
        server = MailServer(mailing.host, mailing.port, "blockline@example.org", Security.NONE)
        mail = MailLoop(pool, SmtpSender(server), mailing.head)
        watches = [_watch(pool, collector, plan, clock) for collector in collectors]
        for watch in watches:
            await watch.load()
        simulation = Simulation(watches, mail, clock, simulators.set_clock, script)
        await simulators.set_clock(start)
        await play(simulation, start, plan.end, before, after)


def _watch(pool: Pool, collector: Collector, plan: SimulationPlan, clock: SimulatedClock) -> PlatformWatch:
    settings = MonitorSettings(Sweep(plan.every, plan.start), plan.planner)
    monitor = reading_pipeline(pool, collector, ConfirmationRule(), settings, clock)
    engagement = EngagementPoller(pool, collector, plan.engagement_every, monitor.breakers, clock)
    return PlatformWatch(monitor, engagement)


async def _resume(pool: Pool, platforms: Sequence[Platform], start: datetime) -> datetime:
    """Where a killed run stopped: the newest reading of any platform."""
    async with transaction(pool) as conn:
        newest = [await coverage.newest_observation(conn, platform) for platform in platforms]
    return max((at for at in newest if at is not None), default=start)
