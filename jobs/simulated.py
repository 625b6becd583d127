"""The whole pipeline against a simulator, in simulated time: what rehearsals and the demonstration share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.fetch import HttpOptions, Retry
from collectors.simulator.canaries import CANARIES
from collectors.simulator.history import HistoryAccount
from collectors.x import XCollector
from jobs.clock import SimulatedClock
from jobs.compose import Letterhead
from jobs.confirm import ConfirmationRule
from jobs.driver import Scripted, Simulation, play
from jobs.engage import EngagementPoller
from jobs.mail import MailServer, Security, SmtpSender
from jobs.mail_loop import MailLoop
from jobs.monitor import Monitor, MonitorSettings
from jobs.planner import Sweep
from jobs.policy import AlertRule
from jobs.simulators import TOKEN, SimulatedX
from storage import coverage
from storage.accounts import NewAccount, add_accounts, set_canaries
from storage.db import Pool, exclusive, open_pool, transaction
from storage.model.accounts import Platform
from storage.model.availability import Status


@dataclass(frozen=True, slots=True)
class Plan:
    """What is watched, how closely, from when to when."""

    start: datetime
    end: datetime
    every: timedelta
    engagement_every: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Mailing:
    """Where the mails of a simulated run go, and under which rule."""

    host: str
    port: int
    rule: AlertRule
    head: Letterhead


async def enlist(
    pool: Pool,
    accounts: Sequence[HistoryAccount],
    now: datetime,
    canaries: Sequence[tuple[str, str, Status]] = tuple(
        (c.native_id, c.handles[0], c.states[0].status) for c in CANARIES
    ),
) -> None:
    """Put accounts and control accounts on the watch. Repeating it adds nothing."""
    async with transaction(pool) as conn:
        await set_canaries(conn, Platform.X, canaries, now)
        await add_accounts(
            conn,
            [NewAccount(a.platform, a.native_id, a.handle_at(now), a.lists) for a in accounts],
            now,
        )


_ONCE = HttpOptions(retry=Retry(attempts=0))


async def _at_once(_: datetime) -> None:
    """As fast as it goes."""


async def perform(
    dsn: str,
    simulator: SimulatedX,
    mailing: Mailing,
    plan: Plan,
    *,
    prepare: Callable[[Pool, datetime], Awaitable[None]],
    script: Sequence[Scripted] = (),
    before: Callable[[datetime], Awaitable[None]] = _at_once,
    after: Callable[[datetime, Monitor], None],
) -> None:
    """Watch from `plan.start` to `plan.end`, or from where a killed run stopped on this database.

    `prepare` fills the watch and must add nothing when it is repeated. Raises AlreadyHeld when
    another process does the same on this database.
    """
    async with (
        open_pool(dsn, max_size=10) as pool,
        exclusive(dsn, "monitor of x", wait_s=20),
        XCollector(TOKEN, base_url=simulator.base_url, http=_ONCE) as collector,
    ):
        await prepare(pool, plan.start)
        async with transaction(pool) as conn:
            start = await coverage.newest_observation(conn, Platform.X) or plan.start
        clock = SimulatedClock(start)
        server = MailServer(mailing.host, mailing.port, "blockline@example.org", Security.NONE)
        settings = MonitorSettings(Sweep(plan.every, plan.start))
        monitor = Monitor(pool, collector, ConfirmationRule(), settings, clock)
        engagement = EngagementPoller(pool, collector, plan.engagement_every, monitor.health, clock)
        mail = MailLoop(pool, SmtpSender(server), mailing.rule, mailing.head)
        await monitor.load()
        await engagement.load()
        simulation = Simulation(monitor, engagement, mail, clock, simulator.set_clock, script)
        await play(simulation, start, plan.end, before, lambda at: after(at, monitor))
