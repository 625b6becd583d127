"""The live page in a real browser: it paints, and news appears in it without a reload."""

import re
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.imports.imports import import_history
from storage.postgres.pool import Pool, transaction
from tests.dashboard.server.test_app import cut_listener
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.screenshots import invented_record
from tests.support.seeds.changes import HOUR, SUSPENDED, WITHHELD, Story, happen
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import served, until

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def _equal(found: Awaitable[object], wanted: object) -> bool:
    return await found == wanted


async def test_a_block_appears_in_the_feed_and_in_the_lanes_without_a_reload(
    pool: Pool, dsn: str, story: Story
) -> None:
    quiet = story.accounts[1][-2]
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        assert await page.locator("#k-blocked").inner_text() not in {"0", "–"}
        await browser.pushed()
        blocked = int(await page.locator("#k-blocked").inner_text())
        await page.evaluate("window.__loaded_once = true")

        async with transaction(pool) as conn:
            change_id = await happen(conn, story, quiet, SUSPENDED, story.now - HOUR)

        await page.locator(f"#feed [data-change='{change_id}']").wait_for()
        await browser.becomes(f"document.getElementById('k-blocked').textContent === '{blocked + 1}'")
        assert await browser.state(f"s.byId.get({quiet}).spells.at(-1).s") == "S"
        await page.locator("#pick-handle").fill(str(await browser.state(f"s.byId.get({quiet}).handle")))
        await until(
            lambda: _equal(page.locator(".lane-row a").nth(0).get_attribute("href"), f"/account/{quiet}")
        )
        assert await page.evaluate("window.__loaded_once")


