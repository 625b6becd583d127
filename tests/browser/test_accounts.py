"""The page of accounts in a real browser: chosen, sorted and selected as the address says."""

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
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.servers.dashboard import SETTINGS, served, until
from tests.support.simulated.several_platforms import HISTORY, leading_to, simulated

skip_without(CHROMIUM)


pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def counts(browser: Browser, text: str) -> None:
    """Wait until the sentence above the table says so."""
    await browser.becomes(
        f"(document.getElementById('accounts-count')?.textContent ?? '').startsWith({text!r})"
    )


async def test_what_is_chosen_stands_in_the_address_and_comes_back_from_it(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/accounts") as browser:
        page = browser.page
        await counts(browser, "32 watched")
        assert "ag_grid" in str(await page.evaluate("[...document.scripts].map((s) => s.src).join()"))
        await page.locator("select[name=status]").select_option("withheld")
        await page.locator("input[name=q]").fill("1100000")
        await page.locator(".ag-header-cell[col-id=handle] .ag-header-cell-label").click()
        await page.locator(".ag-row[row-index='0'] .ag-checkbox-input").first.click()
        await page.get_by_text("1 selected").wait_for()
        search = str(await page.evaluate("location.search"))
        handle = await page.locator(".ag-row[row-index='0'] .ac-handle a").inner_text()
        said = await page.locator("#accounts-count").inner_text()

        await page.goto(base + "/accounts" + search)
        await counts(browser, said)
        await page.get_by_text("1 selected").wait_for()
        assert await page.locator(".ag-row[row-index='0'] .ac-handle a").inner_text() == handle
        assert await page.locator("select[name=status]").input_value() == "withheld"

    assert search.startswith("?q=1100000&status=withheld&sort=handle&selected=")


async def test_a_change_is_shown_without_a_reload_and_the_selection_stays(
    pool: Pool, dsn: str, story: Story
) -> None:
    quiet = story.accounts[1][-2]
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, "/accounts?status=suspended") as browser,
    ):
        page = browser.page
        await browser.becomes("document.querySelectorAll('.ac-handle a').length > 0")
        before = await page.locator(".ac-handle a").count()
        await page.locator(".ag-row[row-index='0'] .ag-checkbox-input").first.click()
        async with transaction(pool) as conn:
            await happen(conn, story, quiet, SUSPENDED, story.now - HOUR)
        await page.locator(f".ac-handle a[href='/account/{quiet}']").wait_for()
        assert await page.locator(".ac-handle a").count() == before + 1
        assert await page.get_by_text("1 selected").count() == 1


async def test_the_table_is_read_and_walked_without_a_mouse(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/accounts") as browser:
        page = browser.page
        await counts(browser, "32 watched")
        grid = page.locator("#accounts-grid [role=grid]")
        assert await grid.get_attribute("aria-rowcount") == "33"
        assert await page.get_by_role("columnheader", name="Last reading").count() == 1
        # The picture of 30 days is said in words as well.
        await page.get_by_text("30 days: Available").first.wait_for(state="attached")
        await page.locator(".ag-row[row-index='0'] .ac-watched").click()
        await page.keyboard.press("ArrowDown")
        handle = await page.locator(".ag-row[row-index='1'] .ac-handle a").inner_text()
        await page.keyboard.press("Enter")
        await page.locator("h1", has_text=handle).wait_for()


async def test_selected_accounts_get_a_tag_and_undo_takes_it_from_them(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/accounts") as browser:
        page = browser.page
        await counts(browser, "32 watched")
        for row in ("0", "1"):
            await page.locator(f".ag-row[row-index='{row}'] .ag-checkbox-input").first.click()
        await page.get_by_text("2 selected").wait_for()
        await page.locator("input[name=tag]").fill("press")
        await page.get_by_role("button", name="Apply").click()
        await page.get_by_text("2 changed.").wait_for()
        await browser.becomes("[...document.querySelectorAll('.ac-tags .chip')].length === 2")
        async with transaction(pool) as conn:
            assert await conn.fetchval("select count(*) from account where tags = '{press}'") == 2
        await page.locator("#toasts").get_by_role("button", name="Undo").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("Undone.").wait_for()
        await browser.becomes("[...document.querySelectorAll('.ac-tags .chip')].length === 0")
        await page.locator("#toasts").get_by_role("button", name="Close").press("Escape")
        assert await page.locator("#toasts").is_hidden()
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from account where tags = '{press}'") == 0


async def test_who_may_only_look_selects_and_sees_no_way_to_change(
    pool: Pool, dsn: str, story: Story
) -> None:
    settings = replace(SETTINGS, role=Role.VIEWER)
    async with (
        served(pool, dsn, story.now, settings) as base,
        opened(base, "/accounts?selected=all") as browser,
    ):
        await browser.page.get_by_text("32 selected").wait_for()
        assert await browser.page.get_by_role("link", name="Add accounts").count() == 0
        assert await browser.page.get_by_role("button", name="Apply").count() == 0


async def test_notes_and_readings_of_one_account_are_written_and_asked_for_in_place(
    pool: Pool, dsn: str, story: Story
) -> None:
    one = f"/account/{story.wave[0]}"
    async with served(pool, dsn, story.now) as base, opened(base, one, width=390) as browser:
        page = browser.page
        await page.locator("#notes .writing textarea").fill("Called <b>the owner</b>")
        await page.evaluate("window.__loaded_once = true")
        await page.get_by_role("button", name="Save note").click()
        await page.locator(".note", has_text="Called <b>the owner</b>").wait_for()
        await page.get_by_role("button", name="Withdraw the note").click()
        await page.get_by_text("1 withdrawn").wait_for()

        await page.locator("textarea[name=from]").fill(f"{story.now:%Y-%m-%d}")
        await page.locator("textarea[name=from]").press("Enter")
        await page.locator("#readings table").wait_for()
        assert await page.locator("#readings tbody tr").count() > 10
        assert (await page.evaluate("location.search")).startswith("?from=")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await page.evaluate("window.__loaded_once")


skip_without(CHROMIUM)


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
