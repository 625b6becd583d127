"""Whether an unchanged reading costs the same when a hundred times as many accounts are watched."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import uvloop

from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.recorder import Recorder
from storage.model.core.coverage import Roster
from storage.postgres.pool import Conn, open_pool, transaction
from storage.readings import coverage, rosters
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.recorded import ROSTER_SIZE, Cost, judged_ahead, record_all, watch
from tests.support.pipelines.judged_requests import RULE, Poll
from tests.support.samples.readings import AVAILABLE, T0, FakeCollector

FEW, MANY = 98 * 100, 98 * 10_000
PARTS = 4
REQUESTS_A_PART = MANY // ROSTER_SIZE
EVERY = timedelta(minutes=15)


def figures() -> Iterator[Figure]:
    """Few are measured before and after many, since a machine does not stay the same."""
    before, many, after = _rate(FEW), _rate(MANY), _rate(FEW)
    yield Figure("cost_1m_vs_10k", 1e6 / many, "us/reading", "lower", 1e6 / max(before, after))


def _rate(accounts: int) -> float:
    with scratch_database() as dsn:
        return uvloop.run(_best_part(dsn, accounts))


async def _best_part(dsn: str, accounts: int) -> float:
    """Readings a second in the fastest of some parts: other work on the machine can only slow them down."""
    rates: list[float] = []
    async with open_pool(dsn) as pool:
        async with transaction(pool) as conn:
            ((_, some),) = await watch(conn, ROSTER_SIZE, AVAILABLE)
            await _add(conn, accounts - ROSTER_SIZE)
            await coverage.ensure_month(conn, T0.date())
            base = await rosters.base_rosters(conn, X)
        async with pool.acquire() as conn:
            await conn.execute("vacuum (analyze) account, roster")
            await conn.execute("checkpoint")
        recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
        sweeps = REQUESTS_A_PART // len(base)
        for part in range(PARTS):
            times = [T0 + (1 + part * sweeps + n) * EVERY for n in range(sweeps)]
            answers = [judged_ahead(base[0], some, at) for at in times]
            cost = Cost()
            await record_all(recorder, [one for a in answers for one in _sweep(base, a)], cost)
            rates.append(cost.rate)
    return max(rates)


def _sweep(base: Sequence[Roster], one: Poll) -> list[Poll]:
    """All rosters answered alike, so that one answer is judged for all of them."""
    return [replace(one, batch=replace(one.batch, roster_id=r.roster_id)) for r in base]


async def _add(conn: Conn, accounts: int) -> None:
    await conn.execute(
        """
        insert into account (platform, native_id, handle, added_at)
        select 'x', 'n' || n, 'h' || n, $2 from generate_series(1, $1::int) as n
        """,
        accounts,
        T0,
    )
    await conn.execute(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        select 'x', sha256(min(account_id)::text::bytea), array_agg(account_id order by account_id), '{}',
            true, min(added_at)
        from account where account_id > $1 group by (account_id - 1) / $1 order by min(account_id)
        """,
        ROSTER_SIZE,
    )
