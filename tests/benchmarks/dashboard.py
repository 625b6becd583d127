# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""What a reader waits for on the live page, in a real browser. `make bench GROUP=dashboard`.

The dashboard is served as an installation serves it, over a real Postgres with accounts of three spells each
and 14 days of coverage, read every 15 minutes. The browser is the system's Chromium without a graphics card.

`live_paint_ms_N` is a second visit: from the start of the navigation until two frames after the board was
drawn with its data. The reference is the same spells as `plotly.express.timeline`, from a file, in the same
browser. `pan_fps_N` and `zoom_fps_N` are the different pictures of the board that were shown in a second
while somebody drags it, or turns the wheel over it.
"""

import asyncio
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import plotly.express as px
import uvloop
from playwright.async_api import Page

from storage.postgres.pool import Pool, transaction
from tests.benchmarks.large_dashboard import drawing_page, large_dashboard
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.seeds.large_database import Size

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
