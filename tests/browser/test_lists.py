"""The page of lists on a real server: made, renamed, archived and taken into use again."""

import os
from pathlib import Path

import pytest

from storage.accounts.watch_lists import all_lists
from storage.postgres.audit_log import acts
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


async def in_use(pool: Pool) -> dict[str, bool]:
    async with transaction(pool) as conn:
        return {row.name: row.archived_at is None for row in await all_lists(conn)}


@pytest.mark.again
@pytest.mark.parametrize("width", cases([390], [1280, 820, 390]))
async def test_a_list_is_made_renamed_archived_and_taken_into_use_again(
    pool: Pool, dsn: str, story: Story, width: int
) -> None:
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, "/accounts", width=width) as browser,
    ):
        page = browser.page
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("link", name="Lists", exact=True).click()
        await page.get_by_role("button", name="Make the list").click()
        await page.get_by_text("cannot be the name of a list").wait_for()
        await page.locator("#list-made-name").fill("Desk")
        await page.get_by_role("button", name="Make the list").click()
        await page.get_by_text("The list Desk is made. It has no accounts yet.").wait_for()
        assert await violations(page) == []
        await picture(browser, f"lists-{width}")
        await page.locator("#list-chosen").fill("Desk")
        await page.locator("#list-new-name").fill("News desk")
        await page.get_by_role("button", name="Rename").click()
        await page.get_by_text("The list Desk is now called News desk.").wait_for()
        await page.locator("#list-chosen").fill("News desk")
        await page.get_by_role("button", name="Archive").click()
        await page.get_by_text("The list News desk is archived. Its accounts are read as before.").wait_for()
        assert await page.get_by_role("link", name="News desk").count() == 0
        assert await violations(page) == []
        await picture(browser, f"lists-toast-{width}")
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_role("link", name="News desk").wait_for()
        assert (await in_use(pool))["News desk"]
        await page.locator("#list-chosen").fill("News desk")
        await page.get_by_role("button", name="Archive").click()
        await page.get_by_text("The list News desk is archived. Its accounts are read as before.").wait_for()
        assert not (await in_use(pool))["News desk"]
        await page.get_by_role("link", name="Show archived lists").click()
        await page.get_by_role("link", name="News desk").wait_for()
        await picture(browser, f"lists-archived-{width}")
        await page.locator("#list-chosen").fill("News desk")
        await page.get_by_role("button", name="Take into use again").click()
        await page.get_by_text("The list News desk is in use again.").wait_for()
        assert (await in_use(pool))["News desk"]
        assert browser.errors == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    async with transaction(pool) as conn:
        done = [act.action for act in reversed(await acts(conn, 9))]
    archived = ["list archived", "list restored"]
    assert done == ["list made", "list renamed", *archived, *archived]


skip_without(CHROMIUM, AXE)
