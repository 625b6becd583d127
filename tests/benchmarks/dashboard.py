# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""What a reader waits for on the live page, in a real browser. `make bench GROUP=dashboard`.

The dashboard is served as an installation serves it, over a real Postgres with accounts of three spells each
and 14 days of coverage, read every 15 minutes. The browser is the system's Chromium without a graphics card.

`live_paint_ms_N` is a second visit: from the start of the navigation until two frames after the board was
drawn with its data. The reference is the same spells as `plotly.express.timeline`, from a file, in the same
browser. `pan_fps_N` and `zoom_fps_N` are the different pictures of the board that were shown in a second
while somebody drags it, or turns the wheel over it.

The page of one account with a very long history. `make bench GROUP=dashboard`.

`account_page_10000_gaps_ms` is the time from the request of the page until its answer is there, of an account
with 10,000 gaps in its readings, as an installation serves it over a real Postgres. The reference is the page
of an account without a gap.

The page Labels of a country in a real browser. `make bench GROUP=dashboard`.

`labels_page_20000_ms` is a later opening of that page, by a link in an open dashboard, for a country with
20,000 labels of a year: from the press until the table is painted. The reference is a country with 40.
"""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import aiohttp
import plotly.express as px
import uvloop
from playwright.async_api import Page, async_playwright

from dashboard.asgi.settings import DashboardSettings
from jobs.runtime.web import listen_on, serve
from storage.countries.label_record import note_listed
from storage.postgres.pool import Pool, connect, open_pool, transaction
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.clients.api import callback
from tests.support.clients.browser import ARGUMENTS, FULL_CHROMIUM
from tests.support.samples.label_signing import LABELER, POST, stated, store
from tests.support.samples.readings import T0
from tests.support.seeds.large_database import LongHistory, Size, build, write_long_history

FEW, MANY = 1_178, 10_000


DAYS = 14


VISITS = 7


GESTURE_S = 2.5


REST_S = 3.0


MOVED = """
    async ([gesture, lasts]) => {
        const [x, y] = [700, 600];
        const at = { bubbles: true, cancelable: true, clientX: x, clientY: y };
        const target = document.elementFromPoint(x, y);
        const moves = {
            drag: (step) => {
                const way = (step * 3) % 400;
                const clientX = x + (way < 200 ? way : 400 - way);
                const moved = { ...at, clientX, pointerId: 1, buttons: 1 };
                target.dispatchEvent(new PointerEvent("pointermove", moved));
            },
            turn: (step) => {
                const deltaY = Math.floor(step / 40) % 2 ? 4 : -4;
                target.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY, ctrlKey: true }));
            },
        };
        const began = performance.now();
        let [shown, last, step] = [0, "", 0];
        while (performance.now() - began < lasts) {
            await new Promise(requestAnimationFrame);
            const now = String(window.__blockline.window);
            if (now !== last) shown += 1;
            last = now;
            moves[gesture](step++);
        }
        return (1000 * shown) / (performance.now() - began);
    }
"""
"""One event a frame, from the page itself: the browser's driver waits a frame or two for each of its own."""


@dataclass(frozen=True, slots=True)
class _Measured:
    paint_ms: float
    plotly_ms: float
    pan_fps: float
    zoom_fps: float


def figures() -> Iterator[Figure]:
    for accounts in (FEW, MANY):
        with scratch_database() as dsn:
            found = uvloop.run(_measure(dsn, accounts))
        yield Figure(f"live_paint_ms_{accounts}", found.paint_ms, "ms", "lower", found.plotly_ms)
        yield Figure(f"pan_fps_{accounts}", found.pan_fps, "frames/s", "higher")
        yield Figure(f"zoom_fps_{accounts}", found.zoom_fps, "frames/s", "higher")


async def _measure(dsn: str, accounts: int) -> _Measured:
    async with large_dashboard(dsn, accounts, DAYS) as (pool, base), drawing_page("painted") as page:
        paint = [await visit(page, base) for _ in range(VISITS + 1)][1:]
        pan = await while_panning(page)
        zoom = await _shown(page, "turn")
        folder = Path(tempfile.mkdtemp(prefix="blockline-bench-plotly-"))
        try:
            plotly = await _plotly(page, pool, folder)
        finally:
            shutil.rmtree(folder)
    return _Measured(statistics.median(paint), plotly, pan, zoom)


async def visit(page: Page, address: str) -> float:
    """Milliseconds from the start of the navigation until two frames after the board was drawn."""
    await page.goto("about:blank")
    await page.goto(address, wait_until="commit")
    took = await page.evaluate("window.__drawn")
    await page.wait_for_load_state("load")
    return took


async def while_panning(page: Page) -> float:
    """Different pictures of the board in a second, while somebody drags it."""
    return await _shown(page, "drag")


async def _shown(page: Page, gesture: Literal["drag", "turn"]) -> float:
    """Different pictures of the board in a second, while the gesture lasts, of a page that came to rest."""
    await asyncio.sleep(REST_S)
    await page.mouse.move(700, 600)
    if gesture == "drag":
        await page.locator("#lanes").focus()
        await page.keyboard.press("+")
        await page.mouse.down()
    shown = await page.evaluate(MOVED, [gesture, GESTURE_S * 1000])
    await page.mouse.up()
    return shown


