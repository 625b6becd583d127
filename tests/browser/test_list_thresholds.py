"""The page of a list on a real server: its thresholds are tried on the past, saved and given up again."""

import os
from pathlib import Path

import pytest

from storage.accounts.list_thresholds import newest_thresholds
from storage.accounts.watch_lists import make_list
from storage.model.core.list_thresholds import ListThresholds
from storage.postgres.pool import Pool, transaction
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
async def test_thresholds_are_tried_saved_and_given_up_on_the_page_of_the_list(
    pool: Pool, dsn: str, story: Story, width: int
) -> None:
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, "/accounts/lists", width=width) as browser,
    ):
        page = browser.page
        await page.get_by_role("link", name="2 or 4 readings (default)").first.click()
        await page.get_by_text("This list has no thresholds of its own.").wait_for()
        strong, weak = page.locator("#thresholds-strong"), page.locator("#thresholds-weak")
        await strong.fill("x")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.get_by_text("'x' is not a number.").wait_for()
        await strong.fill("5")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.get_by_text("a mere absence must need at least as many").wait_for()
        await strong.fill("1")
        await weak.fill("1")
        await page.get_by_role("button", name="Count what would differ").click()
        await page.get_by_text("In the last 30 days").wait_for()
        assert await violations(page) == []
        await picture(browser, f"list-thresholds-{width}")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.get_by_text("Saved. It holds for readings from one minute on").wait_for()
        await page.get_by_text("is confirmed by the first reading.").wait_for()
        async with transaction(pool) as conn:
            assert await newest_thresholds(conn, int(page.url.rsplit("/", 1)[1])) == ListThresholds(1, 1)
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_text("This list has no thresholds of its own.").wait_for()
        assert await weak.input_value() == "4"
        await weak.fill("6")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.get_by_text("once 6 readings show it").wait_for()
        await page.get_by_role("button", name="Use the default").click()
        await page.get_by_text("This list has no thresholds of its own.").wait_for()
        assert await weak.input_value() == "4"
        assert browser.errors == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_time_for_which_evidence_is_kept_is_set_and_taken_back(
    pool: Pool, dsn: str, story: Story
) -> None:
    of_order = story.lists[0]
    async with transaction(pool) as conn:
        free = await make_list(conn, "Desk", "ada", story.now)
    async with served(pool, dsn, story.now) as base, opened(base, f"/accounts/lists/{free}") as browser:
        page = browser.page
        now, days, save = page.locator("#retention-now"), page.locator("#retention-days"), "Save the time"
        assert await now.inner_text() == "The raw answers about its accounts are kept without a limit."
        for wrong, why in (
            ("0", "Days: it must be from 1 to 36,500, or empty."),
            ("x", "'x' is not a number"),
        ):
            await days.fill(wrong)
            await page.get_by_role("button", name=save).click()
            await page.get_by_text(why).wait_for()
        await days.fill("365")
        await page.get_by_role("button", name=save).click()
        await page.get_by_text("The raw answers about its accounts are kept for 365 days.").wait_for()
        assert await violations(page) == []
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_text("The raw answers about its accounts are kept without a limit.").wait_for()

        await page.goto(f"{base}/accounts/lists/{of_order}")
        await days.fill("30")
        await page.get_by_role("button", name=save).click()
        await page.get_by_text("whose evidence is kept at least 1095 days. Nothing was changed.").wait_for()
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from watch_list where keep_days is not null") == 0
