"""The preview of pasted names, in a real browser. `make bench GROUP=desk`.

`names_preview_5000_ms` is the time from pressing *Preview* until the counts of all lines and the first rows
of the table are drawn: handles, ids and addresses of three platforms, a tenth of them of accounts that are
watched already, and some lines that are no names. No platform is asked. The reference is the same for 50.
`names_preview_5000_server_cpu_ms` is what the dashboard computes for it.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

import uvloop
from playwright.async_api import Page

from jobs.base.clock import system_clock
from jobs.runtime.web import listen_on, serve
from storage.postgres.pool import open_pool, transaction
from tests.benchmarks.large_dashboard import SETTINGS, drawing_page
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.clients.hand import Hand

WATCHED, MANY, FEW = 10_000, 5_000, 50
VISITS = 3


def figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        now = system_clock()
        asyncio.run(_watch(dsn, now))
        few, many, cpu = uvloop.run(_measure(dsn, now))
    yield Figure(f"names_preview_{MANY}_ms", many, "ms", "lower", few)
    yield Figure(f"names_preview_{MANY}_server_cpu_ms", cpu, "ms", "lower")


def pasted(lines: int) -> list[str]:
    """Return lines as somebody pastes them, each another one."""
    kinds = (
        "x:account_{n}",
        "https://x.com/new_{n}",
        "https://twitter.com/new_{n}/status/1{n:08}?s=20",
        "x:id:9{n:08}",
        "@writer{n}.example.org",
        "https://bsky.app/profile/poster{n}.bsky.social",
        "did:plc:{n:a>24}",
        "@person{n}@social.example",
        "https://social.example/@someone{n}",
        "?? line {n}",
    )
    base32 = str.maketrans("0189", "wxyz")  # The ids of Bluesky have other digits.
    made = [kinds[n % len(kinds)].format(n=n) for n in range(1, lines + 1)]
    return [one.translate(base32) if one.startswith("did:") else one for one in made]


async def _watch(dsn: str, now: datetime) -> None:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        await conn.execute(
            """
            insert into account (platform, native_id, handle, added_at, watched)
            select 'x', n::text, 'account_' || n, $2, true from generate_series(1, $1::int) as n
            """,
            WATCHED,
            now - timedelta(days=1),
        )
        await conn.execute("analyze")


async def _measure(dsn: str, now: datetime) -> tuple[float, float, float]:
    """For few and for many lines the median of some visits, and the processor time of the server for many."""
    with listen_on("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            open_pool(dsn) as pool,
            serve(listener, pool, dsn, lambda: now, SETTINGS),
            drawing_page("painted") as page,
        ):
            few = [await _visit(page, base, pasted(FEW)) for _ in range(VISITS + 1)][1:]
            many = [await _visit(page, base, pasted(MANY)) for _ in range(VISITS)]
    return median(t for t, _ in few), median(t for t, _ in many), median(cpu for _, cpu in many)


async def _visit(page: Page, base: str, lines: Sequence[str]) -> tuple[float, float]:
    """Wall time and processor time from the press until the preview is drawn, in milliseconds."""
    await page.goto(f"{base}/accounts/add")
    await Hand(page, "bench").paste(page.locator("#add-text"), "\n".join(lines))
    began, cpu = time.perf_counter(), time.process_time()
    await page.get_by_role("button", name="Preview").click()
    # A line that is no name is three words, so there are more names than lines.
    await page.get_by_text(re.compile(r"^[0-9,]+ names: ")).wait_for()
    await page.locator(".ag-row[row-index='0']").first.wait_for()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu)
