"""One million accounts on Bluesky-like limits, against ten thousand. `make bench GROUP=million`.

The monitor asks a simulator in another process over real sockets for an hour of simulated time, ten requests
a second, after everybody was read once: so the figures are those of a monitor that has run for a while. Only
its own process is counted. Reference: 10,000 accounts with as many requests and as many changes.

BLOCKLINE_BENCH_ACCOUNTS, BLOCKLINE_BENCH_MINUTES and BLOCKLINE_BENCH_PLANNERS make it smaller, for a try.

Very many accounts on Bluesky as a monitor left them that has watched for long: written in bulk.

Everybody looked available when last read, in the sweep before `T0`. Rosters are those that a monitor makes.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import uvloop

from collectors.bluesky.collector import BATCH_SIZE
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.simulator import BLUESKY_CANARIES
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.rosters import RosterBook
from jobs.planning.sweep import Sweep
from jobs.rehearsal.pipeline import collector_at
from jobs.rehearsal.simulators import Simulators, spawn
from storage.accounts.canaries import set_canaries
from storage.changes import load_watched
from storage.model.core.availability import Status
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Conn, Pool, connect, open_pool
from storage.readings.coverage import ensure_month
from tests.benchmarks.collecting import RunningClock
from tests.benchmarks.measuring import Better, Figure, cpu_s, rss_bytes, scratch_database
from tests.support.samples.readings import HEADER, T0

CANARIES = 2
"""In each request; all of them stable, as those that are relied on at Bluesky itself."""


REQUESTS_A_SECOND = 10
"""3,000 in 5 minutes."""


LIST_SIZE = 2_500


COHORT = 257
"""So many of the first list are withheld in one country, all at once."""


_DIGITS = str.maketrans("0189", "abcd")
"""A DID has no such digits."""


@dataclass(frozen=True, slots=True)
class World:
    accounts: int

    @property
    def lists(self) -> int:
        return max(1, self.accounts // LIST_SIZE)

    @property
    def sweep(self) -> timedelta:
        """How long it takes to read everybody once."""
        rosters = -(-self.accounts // (BATCH_SIZE - CANARIES))
        return timedelta(seconds=rosters / REQUESTS_A_SECOND)

    def write_history(self, path: Path, block_at: datetime) -> None:
        """What the simulator serves."""
        with path.open("w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in self._history(block_at))

    def _history(self, block_at: datetime) -> Iterator[str]:
        yield HEADER
        for n in range(self.accounts):
            did = "did:plc:" + f"{n:024}".translate(_DIGITS)
            yield f"bluesky,{did},h{n}.example.test,2021-01-01T00:00:00Z,available,,"
            if n % self.lists == 0 and n // self.lists < COHORT:
                yield f"bluesky,{did},h{n}.example.test,{block_at.isoformat()},withheld,IN,"


async def change_some(dsn: str) -> None:
    """One account of 333 was blocked in an hour of the sweep. Needs a superuser, as `build` does."""
    conn = await connect(dsn)
    await conn.execute("set session_replication_role = replica")
    await conn.execute(
        """
        create temp table picked as
        select account_id, added_at as first_seen,
            added_at + interval '5 minutes' + interval '1 second' * (account_id % 3600) as at
        from account where watched and account_id % 333 = 7
        """
    )
    await conn.execute(
        """
        update spell s set valid = tstzrange(lower(s.valid), p.at)
        from picked p where p.account_id = s.account_id
        """
    )
    await conn.execute(
        """
        with made as (
            insert into change (
                change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old,
                first_seen_new, recorded_at, source
            )
            select format('%s:block', account_id), account_id, 'available', 'withheld', '{IN}', 'block',
                'strong', first_seen, at, at, 'bluesky'
            from picked
            returning *
        ), decided as (
            insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
            select change_id, 'confirmed', 'enough_strong', recorded_at, 2, recorded_at from made
        )
        insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
        select account_id, change_id, status, withheld_in, last_seen_old, tstzrange(first_seen_new, null),
            tstzrange(recorded_at, null)
        from made
        """
    )
    await conn.execute("vacuum (analyze)")
    await conn.close()


async def build(dsn: str, world: World) -> None:
    """Fill an empty, migrated database. Needs a superuser: triggers and foreign keys would make it slow."""
    conn = await connect(dsn)
    await conn.execute("set session_replication_role = replica")
    await _accounts(conn, world)
    await _rosters(conn)
    await ensure_month(conn, T0.date())
    await ensure_month(conn, (T0 - world.sweep).date())
    await _read_once(conn, world)
    await _first_states(conn, world)
    await conn.execute("set session_replication_role = origin")
    await conn.execute("vacuum (analyze)")
    await conn.execute("checkpoint")
    await conn.close()


async def _accounts(conn: Conn, world: World) -> None:
    await conn.execute(
        """
        insert into account (platform, native_id, handle, added_at)
        select 'bluesky', 'did:plc:' || translate(lpad(n::text, 24, '0'), '0189', 'abcd'),
            format('h%s.example.test', n), $2
        from generate_series(0, $1::int - 1) as n
        """,
        world.accounts,
        T0 - world.sweep,
    )
    await conn.execute(
        "insert into watch_period (account_id, since) select account_id, added_at from account"
    )
    await conn.execute(
        "insert into watch_list (name, created_at) select 'L' || n, $2 from generate_series(1, $1::int) n",
        world.lists,
        T0 - world.sweep,
    )
    await conn.execute(
        """
        insert into watch_list_member (list_id, account_id, added_at)
        select l.list_id, a.account_id, a.added_at
        from (select *, row_number() over (order by account_id) - 1 as number from account) a
        join (select *, row_number() over (order by list_id) - 1 as number from watch_list) l
            on l.number = a.number % $1::int
        """,
        world.lists,
    )


async def _rosters(conn: Conn) -> None:
    """Those that the first start of a monitor makes."""
    stable = [c for c in BLUESKY_CANARIES if c.states[0].status is Status.AVAILABLE]
    named = [(c.native_id, c.handles[0], Status.AVAILABLE) for c in stable]
    book = RosterBook(BLUESKY, lambda _: "", BATCH_SIZE, CANARIES)
    async with conn.transaction():
        await set_canaries(conn, BLUESKY, named, T0)
        watched = {w.account.account_id: w.account for w in await load_watched.load_watched(conn, BLUESKY)}
        await book.load(conn, watched, T0)


async def _read_once(conn: Conn, world: World) -> None:
    """Each roster at its own time of the last sweep."""
    await conn.execute(
        """
        insert into coverage_row (slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome)
        select at, at, at, roster_id, 50, 0, 0
        from (
            select roster_id, $1::timestamptz - $2::interval * rank() over (order by roster_id)
                / (count(*) over () + 1) as at
            from roster
        ) r
        order by at
        """,
        T0,
        world.sweep,
    )


async def _first_states(conn: Conn, world: World) -> None:
    await conn.execute(
        """
        insert into change (
            change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
        )
        select format('%s:first', account_id), account_id, 'available', 'baseline', 'strong', $1, $1, platform
        from account where watched
        """,
        T0 - world.sweep,
    )
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'confirmed', 'enough_strong', recorded_at, 1, recorded_at from change
        """
    )
    await conn.execute(
        """
        insert into spell (account_id, change_id, status, valid, recorded)
        select account_id, change_id, status, tstzrange(first_seen_new, null), tstzrange(recorded_at, null)
        from change
        """
    )


