"""A dashboard with very many accounts, served as in production, and a browser that says when it has drawn."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from playwright.async_api import Page, async_playwright

from dashboard.asgi.settings import DashboardSettings
from jobs.runtime.web import listen_on, serve
from storage.postgres.pool import Pool, connect, open_pool
from tests.support.clients.browser import ARGUMENTS, FULL_CHROMIUM
from tests.support.seeds.large_database import Size, build

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
