"""The live page in a real browser: it paints, and news appears in it without a reload."""

import os
import re
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from collectors.x.declaration import X
from dashboard.live.push import QUEUE
from storage.accounts.accounts import NewAccount, add_accounts
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.repeats import cases
from tests.support.seeds.changes import HOUR, SUSPENDED, WITHHELD, Story, happen
from tests.support.seeds.every_page import Everything
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, served, until
from tests.support.servers.ports import free_port

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


async def test_a_monitor_without_accounts_says_so_and_fills_itself(pool: Pool, dsn: str, now: Any) -> None:
    async with served(pool, dsn, now) as base, opened(base) as browser:
        await browser.page.get_by_role("heading", name="First run").wait_for()
        async with transaction(pool) as conn:
            await seed(conn, now)

        await browser.page.locator(".lane-row a").nth(0).wait_for()


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


skip_without(CHROMIUM)


LINKS = """[...document.querySelectorAll('#live a[href*="figure="]')].map(
    (a) => [a.innerText, a.getAttribute('href')])"""


ASK = """async ([figure, at]) => {
    const name = figure.split('/').map(encodeURIComponent).join('/');
    const answer = await fetch(`/api/figures/${name}?at=${encodeURIComponent(at)}`);
    return answer.json();
}"""


NOT_LED = """[...document.querySelectorAll(
    '#kpis .v, #strip-flows, #fleet-ends .end, #strips .right span, #strips .of, #f-kpis .v, #f-ends .end')]
    .filter((e) => /[1-9]/.test(e.textContent))
    .filter((e) => !e.closest('a[href]') && !e.querySelector('a[href]'))
    .map((e) => e.outerHTML)"""
"""Places of numbers of the boards in which nothing leads anywhere."""


NUMBER = re.compile(r"[\d,]+")


async def behind(browser: Browser, address: str) -> Mapping[str, Any]:
    asked = parse_qs(urlsplit(address).query)
    return await browser.page.evaluate(ASK, [asked["figure"][0], asked["at"][0]])


async def agree(browser: Browser) -> int:
    """How many numbers of the page lead to their accounts, each of which must be as many as it says."""
    found = await browser.page.evaluate(LINKS)
    for text, address in found:
        told = await behind(browser, address)
        if text.endswith("%"):  # how many that are is said below
            text = await browser.page.locator("#k-unread-s").inner_text()
        number = NUMBER.search(text)
        assert number is not None
        # "7 new blocks of 6 accounts": what counts changes says so first.
        assert told["words"].startswith(f"{number[0]} "), (text, address, told["words"])
    return len(found)


@pytest.mark.again
@pytest.mark.parametrize(
    "query",
    cases(
        ["", "?list=changed", "?list=2&q=_2", "?range=24h"],
        ["", "?list=1", "?list=changed", "?q=_1", "?list=2&q=_2", "?range=24h", "?q=nobody-is-called-this"],
    ),
)
async def test_each_number_has_as_many_accounts_behind_it_as_it_says(
    pool: Pool, dsn: str, now: datetime, everything: Everything, query: str
) -> None:
    async with served(pool, dsn, now) as base, opened(base, "/" + query) as browser:
        await browser.painted()
        assert await agree(browser) >= 9
        assert await browser.page.evaluate(NOT_LED) == []
        sure = await browser.page.evaluate("document.getElementById('shown-of').hidden")
        assert sure is ("list" not in query and "q=" not in query)