MANY = World(int(os.environ.get("BLOCKLINE_BENCH_ACCOUNTS", "1_000_000")))


FEW = World(10_000)


MEASURED = timedelta(minutes=int(os.environ.get("BLOCKLINE_BENCH_MINUTES", "60")))


_TELL_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Hour:
    """What was measured, of one number of accounts."""

    accounts: int
    load_s: float
    load_cpu_s: float
    loaded_rss: int
    begin_rss: int
    end_rss: int
    readings: int
    requests: int
    cpu_s: float
    wall_s: float
    database_bytes: int
    """By how much the database grew."""
    changes: int


def figures() -> Iterator[Figure]:
    for planner in map(PlannerKind, os.environ.get("BLOCKLINE_BENCH_PLANNERS", "adaptive sweep").split()):
        few, many = _measured(FEW, planner), _measured(MANY, planner)
        yield from _compared(planner.value, few, many)


def _compared(planner: str, few: Hour, many: Hour) -> Iterator[Figure]:
    def both(name: str, unit: str, of: Callable[[Hour], float], better: Better = "lower") -> Figure:
        return Figure(f"{name}_{planner}", of(many), unit, better, of(few))

    def an_account(name: str, of: Callable[[Hour], int]) -> Figure:
        each = (of(many) - of(few)) / (MANY.accounts - FEW.accounts)
        return Figure(f"{name}_{planner}", each, "bytes", "lower")

    yield both("readings", "readings", lambda h: h.readings, "higher")
    yield both("requests", "requests", lambda h: h.requests, "higher")
    yield both("changes_seen", "changes", lambda h: h.changes, "higher")
    yield both("cpu_us_per_reading", "us", lambda h: 1e6 * h.cpu_s / h.readings)
    yield both("memory_growth_mb", "MB", lambda h: (h.end_rss - h.begin_rss) / 2**20)
    yield both("rss_mb", "MB", lambda h: h.end_rss / 2**20)
    yield an_account("memory_per_account", lambda h: h.end_rss)
    yield an_account("memory_per_account_at_start", lambda h: h.loaded_rss)
    yield both("start_s", "s", lambda h: h.load_s)
    yield both("start_cpu_us_per_account", "us", lambda h: 1e6 * h.load_cpu_s / h.accounts)
    yield both("database_bytes_per_reading", "bytes", lambda h: h.database_bytes / h.readings)
    yield both("wall_s", "s", lambda h: h.wall_s)


