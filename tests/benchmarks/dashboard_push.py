"""From the commit of a change to the page that has painted it, with 50 browsers. Part of group `dashboard`.

The dashboard runs in a process of its own. Two of the 50 are pages of Chromium, whose paint is timed; 48 are
websockets that say and answer what Dash's renderer does. 1,178 or 10,000 accounts are watched, and all
changes go through the rules and the recorder's SQL, each alone but those of the wave.
"""

import asyncio
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import uvloop
from playwright.async_api import Page, async_playwright

from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.recorder import Recorder
from jobs.detect.judge import TrackedAccount
from storage.changes.record import Recording, record_many
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import State, Status
from storage.model.core.coverage import Roster
from storage.model.core.known_state import Known
from storage.postgres.pool import Pool, connect, open_pool, transaction
from storage.readings import rosters
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.clients.api import following
from tests.support.clients.browser import ARGUMENTS, FULL_CHROMIUM
from tests.support.pipelines.judged_requests import RULE, poll, watched
from tests.support.samples.readings import FakeCollector
from tests.support.seeds.large_database import Size, build
from tests.support.servers.dashboard import until

ELSEWHERE = State(Status.WITHHELD, ("DE",))
"""Where nobody is when a benchmark begins."""


@dataclass(frozen=True, slots=True)
class Recorded:
    change_ids: dict[int, int]
    """By account."""
    committed: float
    """When the commit began, in seconds since 1970: what is measured from here on is a little too long."""


async def settled(pool: Pool, at: datetime) -> list[TrackedAccount]:
    """The accounts on X that have no provisional change, as the monitor holds them."""
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            select a.account_id, a.native_id, a.handle, s.status, s.withheld_in
            from account a
            join spell s on s.account_id = a.account_id and upper_inf(s.valid) and upper_inf(s.recorded)
            where a.platform = 'x' and not exists (
                select from pending_change p where p.account_id = a.account_id
            )
            order by a.account_id
            """
        )
    return [
        watched(
            [Account(AccountId(r["account_id"]), X, r["native_id"], r["handle"])],
            Known(State(Status(r["status"]), tuple(r["withheld_in"])), at, at),
        )[0]
        for r in rows
    ]


async def blocked(pool: Pool, accounts: Sequence[TrackedAccount], at: datetime, size: int = 98) -> Recorded:
    """Have all of them withheld at `at`: requests of `size`, recorded in one transaction."""
    recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
    recordings: list[Recording] = []
    for n in range(0, len(accounts), size):
        these = accounts[n : n + size]
        roster = await _roster(pool, these, at)
        one = poll(roster, these, at, {w.account.native_id: ELSEWHERE for w in these})
        recordings.append(recorder._recording(one.batch, one.judged, one.answer))
    async with transaction(pool) as conn:
        assert all(await record_many(conn, recordings, lambda: at))
        rows = await conn.fetch(
            "select account_id, change_id from pending_change where account_id = any($1::bigint[])",
            [w.account.account_id for w in accounts],
        )
        committed = time.time()
    assert len(rows) == len(accounts), "a change was not recorded"
    return Recorded({r["account_id"]: r["change_id"] for r in rows}, committed)


async def _roster(pool: Pool, these: Sequence[TrackedAccount], at: datetime) -> Roster:
    ids = [w.account.account_id for w in these]
    async with transaction(pool) as conn:
        return await rosters.get_or_make(conn, X, ids, (), at, base=False)


LARGE = Size(accounts=10_000, days=14, other_changes=5_000, sweeps_of_all=96 * 3)


SMALL = Size(accounts=1_178, cohort=300, days=14, other_changes=600, sweeps_of_all=96 * 3)


CHANGES = 80


WAVE = 1_178


PAGES = 2


SIMULATED = 48


PUSHES = (1_000, 10_000)


FOLLOWERS = 20
"""Browsers while memory is looked at."""


PATIENCE_S = 60.0


WATCH = """() => {
  const seen = new Map();
  const b = globalThis.__blockline;
  const known = new Set(b.state.changes.keys());
  globalThis.__painted = seen;
  globalThis.__draws = [];
  new MutationObserver(() => {
    const fresh = [...b.state.changes.keys()].filter((id) => !known.has(id));
    if (!fresh.length) return;
    for (const id of fresh) known.add(id);
    globalThis.__draws.push(fresh.length);
    requestAnimationFrame(() => {
      const at = performance.timeOrigin + performance.now();
      for (const id of fresh) seen.set(id, at);
    });
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-painted"] });
}"""
"""The frame after the one that drew a change counts: in between, it came to the screen."""


def figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        # An empty watch: what is looked at is what a push leaves behind, not what a query takes.
        before, after, start = uvloop.run(_memory(dsn))
        yield Figure("push_memory_growth_mb", after - before, "MB", "lower", start)
    for size, name in (SMALL, "push_to_paint_p95_ms"), (LARGE, "push_to_paint_p95_ms_10000"):
        with scratch_database() as dsn:
            yield from uvloop.run(_shown(dsn, size, name))


@asynccontextmanager
async def _server(dsn: str, *pause: str) -> AsyncGenerator[tuple[str, int]]:
    """Its address and its process."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.push_server", dsn, LARGE.until.isoformat(), *pause],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            yield (await asyncio.to_thread(server.stdout.readline)).strip(), server.pid
        finally:
            server.terminate()


async def _shown(dsn: str, size: Size, name: str) -> list[Figure]:
    conn = await connect(dsn)
    try:
        await build(conn, size)
    finally:
        await conn.close()
    chance = random.Random(5)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(dsn))
        base, _ = await stack.enter_async_context(_server(dsn))
        pages = [await stack.enter_async_context(_page(base)) for _ in range(PAGES)]
        _, heard = await _follow(stack, base, SIMULATED)
        accounts = await settled(pool, size.until - timedelta(minutes=15))
        single, wave = accounts[:CHANGES], accounts[CHANGES : CHANGES + WAVE]
        recorded: list[Recorded] = []
        for account in single:
            await asyncio.sleep(chance.uniform(0.3, 1.3))
            recorded.append(await blocked(pool, [account], size.until))
        for page in pages:
            await until(lambda page=page: _has_drawn(page, len(single)), PATIENCE_S)
        await asyncio.sleep(1)
        delays = sorted([d for page in pages for d in await _delays(page, recorded)])
        ways = sorted(heard[c] * 1000 - r.committed * 1000 for r in recorded for c in r.change_ids.values())
        for what, took in (("the last of the websockets had it", ways), ("it was painted", delays)):
            print(
                f"until {what}: median {statistics.median(took):.0f} ms, 95 % {_p95(took):.0f} ms",
                file=sys.stderr,
            )
        figure = Figure(name, _p95(delays), "ms", "lower")
        if len(wave) < WAVE:
            return [figure]
        await pages[0].evaluate("globalThis.__draws.length = 0")
        await blocked(pool, wave, size.until)
        await until(lambda: _has_drawn(pages[0], len(wave)), PATIENCE_S)
        await asyncio.sleep(1)
        draws = await pages[0].evaluate("globalThis.__draws")
    return [
        figure,
        Figure(f"wave_{WAVE}_repaints", len(draws), "repaints", "lower"),
    ]


