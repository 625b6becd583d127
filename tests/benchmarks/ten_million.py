"""Ten million accounts without a network. `make bench GROUP=ten_million`.

A database is written on disk as a monitor leaves it that has read every account once, with fsync on. One
leader starts on it (adaptive planner), one account is added, and what pages count and list is asked for. The
reference of each figure is ten thousand accounts in the same run. No request is made: GROUP=million measures
what a reading costs, which does not depend on the number of accounts.

It takes up to 25 GB of disk and is ended after an hour. BLOCKLINE_BENCH_TEN_MILLION makes it smaller.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import uvloop

from collectors.bluesky.declaration import BLUESKY
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from jobs.rehearsal.pipeline import collector_at
from jobs.rehearsal.simulators import spawn
from storage.accounts.accounts import NewAccount, add_accounts
from storage.live.account_listings import ListingColumn, ListingFilter, ListingSort, list_accounts
from storage.live.accounts_table import AccountScope
from storage.live.kpis import kpis
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from tests.benchmarks.collecting import RunningClock
from tests.benchmarks.edits import taken_up
from tests.benchmarks.measuring import Figure, cpu_s, rss_bytes, scratch_database
from tests.benchmarks.million import CANARIES, World, build
from tests.support.samples.readings import T0

MANY: Final = World(int(os.environ.get("BLOCKLINE_BENCH_TEN_MILLION", "10_000_000")))
FEW: Final = World(10_000)
HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class _Measured:
    database_bytes: int
    start_s: float
    start_cpu_s: float
    rss_bytes: int
    edit_s: float
    counts_s: float
    listing_s: float


def figures() -> Iterator[Figure]:
    ends = time.monotonic() + HOUR_S
    few, many = _measured(FEW, ends), _measured(MANY, ends)

    def both(name: str, unit: str, of: Callable[[_Measured], float]) -> Figure:
        return Figure(name, of(many), unit, "lower", of(few))

    memory = (many.rss_bytes - few.rss_bytes) / (MANY.accounts - FEW.accounts)
    yield Figure(
        "database_bytes_per_account",
        many.database_bytes / MANY.accounts,
        "bytes",
        "lower",
        few.database_bytes / FEW.accounts,
    )
    yield Figure("memory_per_account_at_start", memory, "bytes", "lower")
    yield both("leader_mb", "MB", lambda m: m.rss_bytes / 1e6)
    yield both("start_s", "s", lambda m: m.start_s)
    yield both("start_cpu_s", "s", lambda m: m.start_cpu_s)
    yield both("one_added_s", "s", lambda m: m.edit_s)
    yield both("counts_s", "s", lambda m: m.counts_s)
    yield both("accounts_listed_s", "s", lambda m: m.listing_s)


def _measured(world: World, ends: float) -> _Measured:
    with tempfile.TemporaryDirectory(prefix="blockline-bench-") as folder, scratch_database() as dsn:
        history = Path(folder) / "history.csv"
        # The simulator cannot start without a history. It gets no request.
        World(1000).write_history(history, T0 + timedelta(days=1))
        empty, started = uvloop.run(_size(dsn)), time.perf_counter()
        uvloop.run(_within(ends, build(dsn, world)))
        took = time.perf_counter() - started
        print(f"{world.accounts:,} accounts: written in {took:.0f} s", file=sys.stderr, flush=True)
        # In a process of its own: what ran in this one before left memory that would be used again.
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            return fresh.submit(_measure, dsn, history, world, empty, ends - time.monotonic()).result()


async def _within(ends: float, work: Awaitable[None]) -> None:
    async with asyncio.timeout(ends - time.monotonic()):
        await work


def _measure(dsn: str, history: Path, world: World, empty: int, left_s: float) -> _Measured:
    return uvloop.run(_measure_within(dsn, history, world, empty, left_s))


async def _measure_within(dsn: str, history: Path, world: World, empty: int, left_s: float) -> _Measured:
    size = await _size(dsn) - empty
    settings = MonitorSettings(Sweep(world.sweep, T0), PlannerKind.ADAPTIVE, CANARIES)
    async with (
        asyncio.timeout(left_s),
        spawn(history) as simulators,
        open_pool(dsn, max_size=8) as pool,
        collector_at(BLUESKY, simulators.addresses[BLUESKY], ()) as collector,
    ):
        monitor = reading_pipeline(pool, collector, ConfirmationRule(), settings, RunningClock(T0))
        started, used = time.perf_counter(), cpu_s()
        await monitor.load()
        start_s, start_cpu_s, held = time.perf_counter() - started, cpu_s() - used, rss_bytes()
        return _Measured(
            database_bytes=size,
            start_s=start_s,
            start_cpu_s=start_cpu_s,
            rss_bytes=held,
            edit_s=await taken_up(pool, monitor, _add, 1),
            counts_s=await _timed(pool, lambda conn: kpis(conn, T0, world.sweep)),
            listing_s=await _timed(
                pool, lambda conn: list_accounts(conn, _ALL, [_NEWEST_FIRST], T0, T0 - 2 * world.sweep)
            ),
        )


async def _add(conn: Conn, _: int) -> None:
    await add_accounts(conn, [NewAccount(BLUESKY, "did:plc:added", "new.example", ("Added",))], T0)


_ALL: Final = ListingFilter(AccountScope.WATCHED)
_NEWEST_FIRST: Final = ListingSort(ListingColumn.SINCE, descending=True)


async def _timed(pool: Pool, ask: Callable[[Conn], Awaitable[object]]) -> float:
    started = time.perf_counter()
    async with transaction(pool) as conn:
        await conn.execute("set local statement_timeout = 0")
        await ask(conn)
    return time.perf_counter() - started


async def _size(dsn: str) -> int:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return await conn.fetchval("select pg_database_size(current_database())")
