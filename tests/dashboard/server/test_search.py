"""What the search box finds, and the box itself in a real browser."""

import os
from datetime import datetime

import pytest

from storage.accounts.accounts import record_renames
from storage.accounts.handle_history import record_handles
from storage.model.core.accounts import AccountId, HandleChange
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, opened
from tests.support.seeds.changes import DAY, Story
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import served


@pytest.fixture
async def story(pool: Pool, now: datetime) -> Story:
    """An account that was called old_name, and one that its platform's record calls of_record."""
    async with transaction(pool) as conn:
        story = await seed(conn, now)
        one, two = story.accounts[0][:2]
        handle = await conn.fetchval("select handle from account where account_id = $1", one)
        rename = HandleChange(AccountId(one), "old_name", handle, now - DAY, now)
        await record_renames(conn, [rename], now)
        await record_handles(conn, two, [("of_record", now - DAY)], "plc", now)
    return story


needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("TEST_REQUIRE_BROWSER") != "1",
    reason=f"needs a Chromium at {CHROMIUM}; TEST_CHROMIUM names another",
)


@pytest.mark.slow
@needs_browser
async def test_the_box_is_opened_searched_and_left_by_keys_alone(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/health") as browser:
        page = browser.page
        await browser.becomes("document.querySelector('#page h1') !== null")
        await page.keyboard.press("Control+k")
        await page.get_by_role("option", name="New order").wait_for()
        box = page.get_by_role("combobox", name="Account, list, order, executive, page, action or help")
        await box.fill("order")
        await page.get_by_role("option", name="Order 2 list 20").wait_for()
        assert await box.get_attribute("aria-expanded") == "true"
        names = [await o.locator("b").inner_text() for o in await page.get_by_role("option").all()]
        for _ in names[: names.index("Order 2")]:
            await page.keyboard.press("ArrowDown")
        chosen = await box.get_attribute("aria-activedescendant")
        assert await page.locator(f"#{chosen} b").inner_text() == "Order 2"
        await page.keyboard.press("Enter")
        await page.locator("h1", has_text="Order 2").wait_for()
        assert not await page.locator("dialog.search").is_visible()
        await page.keyboard.press("Control+k")
        await box.fill("")
        await page.get_by_role("group", name="Recent").get_by_role("option", name="Order 2").wait_for()