async def test_news_from_before_the_listener_was_back_is_fetched_by_its_ids(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.pushed()
        async with transaction(pool) as conn:
            await cut_listener(conn)
            change_id = await happen(conn, story, story.accounts[1][-2], WITHHELD, story.now - HOUR)

        await browser.page.locator(f"#feed [data-change='{change_id}']").wait_for()
        async with transaction(pool) as conn:
            latest = await conn.fetchval("select max(live_event_id) from live_event")
        assert await browser.state("s.id") == latest


async def test_a_page_that_missed_messages_notices_it_and_asks_for_them(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.pushed()
        async with transaction(pool) as conn:
            first = await happen(conn, story, story.accounts[1][-2], WITHHELD, story.now - HOUR)
        await browser.page.locator(f"#feed [data-change='{first}']").wait_for()

        # As if this page had never heard of what came after event 1.
        await browser.page.evaluate(
            f"(() => {{ const s = window.__blockline.state; s.id = 1; s.changes.delete({first}); }})()"
        )

        await browser.becomes(f"window.__blockline.state.changes.has({first})")
        assert await browser.page.evaluate("window.__blockline.resyncs >= 1")


async def test_the_pages_links_lead_to_the_account_and_to_the_mail_and_back(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, theme="dark") as browser:
        page = browser.page
        await browser.painted()
        await page.evaluate("window.__loaded_once = true")
        loaded = await page.evaluate(
            "performance.getEntriesByType('resource').map(r => r.name).filter(n => n.includes('plotly'))"
        )
        assert loaded == []

        await page.locator(".lane-row a").nth(0).click()
        await page.locator("#account-figure .js-plotly-plot").wait_for()
        assert await page.locator("h1", has_text=re.compile("^@")).count() == 1
        assert await page.get_by_text("Share chart").count() == 0

        await page.locator("nav a", has_text="Mail").click()
        await page.locator(".mail-line").nth(2).click()
        frame = page.frame_locator(".mail-frame")
        await frame.get_by_text("Between two readings.").wait_for()
        assert await page.locator(".mail-frame").get_attribute("sandbox") == ""

        await page.locator("nav a", has_text="Live").click()
        await page.locator(".lane-row a").nth(0).wait_for()
        assert await page.evaluate("window.__loaded_once")


async def test_the_keys_move_along_the_lanes_and_open_the_account(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        lanes = page.locator("#lanes")
        await lanes.focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "PageDown", "Home", "ArrowLeft"):
            await page.keyboard.press(key)
        handle = await page.locator(".lane-row.current .lane-name").inner_text()
        assert handle.strip() in await page.locator("#tip").inner_text()

        await page.keyboard.press("Enter")

        await page.locator("h1", has_text=handle.strip()).wait_for()


async def test_the_table_holds_what_the_lanes_show(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.painted()
        await browser.page.locator("#as-table").click()

        assert await browser.page.locator("#table-view .facts-above + table tbody tr").count() == 32
        assert await browser.page.get_by_text("Withheld in India (IN)?").count() >= 2


async def test_an_address_with_a_list_shows_its_accounts_alone(pool: Pool, dsn: str, story: Story) -> None:
    name = "select list_id, count(*) as members from watch_list join watch_list_member using (list_id)"
    row = await pool.fetchrow(f"{name} where name = 'Order 1 list' group by 1")
    assert row is not None
    path = f"/?list={row['list_id']}"
    async with served(pool, dsn, story.now) as base, opened(base, path) as browser:
        await browser.painted()
        assert await browser.page.locator("#pick-list").input_value() == str(row["list_id"])
        await browser.page.locator("#as-table").click()
        assert (
            await browser.page.locator("#table-view .facts-above + table tbody tr").count()
            == row["members"]
            < 32
        )


async def test_names_stand_exactly_beside_their_lanes_when_scrolled(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        await page.evaluate(
            "() => { const l = document.getElementById('lanes'); l.style.height = '200px';"
            " dispatchEvent(new Event('resize')); }"
        )
        await page.evaluate("document.getElementById('lanes').scrollTop = 37")
        await browser.becomes("document.querySelector('.lane-row').style.transform === 'translateY(-5px)'")
        tops = await page.evaluate(
            """() => {
                const canvas = document.querySelector('#lanes canvas').getBoundingClientRect().top;
                return [...document.querySelectorAll('.lane-row:not([hidden]) .lane-name')]
                    .map((e) => e.getBoundingClientRect().top - canvas);
            }"""
        )
        assert tops == [-5 + 16 * n for n in range(len(tops))]


async def test_a_monitor_without_accounts_says_so_and_fills_itself(pool: Pool, dsn: str, now: Any) -> None:
    async with served(pool, dsn, now) as base, opened(base) as browser:
        await browser.page.get_by_role("heading", name="First run").wait_for()
        async with transaction(pool) as conn:
            await seed(conn, now)

        await browser.page.locator(".lane-row a").nth(0).wait_for()


async def test_a_list_that_is_added_gets_its_strip_and_its_lanes_at_once(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.pushed()
        await page.evaluate("window.__loaded_once = true")
        async with transaction(pool) as conn:
            new = [NewAccount(X, f"66000000{n}", f"newcomer_{n}", ("New list",)) for n in range(3)]
            await add_accounts(conn, new, story.now)

        await page.locator("#strips .name", has_text="New list").wait_for()
        await browser.becomes("window.__blockline.state.accounts.length === 35")
        await page.locator("#pick-handle").fill("newcomer")
        await page.locator(".lane-row:not([hidden]) a", has_text="@newcomer_2").wait_for()
        assert await page.locator("#pick-list option", has_text="New list, 3").count() == 1

        async with transaction(pool) as conn:
            for account in new:
                await stop_watching(conn, X, account.handle, story.now)

        await page.locator("#strips .name", has_text="New list").wait_for(state="detached")
        await browser.becomes("window.__blockline.state.accounts.length === 32")
        assert await page.evaluate("window.__loaded_once")


async def test_countries_lead_to_their_accounts_and_an_import_stays_off_the_live_page(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        await import_history(conn, invented_record(), story.now)
    async with served(pool, dsn, story.now) as base, opened(base, width=390) as browser:
        page = browser.page
        await browser.painted()
        assert await browser.state("s.accounts.length") == 32
        assert await page.locator("#strips .strip").count() == 2

        await page.locator(".nav-open").click()
        await page.locator("nav a", has_text="Countries").click()
        await page.locator(".countries .country", has_text="Turkey").click()
        await page.locator(".tabs a", has_text="Last known").click()
        await page.locator(".stacked .handle").nth(0).wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.locator(".tabs a", has_text="All").click()
        await page.locator(".pages a", has_text="2").click()
        await page.locator(".pages a[aria-current]", has_text="2").wait_for()
        handle = (await page.locator(".stacked .handle").nth(0).inner_text()).strip()
        await page.locator(".stacked .handle").nth(0).click()

        await page.locator("h1", has_text=handle).wait_for()
        await page.locator("#account-figure .js-plotly-plot").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_lost_database_is_told_on_the_page_which_keeps_what_it_has(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.pushed()
        async with transaction(pool) as conn:
            await conn.execute("alter table live_event rename to gone")
        await page.locator("#pill[data-state=lost]").wait_for()
        assert await page.locator("#banner").is_visible()
        assert await page.locator(".lane-row a").nth(0).is_visible()

        async with transaction(pool) as conn:
            await conn.execute("alter table gone rename to live_event")

        await page.locator("#pill[data-state=live]").wait_for()
        await until(lambda: page.locator("#banner").is_hidden())


async def test_a_page_opened_without_a_database_says_why_and_fills_itself_later(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        await conn.execute("alter table live_event rename to gone")
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.page.get_by_text("Nothing has arrived yet").wait_for()
        assert await browser.page.locator("#k-blocked").inner_text() == "–"

        async with transaction(pool) as conn:
            await conn.execute("alter table gone rename to live_event")

        await browser.page.locator(".lane-row a").nth(0).wait_for()
        assert await browser.page.locator("#empty").is_hidden()
        browser.errors.clear()  # the browser itself logs the refused request


async def test_a_phone_shows_accounts_as_cards_and_nothing_sticks_out(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, width=390) as browser:
        await browser.painted()
        await browser.page.locator(".account-card").nth(3).wait_for()

        assert not await browser.page.locator("#lanes").is_visible()
        assert await browser.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def _window(browser: Any) -> list[float]:
    """The window as it is drawn once what was asked for has been painted."""
    return await browser.page.evaluate(
        "new Promise((painted) => requestAnimationFrame(() => painted(window.__blockline.window)))"
    )


async def test_the_board_is_zoomed_and_dragged_and_a_link_brings_back_what_was_seen(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        whole = await _window(browser)
        await page.mouse.move(600, 300)
        await page.keyboard.down("Control")
        for _ in range(5):
            await page.mouse.wheel(0, -30)
        await page.keyboard.up("Control")
        await browser.becomes("window.__blockline.window[0] > " + str(whole[0]))
        zoomed = await _window(browser)

        await page.mouse.down()
        for step in range(1, 9):
            await page.mouse.move(600 + 10 * step, 300)
        await page.mouse.up()
        await browser.becomes("location.search.includes('from=')")
        dragged = await _window(browser)
        assert dragged[0] < zoomed[0]
        assert dragged[1] - dragged[0] == pytest.approx(zoomed[1] - zoomed[0], abs=2)
        assert await page.evaluate("location.pathname") == "/", "the end of a drag is no click on a lane"

        await page.locator("#pick-sort").select_option("handle")
        await page.locator("#pick-handle").fill("radio")
        await page.locator("#lanes").focus()
        await page.keyboard.press("ArrowDown")
        chosen = await page.locator(".lane-row.current .lane-name").inner_text()
        await page.goto(base + await page.evaluate("location.pathname + location.search"))
        await page.locator(".lane-row.current .lane-name", has_text=chosen.strip()).wait_for()
        assert await _window(browser) == dragged
        assert await page.locator("#pick-sort").input_value() == "handle"
        assert await page.locator("#pick-handle").input_value() == "radio"

        await page.locator("#ranges button", has_text="14d").click()
        await browser.becomes("!location.search.includes('from=')")
        assert (await _window(browser))[0] == pytest.approx(whole[0], abs=60_000)


async def test_keys_zoom_the_board_move_it_in_time_and_hold_the_feed(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        whole = await _window(browser)
        await page.locator("#lanes").focus()
        await page.keyboard.press("+")
        await browser.becomes("window.__blockline.window[0] > " + str(whole[0]))
        near = await _window(browser)
        await page.keyboard.press("Shift+ArrowLeft")
        await browser.becomes("window.__blockline.window[0] < " + str(near[0]))
        await page.locator("#c-brush").focus()
        await page.keyboard.press("0")
        await browser.becomes(f"Math.abs(window.__blockline.window[0] - {whole[0]}) < 60000")
        await page.keyboard.press(" ")
        assert await page.locator("#pause").get_attribute("aria-pressed") == "true"
        assert "blocked in" in str(await page.locator("#c-brush").get_attribute("aria-valuetext"))


async def test_the_strip_above_the_board_moves_the_window(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/?range=24h") as browser:
        page = browser.page
        await browser.painted()
        before = await _window(browser)
        box = await page.locator("#c-brush").bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + 10)

        # What lies there was not loaded with 24 hours: it is fetched.
        await browser.becomes("window.__blockline.state.range === '14d'")
        after = await _window(browser)
        assert after[1] < before[0]
        # The shares are of the end of the window, which has its time; only "now" has none.
        await page.locator("#strip-when", has_text=re.compile(r"^\d\d? \w+")).wait_for()


async def test_all_lanes_fit_into_their_room_and_one_of_them_can_be_looked_up(
    pool: Pool, dsn: str, now: Any
) -> None:
    async with transaction(pool) as conn:
        await seed(conn, now, sizes=(200, 400))
    async with served(pool, dsn, now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        assert await page.locator(".lane-row:not([hidden])").count() > 10
        await page.locator("#fit").click()
        await page.locator(".fit-note", has_text="All 600 lanes").wait_for()
        canvas = page.locator("#lanes canvas")
        await canvas.hover(position={"x": 300, "y": 8})
        await page.locator("#tip", has_text=re.compile(r"^\d+ accounts")).wait_for()
        assert await page.locator(".lane-row:not([hidden])").count() == 0

        await canvas.click(position={"x": 300, "y": 8})

        await page.locator(".lane-row.current").wait_for()
        assert "lanes=all" not in await page.evaluate("location.search")


async def test_the_board_is_saved_as_svg_and_as_png(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.painted()
        for kind in ("svg", "png"):
            async with browser.page.expect_download() as download:
                await browser.page.locator(f"#save-{kind}").click()
            await (await download.value).save_as(tmp_path / f"board.{kind}")

    drawn = (tmp_path / "board.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(drawn)  # noqa: S314 - our own file
    for words in (
        "Synthetic scenario",
        "not evidence of cause",
        "Not checked: nothing is drawn",
        "up to 1 Feb 2021",
    ):
        assert words in drawn
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")


async def test_where_nothing_was_read_nothing_is_said_to_be_zero(pool: Pool, dsn: str, now: datetime) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "1", "new", ("Desk",))], now)
    async with served(pool, dsn, now) as base, opened(base) as browser:
        await browser.page.locator("#k-blocked-s", has_text="nothing read lately").wait_for()
        for figure in ("#k-blocked", "#k-new", "#k-restored"):
            assert await browser.page.locator(figure).inner_text() == "–"
        assert await browser.page.locator("#k-unread").inner_text() == "100 %"


async def test_buttons_zoom_in_and_out_and_lead_back_to_the_range(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        whole = await _window(browser)
        out, into, back = (page.locator(f"#zoom [data-zoom='{way}']") for way in ("out", "in", "reset"))
        assert await back.is_disabled(), "there is nothing to go back from"
        await into.click()
        await browser.becomes("location.search.includes('from=')")
        near = await _window(browser)
        assert near[1] - near[0] < 0.7 * (whole[1] - whole[0])
        await out.press("Enter")
        await browser.becomes(f"window.__blockline.window[0] < {near[0]}")
        await back.click()
        await browser.becomes("!location.search.includes('from=')")


async def test_a_drag_on_the_strip_selects_the_window(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        whole = await _window(browser)
        box = await page.locator("#c-brush").bounding_box()
        assert box is not None
        y = box["y"] + 10
        await page.mouse.move(box["x"] + 0.2 * box["width"], y)
        await page.mouse.down()
        await page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=4)
        await page.mouse.up()
        await browser.becomes("location.search.includes('from=')")
        chosen = await _window(browser)
        share = (chosen[1] - chosen[0]) / (whole[1] - whole[0])
        assert share == pytest.approx(0.3, abs=0.02), "the window is what was dragged over"
        assert await page.evaluate("location.pathname") == "/", "the end of a drag is no press on a bar"


async def test_how_the_wheel_zooms_is_said_once(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page, hint = browser.page, browser.page.locator("#wheel-hint")
        for is_said in (True, False):
            await browser.painted()
            await page.mouse.move(600, 300)
            assert await hint.is_hidden()
            await page.mouse.wheel(0, 30)
            await browser.becomes("scrollY > 0")
            assert await hint.is_visible() is is_said
            await page.reload()


async def test_keys_of_the_board_are_listed(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.painted()
        await browser.page.keyboard.press("?")
        listed = await browser.page.get_by_role("dialog", name="Help").inner_text()
        for words in ("zoom in time, and back", "Ctrl wheel", "choose a time", "pause the feed"):
            assert words in listed