async def _plotly(page: Page, pool: Pool, folder: Path) -> float:
    """The same for the same spells, as plotly draws them out of the box; the second visit."""
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            select a.handle, s.status, lower(s.valid) as since, coalesce(upper(s.valid), $1) as until
            from spell s join account a using (account_id) where upper_inf(s.recorded)
            """,
            Size(days=DAYS).until,
        )
    columns = ("handle", "status", "since", "until")
    figure = px.timeline(
        {name: [r[name] for r in rows] for name in columns},
        x_start="since",
        x_end="until",
        y="handle",
        color="status",
    )
    drawn = (
        "requestAnimationFrame(() => requestAnimationFrame(() => { document.title = performance.now(); }));"
    )
    file = folder / "timeline.html"
    figure.write_html(file, include_plotlyjs="directory", post_script=drawn)
    for _ in range(2):
        await page.goto("about:blank")
        await page.goto(file.as_uri(), wait_until="commit", timeout=120_000)
        await page.wait_for_function("Number(document.title) > 0", timeout=120_000)
    return float(await page.title())


SETTINGS = DashboardSettings(
    title="Benchmark", subtitle="Accounts", synthetic=True, sweep_every=timedelta(minutes=15)
)


_AFTER_DRAWING = """
    window.__drawn = new Promise((done) => {
        const soon = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
        new MutationObserver((_, me) => { me.disconnect(); soon(); })
            .observe(document, { subtree: true, attributeFilter: ["data-ATTRIBUTE"] });
    });
"""


@asynccontextmanager
async def large_dashboard(dsn: str, accounts: int, days: int) -> AsyncGenerator[tuple[Pool, str]]:
    """Every account changes twice in these days. Yields the pool and the address."""
    size = Size(
        accounts=accounts, days=days, cohort=accounts, cohort_changes=2, other_changes=0, sweeps_of_all=0
    )
    conn = await connect(dsn)
    await build(conn, size)
    await conn.close()
    began = asyncio.get_running_loop().time()

    def clock() -> datetime:
        return size.until + timedelta(seconds=asyncio.get_running_loop().time() - began)

    with listen_on("127.0.0.1", 0) as listener:
        async with open_pool(dsn) as pool, serve(listener, pool, dsn, clock, SETTINGS):
            yield pool, f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def drawing_page(attribute: str) -> AsyncGenerator[Page]:
    """A page in which `window.__drawn` is the time of the second picture after `data-…` was set first."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=FULL_CHROMIUM, args=ARGUMENTS)
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        await context.add_init_script(_AFTER_DRAWING.replace("ATTRIBUTE", attribute))
        yield await context.new_page()
        await browser.close()


ACCOUNT_PAGE_VISITS = 15


GAPS = 10_000


def account_page_figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        plain = uvloop.run(_account_page_measure(dsn, LongHistory()))
    with scratch_database() as dsn:
        gapped = uvloop.run(_account_page_measure(dsn, LongHistory(gaps=GAPS)))
    yield Figure(f"account_page_{GAPS}_gaps_ms", gapped, "ms", "lower", plain)


async def _account_page_measure(dsn: str, history: LongHistory) -> float:
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
            for _ in range(ACCOUNT_PAGE_VISITS + 1):
                began = time.perf_counter()
                async with session.post("/_dash-update-component", json=asked) as answer:
                    answer.raise_for_status()
                    await answer.read()
                took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took[1:])


LABELS_PAGE_FEW, LABELS_PAGE_MANY = 40, 20_000


YEAR = timedelta(days=365)


_AFTER_A_PRESS = """() => new Promise((resolve) => {
  const links = [...document.querySelectorAll("a")];
  const began = performance.now();
  new MutationObserver((_, observer) => {
    if (!document.querySelector(".labels td input")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  }).observe(document, { subtree: true, childList: true });
  links.find((link) => link.textContent === "Labels").click();
})"""


def labels_page_figures() -> Iterator[Figure]:
    took: list[float] = []
    for labels in (LABELS_PAGE_FEW, LABELS_PAGE_MANY):
        with scratch_database() as dsn:
            took.append(uvloop.run(_labels_page_measure(dsn, labels)))
    yield Figure(f"labels_page_{LABELS_PAGE_MANY}_ms", took[1], "ms", "lower", took[0])


async def _labels_page_measure(dsn: str, labels: int) -> float:
    """The median of some visits, after one that is not counted."""
    now = T0 + YEAR
    with listen_on("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            open_pool(dsn) as pool,
            serve(listener, pool, dsn, lambda: now, SETTINGS),
            drawing_page("painted") as page,
        ):
            await store(pool, *(stated(f"{POST}{n}", T0 + n * YEAR / labels) for n in range(labels)), at=now)
            async with transaction(pool) as conn:
                await note_listed(conn, LABELER, now)
                await conn.execute("analyze label")
            await page.goto(f"{base}/countries/TR/network")
            took = [await _visit(page) for _ in range(VISITS + 1)]
    return statistics.median(took[1:])


async def _visit(page: Page) -> float:
    labels = page.get_by_role("link", name="Labels", exact=True)
    await labels.wait_for()
    took: float = await page.evaluate(_AFTER_A_PRESS)
    await page.get_by_role("link", name="Networks", exact=True).click()
    await page.locator(".labels").wait_for(state="detached")
    return took


WATCHED, NAMES_PREVIEW_MANY, NAMES_PREVIEW_FEW = 10_000, 5_000, 50


NAMES_PREVIEW_VISITS = 3


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