def _measured(world: World, planner: PlannerKind) -> Hour:
    """In a process of its own: what ran in this one before left memory that would be used again."""
    with tempfile.TemporaryDirectory(prefix="blockline-bench-") as folder, scratch_database() as dsn:
        told = Path(folder) / "history.csv"
        # The adaptive planner has read everybody by then; a sweep begins its next slot later.
        begin = T0 + (world.sweep * 1.05 if planner is PlannerKind.ADAPTIVE else world.sweep / 2)
        world.write_history(told, begin + MEASURED / 3)
        started = time.perf_counter()
        uvloop.run(build(dsn, world))
        _say(f"{planner.value}, {world.accounts} accounts: written in {time.perf_counter() - started:.0f} s")
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            return fresh.submit(_measure, told, dsn, world, planner, begin).result()


def _measure(told: Path, dsn: str, world: World, planner: PlannerKind, begin: datetime) -> Hour:
    return uvloop.run(_watch(told, dsn, world, planner, begin))


async def _watch(told: Path, dsn: str, world: World, planner: PlannerKind, begin: datetime) -> Hour:
    clock = RunningClock(T0)
    settings = MonitorSettings(Sweep(world.sweep, T0), planner, CANARIES)
    async with (
        spawn(told) as simulators,
        open_pool(dsn, max_size=8) as pool,
        collector_at(BLUESKY, simulators.addresses[BLUESKY], ()) as collector,
    ):
        monitor = reading_pipeline(pool, collector, ConfirmationRule(), settings, clock)
        started, used = time.perf_counter(), cpu_s()
        await monitor.load()
        load_s, load_cpu_s, loaded_rss = time.perf_counter() - started, cpu_s() - used, rss_bytes()
        _say(f"loaded in {load_s:.1f} s, {loaded_rss >> 20} MB")
        await _play(monitor, clock, simulators, T0, begin)
        before, stored, begin_rss = replace(monitor.tally), await _stored(pool), rss_bytes()
        spent, wall_s = await _play(monitor, clock, simulators, begin, begin + MEASURED)
        async with pool.acquire() as conn:
            changes = await conn.fetchval("select count(*) from standing_change where kind = 'block'")
        return Hour(
            world.accounts,
            load_s,
            load_cpu_s,
            loaded_rss,
            begin_rss,
            rss_bytes(),
            monitor.tally.readings - before.readings,
            monitor.tally.requests - before.requests,
            spent,
            wall_s,
            await _stored(pool) - stored,
            changes,
        )


async def _play(
    monitor: Monitor, clock: RunningClock, simulators: Simulators, now: datetime, until: datetime
) -> tuple[float, float]:
    """Processor time and time that ticks took, and what asks when the next one is."""
    spent = wall_s = 0.0
    told_at = now
    while now < until:
        await simulators.set_clock(now)
        clock.set(now)
        used, started = cpu_s(), time.perf_counter()
        await monitor.tick()
        due = monitor.next_due()
        spent += cpu_s() - used
        wall_s += time.perf_counter() - started
        if now >= told_at:
            said = f"{monitor.tally.readings} readings, {spent:.1f} s of processor, {wall_s:.0f} s"
            _say(f"{now:%H:%M}: {said}, {rss_bytes() >> 20} MB")
            told_at = now + _TELL_EVERY
        # As `blockline run` does, which looks once a second whether anything is due.
        # Never back: a tick may have taken longer.
        now = max(due, now + timedelta(seconds=1), clock())
    return spent, wall_s


async def _stored(pool: Pool) -> int:
    async with pool.acquire() as conn:
        return await conn.fetchval("select pg_database_size(current_database())")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
