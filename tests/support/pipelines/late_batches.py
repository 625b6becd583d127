"""Batches of a few accounts on one list, delivered to a real database in any order; and what is then told."""

import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from collectors.simulator.faults import Outage
from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.history_files import load_history
from collectors.x.declaration import X
from dashboard.asgi.settings import DashboardSettings
from dashboard.live.snapshot_cache import live_json
from dashboard.orders.facts import OrderFigures, read_orders
from dashboard.wire.columnar import pack
from jobs.collect.late_readings import LateReport, record_late
from jobs.collect.load_accounts import load_accounts
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.transitions import completed, overlaps, step
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
from storage.accounts.accounts import NewAccount, add_accounts
from storage.changes.load_watched import recent_confirmations
from storage.changes.record import AccountStep, Recording, record_many
from storage.health.status import Overview, standing
from storage.imports.imports import import_history
from storage.live import snapshot
from storage.live.kpis import Kpis, kpis
from storage.model.alerts.rules import AlertRule
from storage.model.bitemporal.imported_records import ImportedAccount, ImportedChange, ImportedHistory
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import Reading, State, Strength
from storage.model.core.coverage import Batch, BatchOutcome, bitmap
from storage.model.core.orders import NewOrder
from storage.model.orders.order_fields import OrderEdit
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.readings import coverage
from storage.readings.coverage_report import CoverageReport, live_coverage
from storage.readings.readings import readings_of
from storage.readings.rosters import get_or_make
from tests.support.clients.api import AccountState, states_now
from tests.support.pipelines.second_reader import OtherMachine, other_machine
from tests.support.repeats import repeats
from tests.support.samples.readings import T0, minutes, reading, write_history
from tests.support.seeds.changes import batch, roster_of

RULE = ConfirmationRule()


LATENCY_MS = 1500


END = minutes(100_000)


Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Sent:
    """One answered request: what each account of a roster looked like; None: it gave nothing."""

    minute: float
    looks: Mapping[str, State | None]
    latency_ms: int = LATENCY_MS
    attempt: int = 0

    @property
    def at(self) -> datetime:
        return minutes(self.minute)

    @property
    def asked_at(self) -> datetime:
        return self.at - timedelta(milliseconds=self.latency_ms)

    def readings(self) -> dict[str, Reading]:
        return {i: reading(i, state, self.at) for i, state in self.looks.items() if state is not None}


@dataclass(frozen=True)
class Record:
    """Somebody else's record of one account: what it looked like at which minute."""

    name: str
    native_id: str
    looks: Sequence[tuple[float, State]]

    def history(self) -> ImportedHistory:
        changes: list[ImportedChange] = []
        for n, (minute, state) in enumerate(self.looks):
            if n and self.looks[n - 1][1] == state:
                continue
            agreeing = [m for m, s in self.looks[n:] if s == state]
            for m, s in self.looks[n:]:
                if s != state:
                    agreeing = [a for a in agreeing if a < m]
                    break
            changes.append(
                ImportedChange(
                    self.native_id,
                    self.looks[n - 1][1] if n else None,
                    state,
                    Strength.STRONG,
                    minutes(self.looks[n - 1][0]) if n else None,
                    minutes(minute),
                    len(agreeing),
                    minutes(agreeing[-1]),
                    b"a line",
                )
            )
        accounts = (ImportedAccount(self.native_id, f"h{self.native_id}"),)
        return ImportedHistory(self.name, None, X, accounts, tuple(changes), ())


Delivery = Sent | Record


