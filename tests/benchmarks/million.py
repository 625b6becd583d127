"""One million accounts on Bluesky-like limits, against ten thousand. `make bench GROUP=million`.

The monitor asks a simulator in another process over real sockets for an hour of simulated time, ten requests
a second, after everybody was read once: so the figures are those of a monitor that has run for a while. Only
its own process is counted. Reference: 10,000 accounts with as many requests and as many changes.

BLOCKLINE_BENCH_ACCOUNTS, BLOCKLINE_BENCH_MINUTES and BLOCKLINE_BENCH_PLANNERS make it smaller, for a try.
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

from collectors.bluesky.declaration import BLUESKY
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from jobs.rehearsal.pipeline import collector_at
from jobs.rehearsal.simulators import Simulators, spawn
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Pool, open_pool
from tests.benchmarks.collecting import RunningClock
from tests.benchmarks.measuring import Better, Figure, cpu_s, rss_bytes, scratch_database
from tests.benchmarks.million_world import CANARIES, World, build
from tests.support.samples.readings import T0

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