def _p95(values: Sequence[float]) -> float:
    return values[math.ceil(0.95 * len(values)) - 1]


async def _delays(page: Page, recorded: Sequence[Recorded]) -> list[float]:
    painted = {int(k): v for k, v in await page.evaluate("[...globalThis.__painted]")}
    return [painted[c] - r.committed * 1000 for r in recorded for c in r.change_ids.values()]


@asynccontextmanager
async def _page(base: str) -> AsyncGenerator[Page]:
    async with async_playwright() as playwright:
        with tempfile.TemporaryDirectory() as folder:
            context = await playwright.chromium.launch_persistent_context(
                folder, executable_path=FULL_CHROMIUM, args=ARGUMENTS, viewport={"width": 1440, "height": 900}
            )
            page = await context.new_page()
            await page.goto(base)
            await until(lambda: page.evaluate("(globalThis.__blockline?.rev ?? 0) > 2"), PATIENCE_S)
            await page.evaluate(WATCH)
            try:
                yield page
            finally:
                await context.close()


async def _follow(stack: AsyncExitStack, base: str, browsers: int) -> tuple[list[int], dict[int, float]]:
    """Open so many websockets. How many messages came by each, and when the last heard of each change: both
    go on.
    """
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    came = [0] * browsers
    heard: dict[int, float] = {}
    tasks = asyncio.TaskGroup()
    await stack.enter_async_context(tasks)

    async def read(n: int) -> None:
        async with following(session, base) as browser:
            async for message in browser.messages():
                came[n] += 1
                for change_id in message.get("changes", {}).get("id", ()):
                    heard[change_id] = time.time()

    reading = [tasks.create_task(read(n)) for n in range(browsers)]
    stack.callback(lambda: [task.cancel() for task in reading])
    await until(lambda: _all(came), PATIENCE_S)
    return came, heard


async def _all(came: Sequence[int]) -> bool:
    return all(came)


async def _has_drawn(page: Page, changes: int) -> bool:
    return sum(await page.evaluate("globalThis.__draws")) >= changes


async def _memory(dsn: str) -> tuple[float, float, float]:
    """The server's memory in MB after the first thousand pushes, after all, and before any.

    Pushes are not held back here, so that ten thousand take a minute and not an hour: each is the news of
    events of their own, read in a transaction and told to all browsers.
    """
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(dsn))
        base, pid = await stack.enter_async_context(_server(dsn, "0"))
        start = _rss_mb(pid)
        came, _ = await _follow(stack, base, FOLLOWERS)
        rss: list[float] = []
        async with asyncio.timeout(600):
            for goal in PUSHES:
                while min(came) < goal:
                    async with transaction(pool) as conn:
                        await conn.execute("set local synchronous_commit = off")
                        await conn.execute("select announce('mail', 0)")
                rss.append(_rss_mb(pid))
    return rss[0], rss[1], start


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
