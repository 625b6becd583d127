"""The page of accounts in a real browser: chosen, sorted and selected as the address says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.model.core.people import Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.servers.dashboard import SETTINGS, served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ROWS = ".ag-center-cols-container .ag-row, .ag-pinned-left-cols-container .ag-row"


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


async def test_those_blocked_more_than_once_are_left_by_one_press(pool: Pool, dsn: str, story: Story) -> None:
    async with transaction(pool) as conn:
        expected = [r[0] for r in await conn.fetch("select repeatedly_blocked('infinity', null)")]
    async with served(pool, dsn, story.now) as base, opened(base, "/accounts") as browser:
        page = browser.page
        await counts(browser, "32 watched")
        await page.get_by_label("Blocked more than once").check()
        await counts(browser, f"{len(expected)} of 32 watched")
        await page.reload()
        await counts(browser, f"{len(expected)} of 32 watched")
        assert await page.evaluate("location.search") == "?repeatedly_blocked=1"
        assert await page.get_by_label("Blocked more than once").is_checked()
        await page.get_by_role("button", name="Clear").click()
        await counts(browser, "32 watched")
    assert 0 < len(expected) < 32


async def test_a_number_of_an_order_leads_to_its_accounts_and_clear_to_all(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/orders") as browser:
        page = browser.page
        number = page.locator("tbody tr", has_text="Order 1").locator(".figure-link").nth(1)
        ever_blocked = await number.inner_text()
        await number.click()
        await counts(browser, f"{ever_blocked} of ")
        assert await page.locator("#accounts-behind").inner_text() == (
            f"{ever_blocked} accounts of order SYN/1 (seen blocked since the order), "
            "as known 1 Feb 2021, 12:00 UTC. The rows show them as they are now."
        )
        await page.get_by_role("button", name="Clear").click()
        await counts(browser, "33 watched and stored")
        assert await page.locator("#accounts-behind").is_hidden()
        assert await page.evaluate("location.search") == "?whom=all"
        await page.go_back()
        assert await page.evaluate("location.pathname") == "/orders"


async def test_a_figure_that_is_refused_is_asked_for_once(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/orders") as browser:
        asked: list[str] = []
        browser.page.on("request", lambda request: asked.append(request.url))
        await browser.page.goto(f"{base}/accounts?figure=nothing&at=2021-02-01T00:00Z&whom=all")
        said = await browser.page.locator("#accounts-grid [role=alert]").inner_text()
        await browser.page.wait_for_timeout(500)
        figures = [url for url in asked if "/api/figures/" in url]
        assert said == "There is no such figure."
        assert len(figures) == 1
        assert [error for error in browser.errors if "404" not in error and "422" not in error] == []
        browser.errors.clear()


async def test_a_press_on_the_curve_of_an_order_leads_to_the_accounts_of_that_moment(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/orders/1") as browser:
        page = browser.page
        plot = page.locator("#order-curve .nsewdrag")
        await plot.wait_for()
        await plot.scroll_into_view_if_needed()
        box = await plot.bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5, steps=4)
        await page.locator("#order-curve .js-plotly-plot.leads").wait_for()
        await page.mouse.down()
        await page.mouse.up()
        await page.wait_for_url("**/accounts?figure=order/1/line/blocked/**")
        behind = page.locator("#accounts-behind")
        await behind.filter(has_text="accounts of order SYN/1 (blocked at ").wait_for()
        number = (await behind.inner_text()).split()[0]
        await counts(browser, f"{number} of ")


async def test_other_pages_do_without_the_script_of_the_table(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.painted()
        loaded = await browser.page.evaluate(
            "performance.getEntriesByType('resource').map((r) => r.name).join()"
        )
        assert "ag_grid" not in loaded
        assert "accounts/page.mjs" not in loaded
        await browser.page.locator("nav a", has_text="Accounts").first.click()
        await counts(browser, "32 watched")


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


async def test_on_a_large_screen_the_table_takes_the_width_and_says_whole_how_late_a_reading_is(
    pool: Pool, dsn: str, story: Story
) -> None:
    later = story.now + 2 * HOUR + timedelta(minutes=45)
    async with served(pool, dsn, later) as base, opened(base, "/accounts", width=2560) as browser:
        await browser.page.locator(".ac-late").first.wait_for()
        cut = await browser.page.evaluate(
            "[...document.querySelectorAll('.ac-late')].filter((e) => e.scrollWidth > e.clientWidth).length"
        )
        table = await browser.page.locator("#accounts-grid").bounding_box()
        await browser.page.goto(base + "/glossary")
        text = await browser.page.locator("main").bounding_box()
    assert cut == 0
    assert (table or {})["width"] > 2400
    assert (text or {})["width"] <= 1680


async def test_on_a_phone_the_table_keeps_within_the_page_and_says_the_status_below_the_handle(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, "/accounts", width=360) as browser,
    ):
        await counts(browser, "32 watched")
        assert await browser.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await browser.page.locator(".ac-handle .ac-state").count() > 3


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


async def test_more_rows_come_as_they_are_scrolled_to_and_all_of_them_are_selected_at_once(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into account (platform, native_id, handle, added_at, watched)
            select 'x', 'many' || n, 'many' || n, $1, false from generate_series(1, 350) as n
            """,
            story.now,
        )
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, "/accounts?whom=file&q=many&sort=handle") as browser,
    ):
        page = browser.page
        await counts(browser, "350 of 351 stored only")
        await page.locator(".ac-handle a", has_text="@many1").first.wait_for()
        await page.evaluate("document.querySelector('.ag-body-viewport').scrollTop = 1e6")
        await page.locator(".ac-handle a", has_text="@many350").wait_for()
        await page.get_by_label("Select all accounts that the filters show").check()
        await page.get_by_text("350 selected").wait_for()
        assert "selected=all" in str(await page.evaluate("location.search"))
        await page.locator("input[name=tag]").fill("press")
        await page.get_by_role("button", name="Apply").click()
        await page.get_by_text("350 changed.").wait_for()
        # Another filter shows others: what was selected must not be edited unseen.
        await page.locator("input[name=q]").fill("many35")
        await counts(browser, "2 of 351 stored only")
        assert await page.locator("#accounts-bulk").is_hidden()
        assert "selected" not in str(await page.evaluate("location.search"))
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from account where tags = '{press}'") == 350


async def test_selected_accounts_are_moved_to_another_list(pool: Pool, dsn: str, story: Story) -> None:
    async with transaction(pool) as conn:
        await conn.execute("insert into watch_list (name, created_at) values ('Desk', $1)", story.now)
    async with served(pool, dsn, story.now) as base, opened(base, "/accounts") as browser:
        page = browser.page
        await counts(browser, "32 watched")
        await page.locator(".ag-row[row-index='0'] .ag-checkbox-input").first.click()
        await page.get_by_text("1 selected").wait_for()
        await page.locator("select[name=do]").select_option(label="Move to list …")
        assert await page.locator("input[name=tag]").is_hidden()
        await page.locator(".ac-bulk select[name=list]").select_option(label="Desk")
        await page.get_by_role("button", name="Apply").click()
        await page.get_by_text("1 changed.").wait_for()
    async with transaction(pool) as conn:
        on_desk = "select count(*) from watch_list_member join watch_list using (list_id) where name = 'Desk'"
        assert await conn.fetchval(on_desk) == 1


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