class Desk:
    """A database that takes deliveries as they come."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.ids: dict[str, AccountId] = {}
        self.now = minutes(50_000)

    async def enlist(self, *native_ids: str, lists: tuple[str, ...] = ("Desk",)) -> None:
        async with transaction(self.pool) as conn:
            await add_accounts(conn, [NewAccount(X, i, f"h{i}", lists) for i in native_ids], T0)
            rows = await conn.fetch("select native_id, account_id from account")
            self.ids = {r["native_id"]: AccountId(r["account_id"]) for r in rows}

    async def take(self, delivery: Delivery) -> None:
        """As it is: in order the usual way, else late."""
        self.now += timedelta(minutes=1)
        if isinstance(delivery, Record):
            async with transaction(self.pool) as conn:
                await import_history(conn, delivery.history(), self.now)
        elif not await self._is_in_order(delivery) or not await self.record(delivery):
            await self.late(delivery)

    async def late(
        self,
        sent: Sent,
        evidence: Mapping[AccountId, bytes] | None = None,
        readings: Mapping[AccountId, Reading] | None = None,
    ) -> LateReport:
        async with transaction(self.pool) as conn:
            batch = await self.batch(conn, sent)
        if readings is None:
            readings = {self.ids[i]: r for i, r in sent.readings().items()}
        return await record_late(self.pool, batch, readings, RULE, lambda: self.now, evidence or {})

    async def record(self, sent: Sent) -> bool:
        """As the monitor does: judged by what is held, written by `storage.changes.record`. False where the
        monitor leaves it to the late readings, since answers overlap: nothing is stored then.
        """
        async with transaction(self.pool) as conn:
            batch = await self.batch(conn, sent)
            await coverage.ensure_month(conn, batch.slot.date())
            cohorts = RecentConfirmations(RULE.cohort_window)
            for list_id, at in await recent_confirmations(conn, X, sent.at - RULE.cohort_window):
                cohorts.confirmed([list_id], at)
            steps: list[AccountStep] = []
            for w in await load_accounts(conn, X, RULE, [self.ids[i] for i in sent.looks]):
                if (seen := sent.readings().get(w.account.native_id)) is None:
                    continue
                told = completed(w.known, seen)
                assert told is not None
                active = cohorts.is_active(w.lists, sent.at)
                s = step(w.known, told, sent.asked_at, RULE, cohort_active=active)
                if overlaps(w.known, sent.asked_at) and (s.opened or s.refuted):
                    return False
                if s.is_news:
                    steps.append(AccountStep(w.account, w.known, s, None, None))
            return (await record_many(conn, [Recording(batch, steps, (), ())], lambda: sent.at))[0]

    async def _is_in_order(self, sent: Sent) -> bool:
        newest = await self.pool.fetchval("select max(observed_at) from coverage")
        return newest is None or newest < sent.at

    async def batch(self, conn: Conn, sent: Sent) -> Batch:
        roster = await get_or_make(conn, X, [self.ids[i] for i in sent.looks], (), T0, base=True)
        answered = bitmap([state is not None for state in sent.looks.values()])
        outcome = BatchOutcome.ANSWERED
        return Batch(
            roster.roster_id, sent.at, sent.attempt, sent.at, outcome, None, answered, sent.latency_ms
        )

    async def rows(self, query: str) -> Rows:
        return [tuple(r) for r in await self.pool.fetch(query)]

    async def truth(self) -> dict[str, Rows]:
        """Everything that is told now, without when it was recorded."""
        return {name: await self.rows(query) for name, query in _TRUTH.items()}

    async def readings(self, native_id: str) -> list[tuple[datetime, datetime, State]]:
        async with transaction(self.pool) as conn:
            found = await readings_of(conn, self.ids[native_id], T0, END)
            return [(r.at, r.asked_at, r.state) for r in found]


_TRUTH = {
    "changes": """
        select a.native_id, c.source, c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.kind,
            c.strength, c.last_seen_old, c.first_seen_new, o.reason, o.readings, o.last_agreeing_at
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where o.outcome = 'confirmed' order by a.native_id, c.source, c.first_seen_new
    """,
    "refuted": """
        select a.native_id, c.status, c.last_seen_old, c.first_seen_new, o.reason, o.last_agreeing_at
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where o.outcome <> 'confirmed' and o.reason <> 'corrected' order by a.native_id, c.first_seen_new
    """,
    "pending": """
        select a.native_id, c.status, c.withheld_in, c.last_seen_old, c.first_seen_new, p.agreeing,
            p.last_agreeing_at, p.next_read_at
        from pending_change p join change c using (change_id) join account a on a.account_id = c.account_id
        order by a.native_id
    """,
    "spells": """
        select a.native_id, s.status, s.withheld_in, lower(s.valid), upper(s.valid), s.onset_after,
            s.before_change, c.change_key
        from spell s join change c using (change_id) join account a on a.account_id = s.account_id
        where upper_inf(s.recorded) order by a.native_id, lower(s.valid)
    """,
}


async def deliver(
    pool: Pool, shown: Sequence[tuple[Account, State]], at: datetime, now: datetime | None = None
) -> LateReport:
    """One answer of `at` about these accounts comes in at `now`; None: at once."""
    async with transaction(pool) as conn:
        roster = await roster_of(conn, [a for a, _ in shown], base=False)
    readings = {a.account_id: reading(a.native_id, state, at) for a, state in shown}
    return await record_late(pool, batch(roster, at), readings, ConfirmationRule(), lambda: now or at)


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
