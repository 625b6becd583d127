"""The demonstration: the India 2021 scenario, played through the real pipeline and shown as it happens."""

import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from collectors.simulator.faults import Outage
from collectors.simulator.history import History, parse_history
from collectors.x.scenario.india import REAL_SECONDS, Scenario, ScenarioList, pace, scenario
from dashboard.asgi.settings import DashboardSettings
from jobs.base.clock import PacedClock
from jobs.collect.monitor import MonitorCounts
from jobs.config.demonstration import write_clock
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.messages.compose import Letterhead
from jobs.rehearsal import scoring
from jobs.rehearsal.driver import Scripted
from jobs.rehearsal.pipeline import Mailing, SimulationPlan, perform
from jobs.rehearsal.simulators import spawn
from jobs.runtime.web import serve
from storage.accounts.accounts import NewAccount, add_accounts
from storage.executives import signals
from storage.model.alerts.rules import AlertRule
from storage.model.core.availability import ChangeKind
from storage.model.platforms.registry import DECLARED, USUAL_PLATFORM
from storage.orders import orders
from storage.postgres.installation import mark_synthetic
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.readings import rehearsal_readback

SWEEP = timedelta(minutes=15)
ENGAGEMENT = timedelta(hours=1)
RECIPIENT = "desk@example.org"
ZONE = "Asia/Kolkata"
DASHBOARD = DashboardSettings(
    title="India 2021",
    subtitle="India, January to February 2021, played at speed",
    synthetic=True,
    sweep_every=SWEEP,
)


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What a played demonstration found: counted from what was stored, held against the scenario."""

    accounts: int
    posts: int
    readings: int
    requests: int
    changes: dict[str, int]
    """Confirmed changes by kind, first states left out."""
    not_confirmed: int
    mails: int
    false_changes: int
    intervals_containing_truth: int


@asynccontextmanager
async def shown(dsn: str, listener: socket.socket, clock: PacedClock) -> AsyncGenerator[str]:
    """The dashboard of the demonstration, on the given clock; yields its address."""
    head = Letterhead(synthetic=True, sweep_every=SWEEP)
    async with (
        open_pool(dsn, max_size=6) as pool,
        serve(listener, pool, dsn, clock, DASHBOARD, head=head) as address,
    ):
        yield address


def clock_of(folder: Path) -> Path:
    """Return the file in which a demonstration writes its time for commands."""
    return folder / "clock"


def paced_clock() -> PacedClock:
    return PacedClock(scenario().start, pace)


async def play(
    dsn: str,
    folder: Path,
    played: Scenario,
    *,
    dashboard_url: str | None,
    before: Callable[[datetime], Awaitable[None]],
    after: Callable[[datetime, MonitorCounts], None],
) -> DemoResult:
    """Play a scenario to its end on an empty, migrated database. `folder` takes its files, its clock and the
    mails, which link to `dashboard_url`.
    """

    async def begin(at: datetime) -> None:
        await before(at)
        write_clock(clock_of(folder), at)

    write_clock(clock_of(folder), played.start)
    history = parse_history(played.to_csv(), "the scenario")
    files = folder / "history.csv", folder / "acts.csv"
    for file, lines in zip(files, (played.to_csv(), played.acts_csv()), strict=True):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    outage = Outage(played.outage.since, played.outage.until or played.end)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        await mark_synthetic(conn)
    inbox = Inbox(folder / "mailbox")
    with SmtpServer(inbox) as smtp:
        async with spawn(files[0], acts=files[1], outages=[outage]) as simulators:
            await perform(
                dsn,
                simulators,
                Mailing(
                    smtp.host,
                    smtp.port,
                    AlertRule(recipients=(RECIPIENT,), zone=ZONE),
                    Letterhead(dashboard_url, synthetic=True, sweep_every=SWEEP),
                ),
                SimulationPlan(played.start, played.end, SWEEP, ENGAGEMENT),
                canaries={
                    USUAL_PLATFORM: [
                        (c.account.native_id, c.account.handle, c.expected) for c in played.canaries
                    ]
                },
                prepare=lambda pool, now: _prepare(pool, played, history, now),
                script=_script(dsn, played, history),
                before=begin,
                after=after,
            )
    async with open_pool(dsn, max_size=2) as pool:
        return await _ended(pool, played, history, len(inbox.mails()))


async def _prepare(pool: Pool, played: Scenario, history: History, now: datetime) -> None:
    async with transaction(pool) as conn:
        for e in played.executives:
            await signals.add_executive(
                conn, USUAL_PLATFORM, e.account.native_id, e.account.handle, e.name, e.title, now
            )
        for watch_list in played.lists:
            if watch_list.enlist_at <= now:
                await _enlist(conn, watch_list, history, now)


async def _enlist(conn: Conn, watch_list: ScenarioList, history: History, now: datetime) -> None:
    by_id = {a.native_id: a for a in history.accounts}
    members = [by_id[a.native_id] for a in watch_list.accounts]
    new = [NewAccount(a.platform, a.native_id, a.handle_at(now), (watch_list.name,)) for a in members]
    await add_accounts(conn, new, now)


def _script(dsn: str, played: Scenario, history: History) -> list[Scripted]:
    """The papers and the lists that arrive while the scenario plays."""

    async def arrive(now: datetime) -> None:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            for order in played.orders:
                if order.known_at <= now:
                    await orders.add_order(conn, order, now)
            for event in played.events:
                if event.known_at <= now:
                    await orders.add_order_event(conn, event)
            for watch_list in played.lists:
                if played.start < watch_list.enlist_at <= now:
                    await _enlist(conn, watch_list, history, now)

    times = {o.known_at for o in played.orders} | {e.known_at for e in played.events}
    times |= {w.enlist_at for w in played.lists if w.enlist_at > played.start}
    return [Scripted(at, arrive) for at in sorted(times)]


async def _ended(pool: Pool, played: Scenario, history: History, mails: int) -> DemoResult:
    async with transaction(pool) as conn:
        confirmed = await rehearsal_readback.confirmed_changes(conn)
        totals = await rehearsal_readback.totals(conn)
    believed = [scoring.as_believed(c) for c in confirmed]
    lines = {a.native_id: scoring.shown(a) for a in history.accounts}
    verdict = scoring.hold_against_truth(lines, (), believed, played.start, played.end)
    kinds = Counter(c.kind for c in confirmed)
    found = {c.native_id for c in confirmed}
    posts = {native_id for native_id in found if DECLARED[USUAL_PLATFORM].is_post(native_id)}
    return DemoResult(
        accounts=len(found - posts),
        posts=len(posts),
        readings=totals.readings,
        requests=totals.requests,
        changes={k.value: kinds[k.value] for k in ChangeKind if k is not ChangeKind.BASELINE},
        not_confirmed=totals.not_confirmed,
        mails=mails,
        false_changes=len(verdict.false) + len(verdict.wrong_interval),
        intervals_containing_truth=len(verdict.delays_s),
    )


def minutes_long() -> float:
    """How long the scenario plays at its pace."""
    return REAL_SECONDS / 60
