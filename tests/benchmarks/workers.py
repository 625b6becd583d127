"""Several processes that read: how much more of them reads how much faster.

The processes are `blockline run --role collect` with one database and one simulator, which is as far away as
X: each answer takes a quarter of a second. Counted is what is on record between the first and the last tenth
of the second sweep (the first one writes down what each account looks like). Reference of `scaling_n`: what n
times one process would read; with one process no queue is on the way. `limited` is a simulator that makes so
many answers a second and no more.

One leader of all accounts against two that share them: `make bench GROUP=shards`.

Two processes `blockline run --role collect` sweep the same accounts of a simulator that is as far away as X.
Both make requests; with one shard one of them leads, with two shards each leads one. Processor time is that
of the second sweep, memory that at its end. Then a leader is killed. The reference is one shard, in the same
run.
"""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.x.declaration import X
from storage.postgres.pool import Pool, open_pool, transaction
from storage.work.shards import put_in_force, want_shards
from storage.work.workers import PlatformLeader, platform_leaders
from tests.benchmarks.measuring import Figure, cpu_s_of, rss_bytes, scratch_database
from tests.support.processes.worker_fleet import asked, fleet, many_accounts, until, watch_many
from tests.support.simulated.scripted_x import far_x

ACCOUNTS = 60_000


DELAY_S = 0.25


AT_ONCE = 20
"""Answers that the limited simulator makes at once: eighty a second."""


EVERY = "1m"


SWEPT = """
    select count(*) from (
        select from coverage_row join roster using (roster_id)
        where base and retired_at is null and outcome = 0
        group by slot having count(*) = (select count(*) from roster where base and retired_at is null)
    ) whole
"""


READ_PER_S = """
    with answered as (
        select observed_at, cardinality(account_ids) as readings,
            percent_rank() over (order by observed_at) as share
        from coverage_row join roster using (roster_id)
        where outcome = 0 and slot = (select max(slot) from coverage_row)
    )
    select sum(readings) / extract(epoch from max(observed_at) - min(observed_at))::float8
    from answered where share between 0.1 and 0.9
"""


def figures() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        told = many_accounts(folder / "history.csv", ACCOUNTS)
        per_s = {n: _read_per_s(told, folder / f"of{n}", n, 10_000) for n in (1, 2, 3, 4)}
        limited = _read_per_s(told, folder / "limited", 4, AT_ONCE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for n, found in per_s.items():
        yield Figure(f"readings_per_s_{n}", found, "readings/s", "higher", n * per_s[1])
    for n in (2, 3, 4):
        yield Figure(f"scaling_{n}", per_s[n] / per_s[1], "times one process", "higher", float(n))
    most = AT_ONCE / DELAY_S * 98
    yield Figure("readings_per_s_4_limited", limited, "readings/s", "higher", most)


def _read_per_s(told: Path, folder: Path, processes: int, at_once: int) -> float:
    with scratch_database() as dsn:
        return asyncio.run(_read_all(dsn, told, folder, processes, at_once))


async def _read_all(dsn: str, told: Path, folder: Path, processes: int, at_once: int) -> float:
    async with (
        open_pool(dsn, max_size=2) as pool,
        far_x(told, DELAY_S, at_once) as x,
        fleet(pool, dsn, x, folder, ["simulated"] * processes, EVERY),
    ):
        await watch_many(pool, ACCOUNTS)
        await until(pool, SWEPT, 2)
        found = await asked(pool, READ_PER_S)
        assert isinstance(found, float)
        return found


READINGS = """
    select coalesce(sum(cardinality(account_ids)), 0)::int
    from coverage_row join roster using (roster_id) where outcome = 0
"""


@dataclass(frozen=True, slots=True)
class _Measured:
    readings: int
    cpu_s: float
    """Of both processes."""
    busiest_cpu_s: float
    bytes_per_account: float
    """Of the largest leader, by which it grew, per account of the platform."""
    led_again_s: float


def shards_figures() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        history = many_accounts(folder / "history.csv", ACCOUNTS)
        one, two = (_measured(history, folder / f"of{shards}", shards) for shards in (1, 2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield Figure(
        "readings_per_cpu_s", two.readings / two.cpu_s, "readings/s", "higher", one.readings / one.cpu_s
    )
    yield Figure(
        "readings_per_cpu_s_of_the_busiest",
        two.readings / two.busiest_cpu_s,
        "readings/s",
        "higher",
        one.readings / one.busiest_cpu_s,
    )
    yield Figure("leader_memory_per_account", two.bytes_per_account, "bytes", "lower", one.bytes_per_account)
    yield Figure("led_again_s", two.led_again_s, "s", "lower", one.led_again_s)


def _measured(history: Path, folder: Path, shards: int) -> _Measured:
    with scratch_database() as dsn:
        return asyncio.run(_sweep(dsn, history, folder, shards))


async def _sweep(dsn: str, history: Path, folder: Path, shards: int) -> _Measured:
    async with open_pool(dsn, max_size=2) as pool:
        async with transaction(pool) as conn:
            await want_shards(conn, X, shards)
            await put_in_force(conn, X)
        async with far_x(history, DELAY_S) as x, fleet(pool, dsn, x, folder, ["simulated"] * 2, EVERY) as two:
            leaders = await _led(pool, shards)
            leading = {p.pid for p in two.processes for one in leaders if one.name.endswith(f" {p.pid}")}
            empty = {pid: rss_bytes(pid) for pid in leading}
            await watch_many(pool, ACCOUNTS)
            await until(pool, SWEPT, 1)
            readings, cpu_s = await _readings(pool), {p.pid: cpu_s_of(p.pid) for p in two.processes}
            await until(pool, SWEPT, 2)
            spent = [cpu_s_of(pid) - before for pid, before in cpu_s.items()]
            grown = max(rss_bytes(pid) - empty[pid] for pid in leading)
            readings = await _readings(pool) - readings
            killed = next(n for n, p in enumerate(two.processes) if leaders[-1].name.endswith(f" {p.pid}"))
            two.end(killed, signal.SIGKILL)
            started = time.perf_counter()
            await _led(pool, shards, without=leaders[-1].name)
            led_again_s = time.perf_counter() - started
            return _Measured(readings, sum(spent), max(spent), grown / ACCOUNTS, led_again_s)


async def _led(pool: Pool, shards: int, *, without: str = "") -> list[PlatformLeader]:
    """Wait until each shard has a leader, and none is `without`."""
    while True:
        async with transaction(pool) as conn:
            found = (await platform_leaders(conn)).get(X, [])
        if len([one for one in found if one.name != without]) == shards:
            return found
        await asyncio.sleep(0.05)


async def _readings(pool: Pool) -> int:
    found = await asked(pool, READINGS)
    assert isinstance(found, int)
    return found
