"""Live with more accounts than are sent one by one: it looks the same, and says where the others are."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

GROUPED = replace(SETTINGS, most_accounts=0)
SAID = """[...document.querySelectorAll("#kpis .kpi, #fleet-ends, #strips .strip, #feed, #pick-list")]
    .map((one) => one.textContent)"""
DRAWN = """[...document.querySelectorAll("#c-fleet, #strips canvas")].map((one) => one.toDataURL())"""


async def shown(base: str, path: str, what: str) -> Any:
    async with opened(base, path) as browser:
        await browser.painted()
        return await browser.page.evaluate(what)


async def quiet(browser: Browser) -> int:
    return await browser.state("s.accounts.reduce((n, a) => n + (a.isQuiet ? a.n : 0), 0)")


@pytest.mark.parametrize("path", ["/", "/?list=1", "/?list=2&kind=accounts"])
async def test_grouped_accounts_look_as_they_do_one_by_one(
    pool: Pool, dsn: str, story: Story, path: str
) -> None:
    async with served(pool, dsn, story.now) as base:
        said = await shown(base, path, SAID)
        drawn = await shown(base, path, DRAWN)
    async with served(pool, dsn, story.now, GROUPED) as base:
        assert await shown(base, path, SAID) == said
        assert await shown(base, path, DRAWN) == drawn


async def test_lanes_are_of_accounts_that_changed_and_the_others_are_named(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now, GROUPED) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        n = await quiet(browser)
        assert 0 < n < 32
        names = await page.locator(".lane-row:not([hidden])").count()
        assert names == 32 - n
        note = page.locator("#quiet")
        assert f"{n} accounts without a change since" in await note.inner_text()
        await page.locator("#as-table").click()
        assert await page.locator("#table-view .facts-above + table tbody tr").count() == 32 - n
        assert f"{n} accounts without a change" in await page.locator("#table-view").inner_text()
        await page.keyboard.press("Escape")

        await page.locator("#pick-handle").fill("zzz")
        await browser.becomes("document.getElementById('quiet').textContent.includes('does not search')")
        assert await note.locator("a").get_attribute("href") == "/accounts?q=zzz"
        await page.locator("#pick-handle").fill("")
        await note.locator("a", has_text="List all accounts").click()
        await page.locator("#accounts-table, .ag-root").first.wait_for()


async def test_bands_hold_grouped_accounts_and_say_how_many_they_hold(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await seed(conn, now, (90, 110))
    async with served(pool, dsn, now, GROUPED) as base, opened(base, "/?lanes=all") as browser:
        await browser.painted()
        page = browser.page
        assert "All 200 lanes, 2 or 3 per band." in await page.locator(".fit-note").inner_text()
        assert await page.locator("#quiet").is_hidden(), "they are all in the bands"
        await page.evaluate("document.getElementById('lanes').scrollIntoView({ block: 'end' })")
        box = await page.locator("#lanes").bounding_box()
        assert box
        await page.mouse.move(box["x"] + 500, box["y"] + box["height"] - 3)
        await page.locator("#tip", has_text="Without a change in this range").wait_for()
        said = await page.locator("#tip").inner_text()
        assert said.startswith(("2 accounts", "3 accounts"))

        await page.mouse.click(box["x"] + 500, box["y"] + 3)
        await browser.becomes("new URLSearchParams(location.search).has('account')")
        account = await page.evaluate("Number(new URLSearchParams(location.search).get('account'))")
        handle = await browser.state(f"s.byId.get({account}).handle")
        await page.locator(".lane-row", has_text=handle).wait_for()


async def test_a_quiet_account_that_changes_gets_a_lane_without_a_reload(
    pool: Pool, dsn: str, story: Story
) -> None:
    changed = story.accounts[1][-2]
    async with served(pool, dsn, story.now, GROUPED) as base, opened(base) as browser:
        await browser.pushed()
        before = await quiet(browser)
        assert not await browser.state(f"s.byId.has({changed})")
        await browser.page.evaluate("window.__loaded_once = window.__blockline.state")
        async with transaction(pool) as conn:
            change_id = await happen(conn, story, changed, SUSPENDED, story.now - HOUR)

        await browser.page.locator(f"#feed [data-change='{change_id}']").wait_for()
        assert await quiet(browser) == before - 1
        assert await browser.state("s.accounts.reduce((n, a) => n + a.n, 0)") == 32
        handle = await browser.state(f"s.byId.get({changed}).handle")
        await browser.page.locator(".lane-row", has_text=handle).wait_for()
        assert await browser.page.evaluate("window.__loaded_once === window.__blockline.state")


@pytest.mark.parametrize("width", [390, 820])
async def test_the_sentence_about_the_others_is_there_at_every_size(
    pool: Pool, dsn: str, story: Story, width: int
) -> None:
    async with served(pool, dsn, story.now, GROUPED) as base, opened(base, width=width) as browser:
        await browser.painted()
        place = browser.page.locator("#cards .nothing" if width < 640 else "#quiet")
        assert "without a change since" in await place.inner_text()
        assert await browser.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
