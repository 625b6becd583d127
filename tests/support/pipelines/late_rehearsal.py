"""A rehearsal in which much comes in late, and what the live view told while it went on.

The platforms fail now and then and the monitor is cut off for some hours, while another machine reads on and
hands in what it read late and in any order. More accounts come, and an order that is mended afterwards.
"""

import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from collectors.simulator.faults import Outage
from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.history_files import load_history
from dashboard.asgi.settings import DashboardSettings
from dashboard.live.snapshot_cache import live_json
from dashboard.orders.facts import OrderFigures, read_orders
from dashboard.wire.columnar import pack
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.messages.compose import Letterhead
from jobs.orders.edits import change as change_order
from jobs.orders.edits import create
from jobs.rehearsal.driver import Scripted
from jobs.rehearsal.pipeline import (
    Mailing,
    SimulationPlan,
    enlist,
    perform,
    simulated_canaries,
    simulated_hosts,
)
from jobs.rehearsal.simulators import played, spawn
from storage.health.status import Overview, standing
from storage.live import snapshot
from storage.live.kpis import Kpis, kpis
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.orders import NewOrder
from storage.model.orders.order_fields import OrderEdit
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.readings.coverage_report import CoverageReport, live_coverage
from tests.support.clients.api import AccountState, states_now
from tests.support.pipelines.second_reader import OtherMachine, other_machine
from tests.support.repeats import repeats
from tests.support.samples.invented_histories import write_history
from tests.support.samples.readings import T0

MOMENTS = repeats(45, 200)
HOUR = timedelta(hours=1)
EVERY = HOUR
MS = timedelta(milliseconds=1)
SETTINGS = DashboardSettings("Live", "", synthetic=True, sweep_every=EVERY)
PLAN = SimulationPlan(T0 + repeats(56, 48) * HOUR, T0 + repeats(92, 96) * HOUR, EVERY)
CUT_OFF = Outage(T0 + 71 * HOUR, T0 + 77 * HOUR)
"""The wave of the history falls into it."""
SILENCE = Outage(T0 + 86 * HOUR, T0 + 90 * HOUR)
"""Nobody reads: the other machine has ended by then."""
SINCE = PLAN.start - HOUR
GAP = 2.5 * EVERY
ORDER = NewOrder(
    *("IN-9", "Order 9", "A ministry", "IN", "Section 69A", T0 + 60 * HOUR, None, None, T0 + 74 * HOUR, 40),
    *("Order 9", T0 + 63 * HOUR),
)
"""It is on file only later than its accounts, and its date and title are mended later still."""


@dataclass(frozen=True, slots=True)
class View:
    """What the live view told at a moment."""

    at: datetime
    stand: Overview
    kpis: Kpis
    coverage: CoverageReport
    states: Mapping[int, AccountState]
    spells: tuple[snapshot.LiveSpell, ...]
    changes: tuple[snapshot.LiveChange, ...]
    orders: Sequence[OrderFigures]
    sent: bytes
    """What an open Live page was sent."""


@dataclass(frozen=True, slots=True)
class Lived:
    """A rehearsal that is over."""

    pool: Pool
    history: History
    views: Sequence[View]
    handed_in: int


@dataclass(slots=True)
class Watcher:
    """Looks at the live view at moments between the events of a rehearsal."""

    pool: Pool
    moments: list[datetime]
    views: list[View] = field(default_factory=list[View])

    async def look(self, until: datetime) -> None:
        while self.moments and self.moments[0] < until:
            async with transaction(self.pool) as conn:
                self.views.append(await seen(conn, self.moments.pop(0)))


async def seen(conn: Conn, now: datetime) -> View:
    return View(
        now,
        await standing(conn, now, EVERY),
        await kpis(conn, now, EVERY),
        await live_coverage(conn, SINCE, now, GAP),
        await states_now(conn),
        await snapshot.spells(conn, SINCE, None),
        await snapshot.changes(conn, SINCE, ()),
        await read_orders(conn, now, GAP),
        pack(await live_json(conn, "all", now, SETTINGS)),
    )


