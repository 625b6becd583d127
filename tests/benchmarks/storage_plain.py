"""Unchanged readings through the recorder, beside a plain table with a row for each, filled by COPY.

Both run on one server with the same durability, in turns, so that both meet the same machine.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import uvloop

from jobs.base.clock import system_clock
from jobs.collect.recorder import Recorder
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings.coverage import ensure_month
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.recorded import (
    Cost,
    Group,
    coverage_parts,
    judged_ahead,
    record_all,
    sizes,
    wal_position,
    watch,
)
from tests.support.pipelines.judged_requests import RULE
from tests.support.samples.readings import AVAILABLE, T0, FakeCollector

ACCOUNTS = 10_000
TURNS = 8
SWEEPS_A_TURN = 16
SWEEPS_BETWEEN_CHECKPOINTS = 8
EVERY = timedelta(minutes=15)
ROWS_A_TRANSACTION = 5_000
"""The best form of COPY that was found."""


@dataclass(slots=True)
class Plain:
    """What was measured."""

    recorded: Cost = field(default_factory=Cost)
    copied: Cost = field(default_factory=Cost)
    recorded_slowly: Cost = field(default_factory=Cost)
    """A sweep between two checkpoints, as with a sweep and a checkpoint every 15 minutes."""
    copied_slowly: Cost = field(default_factory=Cost)
    parts: dict[str, int] = field(default_factory=dict[str, int])

    def figures(self) -> Iterator[Figure]:
        ours, plain = self.recorded, self.copied
        yield Figure("record_vs_copy", ours.rate, "readings/s", "higher", plain.rate)
        yield Figure("wal_bytes_per_reading", ours.wal_each, "bytes", "lower", plain.wal_each)
        slow = self.recorded_slowly.wal_each, self.copied_slowly.wal_each
        yield Figure("wal_bytes_per_reading_checkpoint_each_sweep", slow[0], "bytes", "lower", slow[1])
        yield Figure("bytes_per_reading_base", ours.bytes_each, "bytes", "lower", plain.bytes_each)
        for name, size in self.parts.items():
            yield Figure(f"bytes_per_reading_base_{name}", size / self._readings, "bytes", "lower")

    @property
    def _readings(self) -> int:
        return self.recorded.readings + self.recorded_slowly.readings


def measured() -> Plain:
    with scratch_database() as dsn:
        return uvloop.run(_measure(dsn))


async def _measure(dsn: str) -> Plain:
    plain = Plain()
    async with open_pool(dsn) as pool:
        async with transaction(pool) as conn:
            groups = await watch(conn, ACCOUNTS, AVAILABLE)
            await ensure_month(conn, T0.date())
            await conn.execute(
                """
                create table plain_reading (
                    account_id bigint, observed_at timestamptz, status smallint, latency_ms int,
                    primary key (account_id, observed_at)
                )
                """
            )
        recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
        sweep = 1
        for _ in range(TURNS):
            times = [T0 + (sweep + n) * EVERY for n in range(SWEEPS_A_TURN)]
            sweep += SWEEPS_A_TURN
            await _turn(pool, recorder, groups, times, plain.recorded, plain.copied)
        for n in range(SWEEPS_BETWEEN_CHECKPOINTS):
            times = [T0 + (sweep + n) * EVERY]
            await _turn(pool, recorder, groups, times, plain.recorded_slowly, plain.copied_slowly)
        async with transaction(pool) as conn:
            plain.parts = await coverage_parts(conn)
            size = await sizes(conn)
        readings = plain.recorded.readings + plain.recorded_slowly.readings
        plain.parts["rosters"] = size["roster"]
        plain.recorded.bytes_each = sum(plain.parts.values()) / readings
        plain.copied.bytes_each = size["plain_reading"] / readings
    return plain


async def _turn(
    pool: Pool,
    recorder: Recorder,
    groups: Sequence[Group],
    times: Sequence[datetime],
    ours: Cost,
    plain: Cost,
) -> None:
    polls = [judged_ahead(roster, accounts, at) for at in times for roster, accounts in groups]
    gc.collect()  # what was judged is not counted
    before = await _checkpoint(pool)
    await record_all(recorder, polls, ours)
    ours.wal += await _wal(pool) - before
    rows = [(a, at, 1, 120) for at in times for roster, _ in groups for a in roster.account_ids]
    before = await _checkpoint(pool)
    started = time.perf_counter()
    for n in range(0, len(rows), ROWS_A_TRANSACTION):
        async with transaction(pool) as conn:
            await conn.copy_records_to_table("plain_reading", records=rows[n : n + ROWS_A_TRANSACTION])
    plain.seconds += time.perf_counter() - started
    plain.readings += len(rows)
    plain.wal += await _wal(pool) - before


async def _checkpoint(pool: Pool) -> int:
    """So that both begin alike: the first write to each page after it puts the whole page into the log."""
    async with pool.acquire() as conn:
        await conn.execute("checkpoint")
        return await wal_position(conn)


async def _wal(pool: Pool) -> int:
    async with transaction(pool) as conn:
        return await wal_position(conn)
