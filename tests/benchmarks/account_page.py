"""The page of one account with a very long history. `make bench GROUP=dashboard`.

`account_page_10000_gaps_ms` is the time from the request of the page until its answer is there, of an account
with 10,000 gaps in its readings, as an installation serves it over a real Postgres. The reference is the page
of an account without a gap.
"""

import statistics
import time
from collections.abc import Iterator

import aiohttp
import uvloop

from jobs.runtime.web import listen_on, serve
from storage.postgres.pool import connect, open_pool
from tests.benchmarks.large_dashboard import SETTINGS
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.clients.api import callback
from tests.support.seeds.long_history import LongHistory, write_long_history

VISITS = 15
GAPS = 10_000


def figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        plain = uvloop.run(_measure(dsn, LongHistory()))
    with scratch_database() as dsn:
        gapped = uvloop.run(_measure(dsn, LongHistory(gaps=GAPS)))
    yield Figure(f"account_page_{GAPS}_gaps_ms", gapped, "ms", "lower", plain)


async def _measure(dsn: str, history: LongHistory) -> float:
    """The median of some visits, after one that is not counted."""
    conn = await connect(dsn)
    account_id = await write_long_history(conn, history)
    await conn.close()
    asked = callback(
        "page children", "routed data", {"path": f"/account/{account_id}", "query": "", "theme": "light"}
    )
    took: list[float] = []
    with listen_on("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            open_pool(dsn) as pool,
            serve(listener, pool, dsn, lambda: history.until, SETTINGS),
            aiohttp.ClientSession(base, headers={"Origin": base}) as session,
        ):
            for _ in range(VISITS + 1):
                began = time.perf_counter()
                async with session.post("/_dash-update-component", json=asked) as answer:
                    answer.raise_for_status()
                    await answer.read()
                took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took[1:])
