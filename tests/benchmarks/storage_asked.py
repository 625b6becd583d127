"""How fast the answers are: 100,000 accounts, a year, a list of 1,178 read every 15 minutes throughout.

Reference: what the plain query over spells took on the machine on which the schema was chosen.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import uvloop

from storage.changes.counts import counts
from storage.changes.states import members, states, timelines
from storage.postgres.pool import Conn, connect, open_pool, transaction
from storage.readings.last_reading import last_confirmed
from storage.readings.readings import readings_of
from tests.benchmarks.figure import Figure
from tests.benchmarks.scratch import scratch_database
from tests.support.seeds.large_database import COHORT, START, Size, build

RUNS = 7
SIZE = Size()


def figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        yield from uvloop.run(_measure(dsn))


async def _measure(dsn: str) -> list[Figure]:
    conn = await connect(dsn)
    try:
        await build(conn, SIZE)
    finally:
        await conn.close()
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return [
            Figure(name, await _median_ms(conn, ask), "ms", "lower", reference)
            for name, ask, reference in await _questions(conn)
        ]


Ask = Callable[[Conn], Awaitable[object]]


async def _questions(conn: Conn) -> list[tuple[str, Ask, float | None]]:
    cohort = await members(conn, COHORT)
    half, until = START + timedelta(days=SIZE.days / 2), SIZE.until
    next_day = half + timedelta(days=1)

    async def readings(conn: Conn) -> int:
        return len(await readings_of(conn, cohort[0], START, until))

    return [
        ("latest_100k_ms", states, 77),
        ("timelines_1178_year_ms", lambda c: timelines(c, cohort, START, until), 64),
        ("at_100k_ms", lambda c: states(c, at=half), 66),
        ("as_known_100k_ms", lambda c: states(c, at=half, known_at=next_day), 109),
        ("account_readings_year_ms", readings, 116),
        ("counts_year_ms", lambda c: counts(c, START, until, timedelta(hours=1)), 252),
        ("last_confirmed_1178_ms", lambda c: last_confirmed(c, cohort), None),
    ]


async def _median_ms(conn: Conn, ask: Ask) -> float:
    """After one run that is not counted."""
    took: list[float] = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        await ask(conn)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took[1:])
