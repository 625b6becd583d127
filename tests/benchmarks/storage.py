"""What keeping readings costs, beside a plain table with a row for each reading."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from storage import coverage, rosters
from storage.accounts import NewAccount, add_accounts
from storage.db import Conn, Pool, open_pool, transaction
from storage.model.accounts import AccountId, Platform
from storage.model.coverage import Batch, BatchOutcome, Roster
from storage.record import Recording, record
from tests.benchmarks.figure import Figure
from tests.benchmarks.scratch import scratch_database
from tests.factories import T0

ACCOUNTS = 10_000
SWEEPS = 96
SIZE = 98


def figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        yield from asyncio.run(_measure(dsn))


async def _measure(dsn: str) -> list[Figure]:
    async with open_pool(dsn) as pool:
        made = await _make_rosters(pool)
        times = [T0 + i * timedelta(minutes=15) for i in range(SWEEPS)]
        started = time.perf_counter()
        for at in times:
            await _record_sweep(pool, made, at)
        ours_s = time.perf_counter() - started
        started = time.perf_counter()
        for at in times:
            await _copy_sweep(pool, made, at)
        plain_s = time.perf_counter() - started
        async with transaction(pool) as conn:
            ours_bytes = await _size(conn, "coverage") + await _size(conn, "roster")
            plain_bytes = await _size(conn, "plain_reading")
    readings = ACCOUNTS * SWEEPS
    return [
        Figure("bytes_per_reading", ours_bytes / readings, "bytes", "lower", plain_bytes / readings),
        Figure("record_vs_copy", readings / ours_s, "readings/s", "higher", readings / plain_s),
    ]


async def _make_rosters(pool: Pool) -> list[Roster]:
    async with transaction(pool) as conn:
        new = [NewAccount(Platform.X, str(n), f"h{n}") for n in range(ACCOUNTS)]
        await add_accounts(conn, new, T0)
        ids = [
            AccountId(r["account_id"]) for r in await conn.fetch("select account_id from account order by 1")
        ]
        await coverage.ensure_month(conn, T0.date())
        await conn.execute(
            """
            create table plain_reading (
                account_id bigint, observed_at timestamptz, status smallint, latency_ms int,
                primary key (account_id, observed_at)
            )
            """
        )
        return [
            await rosters.get_or_make(conn, Platform.X, ids[i : i + SIZE], (), T0, base=True)
            for i in range(0, len(ids), SIZE)
        ]


async def _record_sweep(pool: Pool, made: Sequence[Roster], at: datetime) -> None:
    """As the monitor does: one transaction a request."""
    for roster in made:
        batch = Batch(roster.roster_id, at, 0, at, BatchOutcome.ANSWERED, None, None, 120)
        async with transaction(pool) as conn:
            await record(conn, Recording(batch, (), (), ()), at)


async def _copy_sweep(pool: Pool, made: Sequence[Roster], at: datetime) -> None:
    """A row a reading, by COPY, also one transaction a request."""
    for roster in made:
        async with transaction(pool) as conn:
            await conn.copy_records_to_table(
                "plain_reading", records=[(a, at, 1, 120) for a in roster.account_ids]
            )


async def _size(conn: Conn, table: str) -> int:
    """Bytes of a table with its partitions and indexes."""
    return int(
        await conn.fetchval(
            "select sum(pg_total_relation_size(relid)) from pg_partition_tree($1::text::regclass)", table
        )
        or await conn.fetchval("select pg_total_relation_size($1::text::regclass)", table)
    )