@pytest.mark.parametrize(
    ("picture", "place", "says"),
    [
        ("#c-fleet", (0.99, 0.97), r"^(\d+) withheld"),
        ("#c-fleet", (0.5, 0.5), r"^(\d+) available"),
        (".strip:last-child canvas", (0.9, 0.5), r"blocked, (\d+) of \d+ checked"),
        ("#c-brush", None, r"▼ (\d+) blocked"),
    ],
)
async def test_a_press_on_a_picture_leads_to_what_the_tooltip_counts(
    pool: Pool, dsn: str, story: Story, picture: str, place: tuple[float, float] | None, says: str
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        box = await page.locator(picture).bounding_box()
        assert box is not None
        if place is None:  # of the strip, where the newest block was seen
            place = (await _newest_block(browser), 0.8)
        across = place[0] if picture != "#c-fleet" else min(place[0], 0.97)
        x, y = box["x"] + box["width"] * across, box["y"] + box["height"] * place[1]
        await page.mouse.move(x, y)
        tip = page.locator("#tip", has_text="Press to see these accounts")
        await tip.wait_for()
        counted = re.search(says, await tip.inner_text())
        assert counted is not None, await tip.inner_text()

        await page.mouse.click(x, y)

        await page.locator("#accounts-behind", has_text="as known").wait_for()
        await page.locator("#accounts-count", has_text=re.compile(rf"^{counted[1]} of ")).wait_for()


async def _newest_block(browser: Browser) -> float:
    """Where on the strip, from 0 to 1, a bar of blocks lies."""
    return await browser.page.evaluate(
        """(async () => {
            const { stripOf } = await import('/assets/live/brush.mjs');
            const { state, window: span } = window.__blockline;
            const blocks = [...state.changes.values()].filter((c) => c.kind === 'block');
            const seen = Math.max(...blocks.filter((c) => c.outcome === 'confirmed').map((c) => c.seen));
            const [from, to] = stripOf(state, span);
            return (seen - from) / (to - from);
        })()"""
    )


skip_without(CHROMIUM)


GROUPED = replace(SETTINGS, most_accounts=0)


async def quiet(browser: Browser) -> int:
    return await browser.state("s.accounts.reduce((n, a) => n + (a.isQuiet ? a.n : 0), 0)")


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


in_a_browser = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("TEST_REQUIRE_BROWSER") != "1",
    reason=f"needs a Chromium at {CHROMIUM}; TEST_CHROMIUM names another",
)


async def blocked(pool: Pool, story: Story, n: int = -2) -> int:
    async with transaction(pool) as conn:
        return await happen(conn, story, story.accounts[1][n], SUSPENDED, story.now - HOUR)


@in_a_browser
async def test_a_page_goes_on_when_the_web_process_was_started_anew(
    pool: Pool, dsn: str, story: Story
) -> None:
    port = free_port()
    async with served(pool, dsn, story.now, port=port) as base:
        browsing = opened(base)
        browser = await browsing.__aenter__()
        await browser.pushed()
    try:
        missed = await blocked(pool, story)
        await browser.page.locator("#pill:not([data-state=live])").wait_for()
        async with served(pool, dsn, story.now, port=port):
            await browser.becomes(f"window.__blockline.state.changes.has({missed})")
            await _pushed_again(browser)
            asked = await browser.page.evaluate("window.__blockline.resyncs")
            pushed = await blocked(pool, story, -3)
            await browser.becomes(f"window.__blockline.state.changes.has({pushed})")
            assert await browser.page.evaluate("window.__blockline.resyncs") == asked
            await browser.page.locator("#pill[data-state=live]").wait_for()
    finally:
        browser.errors.clear()  # that nobody answered, which Chromium logs as an error
        await browsing.__aexit__(None, None, None)


async def _pushed_again(browser: Browser) -> None:
    """What comes by the websocket comes every second: two heartbeats within less than it is asked for."""
    before = await browser.state("s.rev")
    await browser.becomes(f"window.__blockline.state.rev >= {before} + 2")


@in_a_browser
async def test_a_tab_that_slept_catches_up_when_it_wakes(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.pushed()
        devtools: Any = await browser.page.context.new_cdp_session(browser.page)
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        ids = [await blocked(pool, story, n) for n in range(-6, -1)]
        async with transaction(pool) as conn:  # more than is kept for one page
            await conn.execute("select announce('mail', 0) from generate_series(1, $1::int)", QUEUE)
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        for change_id in ids:
            await browser.becomes(f"window.__blockline.state.changes.has({change_id})")


@in_a_browser
async def test_where_websockets_are_refused_the_page_asks_and_says_how_late_it_is(
    pool: Pool, dsn: str, story: Story
) -> None:
    def without_websockets(app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "websocket":
                await app(scope, receive, send)
                return
            await receive()
            await send({"type": "websocket.close", "code": 1008})

        return answer

    async with (
        served(pool, dsn, story.now, behind=without_websockets) as base,
        opened(base) as browser,
    ):
        await browser.painted()
        change_id = await blocked(pool, story)
        await browser.page.locator("#pill[data-state=delayed]").wait_for()
        assert (await browser.page.locator("#pill-age").inner_text()).endswith(" s")
        await browser.page.locator(f"#feed [data-change='{change_id}']").wait_for()
        assert await browser.page.evaluate("window.__blockline.resyncs >= 1")
        browser.errors.clear()  # that the websocket was refused
