"""Purging an account on a real server: a preview, the typed handle, and what it says when it is done."""

import os
from pathlib import Path

import pytest

from storage.model.text.states import clean
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purges
from tests.support.clients.browser import AXE, CHROMIUM, Browser, opened, skip_without, violations
from tests.support.repeats import cases
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import served

skip_without(CHROMIUM, AXE)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def picture(browser: Browser, name: str) -> None:
    if folder := os.environ.get("TEST_PICTURES"):
        await browser.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.again
@pytest.mark.parametrize("width", cases([1280], [1280, 820, 390]))
async def test_an_account_is_purged_after_a_preview_and_its_typed_handle(
    pool: Pool, dsn: str, story: Story, width: int
) -> None:
    async with transaction(pool) as conn:
        account_id: int = await conn.fetchval(
            "select min(account_id) from account join change using (account_id) where watched"
        )
        handle: str = await conn.fetchval("select handle from account where account_id = $1", account_id)
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, f"/account/{account_id}", width=width) as browser,
    ):
        page = browser.page
        page.set_default_timeout(30_000)
        await page.get_by_role("link", name="Download evidence pack").first.wait_for()
        await picture(browser, f"account-{width}")
        await page.get_by_role("link", name="Purge").click()
        assert await page.get_by_role("button", name="Purge permanently").count() == 0
        await page.get_by_role("button", name="Preview").click()
        await page.get_by_text("This would be removed").wait_for()
        await page.get_by_text("The whole account.").click()
        await page.get_by_text("Engagements of executives", exact=True).wait_for()
        await page.get_by_text("Evidence and handles.").click()
        await page.get_by_text("changes and 0 engagements of executives with their times").wait_for()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await picture(browser, f"purge-{width}")
        await page.locator("#purge-handle").fill("somebody")
        await page.get_by_role("button", name="Purge permanently").click()
        await page.get_by_text("This is not the handle of the account, so nothing was purged.").wait_for()
        async with transaction(pool) as conn:
            assert await purges(conn) == []
        await page.locator("#purge-handle").fill(handle)
        await page.locator("#purge-reason").fill("a request of 3 May")
        await page.get_by_role("button", name="Purge permanently").click()
        await page.get_by_text(f"@{clean(handle, 120)}").get_by_text("is purged. Removed:").wait_for()
        after = page.locator("#purge-done a")
        assert [await after.nth(n).get_attribute("href") for n in range(2)] == ["/settings", "/accounts"]
        await picture(browser, f"purged-{width}")
        assert await page.get_by_role("button", name="Purge permanently").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    async with transaction(pool) as conn:
        assert [one.reason for one in await purges(conn)] == ["a request of 3 May"]
        assert (await acts(conn, 1))[0].action == "account purged"