async def accounts(pool: Pool) -> list[Account]:
    rows = await pool.fetch(
        """
        select account_id, platform, native_id, handle from account a
        where watched and not exists (select from canary c where c.account_id = a.account_id)
        order by account_id
        """
    )
    return [
        Account(AccountId(r["account_id"]), Platform(r["platform"]), r["native_id"], r["handle"])
        for r in rows
    ]


def errands(other: OtherMachine, latecomers: Sequence[HistoryAccount], rng: random.Random) -> list[Scripted]:
    """When more accounts are put on the watch; when the other machine reads (a third of all accounts, in the
    outage everybody), and hands in.
    """

    async def read(now: datetime) -> None:
        everybody = await accounts(other.pool)
        if CUT_OFF.since <= now < CUT_OFF.until:
            await other.read(everybody, now, longest=10 * HOUR)
        else:
            await other.read(rng.sample(everybody, len(everybody) // 3), now, longest=3 * HOUR)

    at, times = PLAN.start + HOUR, list[datetime]()
    while at < SILENCE.since - 2 * HOUR:
        times.append(at)
        is_cut_off = CUT_OFF.since <= at < CUT_OFF.until
        at += timedelta(seconds=rng.randrange(400, 1400) if is_cut_off else rng.randrange(1800, 7200))

    async def arrive(now: datetime) -> None:
        await enlist(other.pool, latecomers, now)

    async def file_order(now: datetime) -> None:
        async with transaction(other.pool) as conn:
            await create(conn, ORDER, "desk", now)

    async def mend_order(now: datetime) -> None:
        edit = OrderEdit(title="Order nine", issued_at=T0 + 52 * HOUR)
        async with transaction(other.pool) as conn:
            await change_order(conn, ORDER.reference, edit, "desk", now)

    hours = range(1, int((PLAN.end - PLAN.start) / HOUR) * 2)
    return [
        Scripted(T0 + 59 * HOUR, arrive),
        Scripted(ORDER.known_at, file_order),
        Scripted(T0 + 80 * HOUR, mend_order),
        *(Scripted(at, read) for at in times),
        *(Scripted(PLAN.start + n * HOUR / 2 + timedelta(minutes=7), other.hand_in) for n in hours),
    ]


@asynccontextmanager
async def lived_through(dsn: str, path: Path) -> AsyncGenerator[Lived]:
    """Play a history of accounts, each on every platform, on an empty database; `path` takes its file."""
    write_history(path, accounts=repeats(20, 30), days=4)
    history = played(load_history(path), "all")
    hosts = simulated_hosts(history.accounts)
    first = [a for n, a in enumerate(history.accounts) if n % 5]
    latecomers = history.accounts[::5]
    rng = random.Random(11)
    span = (PLAN.end - PLAN.start) // MS
    moments = sorted(PLAN.start + rng.randrange(span) * MS for _ in range(MOMENTS))
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(dsn))
        watcher = Watcher(pool, moments)
        smtp = stack.enter_context(SmtpServer(Inbox()))
        cut_off = await stack.enter_async_context(
            spawn(path, platform="all", faults="heavy", outages=[CUT_OFF, SILENCE])
        )
        reached = await stack.enter_async_context(spawn(path, platform="all"))
        other = await stack.enter_async_context(other_machine(pool, reached, hosts, seed=3))
        await perform(
            dsn,
            cut_off,
            Mailing(smtp.host, smtp.port, AlertRule(("desk@example.org",)), Letterhead(sweep_every=EVERY)),
            PLAN,
            canaries=simulated_canaries(history),
            prepare=lambda pool, now: enlist(pool, first, now),
            hosts=hosts,
            script=errands(other, latecomers, rng),
            before=watcher.look,
            after=lambda _at, _tally: None,
        )
        await watcher.look(PLAN.end)
        assert other.on_its_way == []
        yield Lived(pool, history, watcher.views, other.handed_in)
