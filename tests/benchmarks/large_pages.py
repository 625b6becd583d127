"""What a reader waits for with 100,000 accounts of two changes. `make bench GROUP=live_100k`, and `table`.

`first_answer_ms` of Live is asked for when the server has just started, which prepares it meanwhile; of it
`longest_stall_ms` is for how long the event loop did not go on. `paint_ms` is a visit after that, from the
start of the navigation until two frames after the board was drawn. `tab_mb` is what the scripts of the page
hold. Figures of the table are from the request to the answer of the server: the first rows of a listing, and
then rows of its middle.

What a reader of Live waits for with a million accounts. `make bench GROUP=live_1m`.

The accounts of `million_world`, of which one of 333 was blocked. The figures are those of `large_pages`. The
reference are 10,000 accounts, which are sent one by one.

BLOCKLINE_BENCH_ACCOUNTS makes it smaller, for a try.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Self

import aiohttp
import uvloop

from dashboard.asgi.settings import DashboardSettings
from jobs.runtime.web import listen_on, serve
from storage.postgres.pool import open_pool
from tests.benchmarks.dashboard import DAYS, drawing_page, large_dashboard, visit, while_panning
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.million import World, build, change_some
from tests.support.samples.readings import T0
from tests.support.seeds.large_database import Size

ACCOUNTS = 100_000


VISITS = 3


STEP_S = 0.01


LISTINGS = {
    "usual": "sort=since:desc",
    "by_handle": "sort=handle",
    "search": "q=h99&sort=since:desc",
    "withheld": "status=withheld&sort=since:desc",
}


def live() -> Iterator[Figure]:
    with scratch_database() as dsn:
        yield from uvloop.run(_live(dsn))


@dataclass(frozen=True, slots=True)
class LiveMeasured:
    """What a reader of Live waits for."""

    first_answer_ms: float
    longest_stall_ms: float
    later_answer_ms: float
    answer_kb: float
    paint_ms: float
    tab_mb: float
    pan_fps: float

    def figures(self, reference: Self | None = None) -> Iterator[Figure]:
        for field in fields(self):
            unit = {"kb": "kB", "mb": "MB", "fps": "frames/s"}.get(field.name.rpartition("_")[2], "ms")
            yield Figure(
                field.name,
                getattr(self, field.name),
                unit,
                "higher" if unit == "frames/s" else "lower",
                None if reference is None else getattr(reference, field.name),
            )


async def _live(dsn: str) -> list[Figure]:
    async with large_dashboard(dsn, ACCOUNTS, DAYS) as (_, base):
        return list((await measured_live(base)).figures())


async def measured_live(base: str) -> LiveMeasured:
    """To be called when the server has just started."""
    async with drawing_page("painted") as page:
        async with _stalls() as stalls:
            cold_ms, size = await _answer(f"{base}/api/live")
        warm_ms, _ = await _answer(f"{base}/api/live")
        paint_ms = min([await visit(page, base) for _ in range(VISITS)])
        fps = await while_panning(page)
        held = float(await page.evaluate("performance.memory.usedJSHeapSize"))
    return LiveMeasured(cold_ms, max(stalls) * 1000, warm_ms, size / 1000, paint_ms, held / 1e6, fps)


_MOMENT = round(Size(days=DAYS).until.timestamp() * 1000)
"""One that all requests name, so that the block is of the listing that is kept."""


async def _answer(address: str) -> tuple[float, int]:
    """Milliseconds and compressed bytes."""
    began = time.perf_counter()
    async with aiohttp.ClientSession(auto_decompress=False) as session, session.get(address) as answer:
        answer.raise_for_status()
        size = len(await answer.read())
    return (time.perf_counter() - began) * 1000, size


@asynccontextmanager
async def _stalls() -> AsyncGenerator[list[float]]:
    """By how much each of many short sleeps of the event loop was too long, in seconds."""
    found: list[float] = []

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(STEP_S)
            found.append(time.perf_counter() - began - STEP_S)

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        yield found
        watching.cancel()


MANY = World(int(os.environ.get("BLOCKLINE_BENCH_ACCOUNTS", "1_000_000")))


FEW = World(10_000)


_SWEEP_AT_LEAST = timedelta(minutes=15)


def million() -> Iterator[Figure]:
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
