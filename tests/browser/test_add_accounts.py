"""Adding accounts on a real server: pasted, looked up at simulated platforms, and watched; by keyboard."""

import os
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page

from jobs.collect.name_checks import look_names_up
from jobs.collect.name_lookup import Resolver
from jobs.config.settings import load_settings
from storage.model.core.accounts import Platform
from storage.model.core.people import Role
from storage.postgres.pool import Pool, transaction
from tests.conftest import NOW
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without, tab_to
from tests.support.repeats import cases
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS, served, until
from tests.support.simulated.several_platforms import HISTORY, leading_to, simulated

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

NAMES = """x:alpha
x:nobody
https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv
https://www.tiktok.com/@name
healthy.test"""


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Generator[Resolver]:
    history = tmp_path_factory.mktemp("simulated") / "history.csv"
    history.write_text(HISTORY)
    with simulated(history) as addresses:
        settings = load_settings(None, leading_to(addresses))
        yield Resolver(settings, lambda: NOW + timedelta(hours=1))


async def picture(browser: Browser, name: str) -> None:
    if folder := os.environ.get("TEST_PICTURES"):
        await browser.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def watched_ids(pool: Pool) -> set[str]:
    async with transaction(pool) as conn:
        rows = await conn.fetch("select native_id from account where watched")
    return {row["native_id"] for row in rows}


async def chosen_lines(page: Page, wanted: int) -> bool:
    """Whether so many lines of the preview are chosen."""
    return await page.locator(".ag-row-selected .ag-checkbox-input").count() == wanted


@pytest.mark.again
@pytest.mark.parametrize("width", cases([390], [1440, 390]))
async def test_pasted_names_are_looked_at_and_watched_with_the_keyboard_alone(
    pool: Pool, dsn: str, story: Story, resolver: Resolver, width: int
) -> None:
    before = await watched_ids(pool)
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, "/accounts", width=width) as browser,
    ):
        page = browser.page
        await page.get_by_role("link", name="Add accounts").wait_for()
        await tab_to(page, "a[href='/accounts/add']")
        await page.keyboard.press("Enter")
        await page.locator("#add-text").wait_for()
        await tab_to(page, "#add-text")
        await page.keyboard.type(NAMES)
        await tab_to(page, "#add-preview")
        await page.keyboard.press("Space")
        await page.get_by_text("5 names: 4 waiting, 1 not read.").wait_for()
        await page.get_by_text("no process with the role collect is running").wait_for()
        assert await page.locator("#add-text").input_value() == NAMES
        assert await watched_ids(pool) == before

        for platform in Platform:
            await look_names_up(pool, platform, resolver)
        await page.get_by_text("5 names: 3 found, 1 not found, 1 not read.").wait_for()
        assert await page.get_by_text("TikTok, which Blockline does not read").count() > 0
        await picture(browser, f"add-{width}")
        await tab_to(page, ".ag-header-cell")
        await page.keyboard.press("ArrowDown")
        for chosen in (2, 3):  # Space clears a line, and chooses it again.
            await page.keyboard.press("Space")
            await until(lambda chosen=chosen: chosen_lines(page, chosen))
        await tab_to(page, "#add-new-list")
        await page.keyboard.type("Desk; two")
        await tab_to(page, "#add-watch")
        await page.keyboard.press("Enter")
        await page.get_by_text("cannot be the name of a list").wait_for()
        assert await watched_ids(pool) == before
        for _ in range(2):
            await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type("Desk")
        await tab_to(page, "#add-watch")
        await page.keyboard.press("Enter")
        await page.get_by_text("Watched: 3 accounts. Accounts that this changed: 3.").wait_for()
        await page.get_by_text("Done: is watched from now on, now on the list Desk.").first.wait_for()
        await picture(browser, f"added-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert len(await watched_ids(pool) - before) == 3


async def test_a_table_is_recognised_and_a_cleared_line_is_not_watched(
    pool: Pool, dsn: str, story: Story
) -> None:
    table = "platform,handle,account_id,list\nx,newcomer,7001,New list\nx,other,7002,\nx,be ta,7003,\n"
    async with served(pool, dsn, story.now) as base, opened(base, "/accounts/add") as browser:
        page = browser.page
        await page.locator("#add-text").fill(table)
        await page.get_by_role("button", name="Preview").click()
        await page.get_by_text("3 names: 2 found, 1 not a name.").wait_for()
        await page.locator(".ag-row[row-index='1'] .ag-checkbox-input").first.click()
        await page.get_by_role("button", name="Watch the chosen accounts").click()
        await page.get_by_text("Watched: 1 account.").wait_for()
    ids = await watched_ids(pool)
    assert "7001" in ids
    assert not {"7002", "7003"} & ids


async def test_who_may_only_look_cannot_open_the_page(pool: Pool, dsn: str, story: Story) -> None:
    settings = replace(SETTINGS, role=Role.VIEWER)
    async with served(pool, dsn, story.now, settings) as base, opened(base, "/accounts/add") as browser:
        await browser.page.get_by_text("This needs the role analyst").wait_for()
