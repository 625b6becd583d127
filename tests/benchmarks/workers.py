"""Several processes that read: how much more of them reads how much faster.

The processes are `blockline run --role collect` with one database and one simulator, which is as far away as
X: each answer takes a quarter of a second. Counted is what is on record between the first and the last tenth
of the second sweep (the first one writes down what each account looks like). Reference of `scaling_n`: what n
times one process would read; with one process no queue is on the way. `limited` is a simulator that makes so
many answers a second and no more.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from storage.postgres.pool import open_pool
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.processes.worker_fleet import asked, fleet, many_accounts, until, watch_many
from tests.support.simulated.slow_x import far_x

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
