"""What a reader of Live waits for with a million accounts. `make bench GROUP=live_1m`.

The accounts of `million_world`, of which one of 333 was blocked. The figures are those of `large_pages`. The
reference are 10,000 accounts, which are sent one by one.

BLOCKLINE_BENCH_ACCOUNTS makes it smaller, for a try.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime, timedelta

import uvloop

from dashboard.asgi.settings import DashboardSettings
from jobs.runtime.web import listen_on, serve
from storage.postgres.pool import open_pool
from tests.benchmarks.large_pages import LiveMeasured, measured_live
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.million_world import World, build, change_some
from tests.support.samples.readings import T0

MANY = World(int(os.environ.get("BLOCKLINE_BENCH_ACCOUNTS", "1_000_000")))
FEW = World(10_000)
_SWEEP_AT_LEAST = timedelta(minutes=15)


def figures() -> Iterator[Figure]:
    few, many = (_measured(world) for world in (FEW, MANY))
    yield from many.figures(few)


def _measured(world: World) -> LiveMeasured:
    with scratch_database() as dsn:
        return uvloop.run(_measure(dsn, world))


async def _measure(dsn: str, world: World) -> LiveMeasured:
    await build(dsn, world)
    await change_some(dsn)
    settings = DashboardSettings(
        title="Benchmark", subtitle="Accounts", synthetic=True, sweep_every=max(world.sweep, _SWEEP_AT_LEAST)
    )
    began = asyncio.get_running_loop().time()

    def clock() -> datetime:
        return T0 + timedelta(seconds=asyncio.get_running_loop().time() - began)

    with listen_on("127.0.0.1", 0) as listener:
        async with open_pool(dsn) as pool, serve(listener, pool, dsn, clock, settings):
            return await measured_live(f"http://127.0.0.1:{listener.getsockname()[1]}")
