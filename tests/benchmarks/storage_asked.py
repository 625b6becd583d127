"""How fast the answers are: 100,000 accounts, a year, a list of 1,178 read every 15 minutes throughout.

What is measured is what pages and API call: the status report of now and of a moment, as the Replay page has
it, and the spells from which the Live page draws a list and counts everybody. Reference: a plain query in the
same run that counts the same spells.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import uvloop

from storage.health.status import standing
from storage.health.status_at import status_at
from storage.live import snapshot
from storage.postgres.pool import Conn, connect, open_pool, transaction
from storage.readings.last_reading import last_confirmed
from storage.readings.readings import readings_of
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.seeds.large_database import COHORT, START, Size, build

RUNS = 7
SWEEP = timedelta(minutes=15)
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
        found = list[Figure]()
        for name, ask, plain in await _questions(conn):
            reference = await _median_ms(conn, plain) if plain else None
            found.append(Figure(name, await _median_ms(conn, ask), "ms", "lower", reference))
        return found


Ask = Callable[[Conn], Awaitable[object]]


def _counted(condition: str, *args: object) -> Ask:
    counted = f"select status, withheld_in, count(*) from spell where {condition} group by 1, 2"  # noqa: S608
    return lambda conn: conn.fetch(counted, *args)


async def _questions(conn: Conn) -> list[tuple[str, Ask, Ask | None]]:
    members = await conn.fetch(
        "select account_id from watch_list_member join watch_list using (list_id) where name = $1", COHORT
    )
    cohort = [r["account_id"] for r in members]
    half, until = START + timedelta(days=SIZE.days / 2), SIZE.until
    next_day = half + timedelta(days=1)
    return [
        (
            "latest_100k_ms",
            lambda c: standing(c, until, SWEEP),
            _counted("upper_inf(valid) and upper_inf(recorded)"),
        ),
        (
            "timelines_1178_year_ms",
            lambda c: snapshot.spells(c, START, cohort),
            _counted("account_id = any($1::bigint[]) and upper_inf(recorded)", cohort),
        ),
        (
            "at_100k_ms",
            lambda c: status_at(c, half, None, SWEEP),
            _counted("valid @> $1::timestamptz and upper_inf(recorded)", half),
        ),
        (
            "as_known_100k_ms",
            lambda c: status_at(c, half, next_day, SWEEP),
            _counted("valid @> $1::timestamptz and recorded @> $2::timestamptz", half, next_day),
        ),
        ("account_readings_year_ms", lambda c: readings_of(c, cohort[0], START, until), None),
        ("counts_year_ms", lambda c: snapshot.spells(c, START, None), _counted("upper_inf(recorded)")),
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
