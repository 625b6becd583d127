"""The page Labels of a country in a real browser. `make bench GROUP=dashboard`.

`labels_page_20000_ms` is a later opening of that page, by a link in an open dashboard, for a country with
20,000 labels of a year: from the press until the table is painted. The reference is a country with 40.
"""

import statistics
from collections.abc import Iterator
from datetime import timedelta

import uvloop
from playwright.async_api import Page

from jobs.runtime.web import listen_on, serve
from storage.countries.label_record import note_listed
from storage.postgres.pool import open_pool, transaction
from tests.benchmarks.large_dashboard import SETTINGS, drawing_page
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.samples.label_signing import LABELER, POST
from tests.support.samples.readings import T0
from tests.support.samples.stored_labels import stated, store

FEW, MANY = 40, 20_000
VISITS = 7
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


def figures() -> Iterator[Figure]:
    took: list[float] = []
    for labels in (FEW, MANY):
        with scratch_database() as dsn:
            took.append(uvloop.run(_measure(dsn, labels)))
    yield Figure(f"labels_page_{MANY}_ms", took[1], "ms", "lower", took[0])


async def _measure(dsn: str, labels: int) -> float:
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
