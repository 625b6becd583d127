"""What a reader chooses on pages that the server writes, in a browser: zone, filter, a mail sent again."""

import asyncio
from typing import Final

import pytest
from playwright.async_api import Route

from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.seeds.alerts import DESK, Played
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

KOLKATA = "Asia/Kolkata"
TIMES = "[...document.querySelectorAll('#page time')]"


async def times(browser: Browser) -> list[tuple[str, str]]:
    """The moments of the page: what is written, and the title."""
    return [tuple(t) for t in await browser.page.evaluate(f"{TIMES}.map((t) => [t.textContent, t.title])")]


async def test_the_moments_of_a_page_follow_the_zone_and_keep_utc_in_their_titles(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with (
        served(pool, dsn, played.now) as base,
        opened(base, "/alerts", zone=KOLKATA) as browser,
    ):
        await browser.becomes(f"{TIMES}.length > 0")
        in_utc = await times(browser)
        assert ("1 Feb 2021, 12:00 UTC", "") in in_utc

        await browser.page.get_by_role("button", name="Local").click()
        await browser.becomes(f"{TIMES}.every((t) => t.title.endsWith('UTC'))")
        there = await times(browser)
        assert [title for _, title in there] == [text for text, _ in in_utc]
        assert ("1 Feb 2021, 17:30 UTC+5:30", "1 Feb 2021, 12:00 UTC") in there

        # The next page is written in the zone that was chosen.
        await browser.page.locator("[data-nav=health]").click()
        await browser.becomes("document.title.startsWith('Health')")
        await browser.becomes(
            f"{TIMES}.length > 0 && {TIMES}.every((t) => t.textContent.includes('UTC+5:30'))"
        )

        await browser.page.get_by_role("button", name="UTC", exact=True).click()
        await browser.becomes(f"{TIMES}.every((t) => t.title === '' && t.textContent.endsWith('UTC'))")


async def test_a_chosen_filter_is_in_the_address_and_the_address_shows_it_again(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with (
        served(pool, dsn, played.now) as base,
        opened(base, "/alerts/deliveries") as browser,
    ):
        page = browser.page
        await page.locator("select[name=state]").select_option("sent")
        await page.locator("select[name=to]").select_option(DESK)
        await page.get_by_role("button", name="Show").click()
        await browser.becomes("location.search === '?state=sent&to=desk%40example.org'")
        rows = "[...document.querySelectorAll('#page tbody tr')]"
        only_sent = (
            f"{rows}.length > 0 && {rows}.every((r) => r.querySelector('.state').textContent === 'sent')"
        )
        await browser.becomes(only_sent)

        await page.reload()
        await browser.becomes(only_sent)
        assert await page.locator("select[name=to]").input_value() == DESK

        await page.go_back()
        await browser.becomes("location.search === ''")
        await browser.becomes(f"{rows}.some((r) => r.querySelector('.state').textContent !== 'sent')")
        assert await page.locator("select[name=to]").input_value() == ""


@pytest.mark.parametrize("path", ["/health", "/alerts/deliveries?state=dead"])
async def test_a_dead_letter_is_sent_again_where_it_is_shown(
    pool: Pool, dsn: str, played: Played, path: str
) -> None:
    async with served(pool, dsn, played.now) as base, opened(base, path, width=390) as browser:
        again = browser.page.get_by_role("button", name="Send again")
        await again.click()
        await again.wait_for(state="detached")
        assert await browser.page.evaluate("location.pathname + location.search") == path
        assert await browser.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    async with transaction(pool) as conn:
        state = await conn.fetchval("select state from mail where mail_id = $1", played.dead_mail)
        who = await conn.fetchval("select actor from audit_log where action = 'mail sent again'")
    assert (state, who) == ("queued", "dashboard")


async def test_what_is_reckoned_on_the_sizing_page_stands_in_its_address(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with served(pool, dsn, played.now) as base, opened(base, "/health") as browser:
        page = browser.page
        await page.get_by_role("link", name="Sizing").click()
        await browser.becomes("document.title.startsWith('Sizing')")
        assert await page.get_by_label("Accounts", exact=True).input_value() == "32", "what is watched now"

        await page.get_by_label("Accounts", exact=True).fill("20,000")
        await page.get_by_label("Sweep length").fill("")
        await page.get_by_label("or US dollars per day (X)").fill("20")
        await page.get_by_label("Known list sizes").fill("257")
        await page.get_by_label("Planner").select_option("adaptive")
        await page.get_by_role("button", name="Estimate").click()
        asked = "platform=x&accounts=20%2C000&money=20&lists=257&planner=adaptive"
        await browser.becomes(f"location.search === '?{asked}'")
        told = "document.querySelector('#page .answer')?.textContent ?? ''"
        await browser.becomes(f"({told}).startsWith('20,000 accounts on X, for at most $20.00 per UTC day')")

        await page.get_by_label("Accounts", exact=True).fill("many")
        await page.keyboard.press("Enter")
        await browser.becomes("document.querySelector('#page .refused') !== null")
        assert await page.locator("#page .refused").inner_text() == "Accounts: 'many' is not a whole number."

        await page.go_back()
        await browser.becomes(f"({told}).includes('20,000 accounts on X')")
        assert await page.get_by_label("Accounts", exact=True).input_value() == "20,000"


async def test_the_report_on_an_order_comes_as_a_file(pool: Pool, dsn: str, played: Played) -> None:
    async with served(pool, dsn, played.now) as base, opened(base, "/orders/1") as browser:
        async with browser.page.expect_download() as download:
            await browser.page.get_by_role("link", name="Report", exact=True).click()
        assert (await download.value).suggested_filename.startswith("report-SYN")


PASSING_THE_EDGE: Final = """() => {
  const pill = document.getElementById("pill");
  const [word, age] = [document.getElementById("pill-word"), document.getElementById("pill-age")];
  const shown = [pill.dataset.state, word.textContent, age.textContent];
  const says = (state, text, silent) => {
    [pill.dataset.state, word.textContent, age.textContent] = [state, text, silent];
  };
  const passing = new Set();
  for (const each of [["live", "Connected", "5 s"], ["delayed", "Delayed", "59 s"],
                      ["connecting", "Connecting", ""], ["lost", "Disconnected", "119 min"]]) {
    says(...each);
    for (const e of document.querySelectorAll("header.top, header.top > *, .nav > *, .bar"))
      if (e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5)
        passing.add(`${each[0]}: ${e.className || e.id || e.tagName}`);
  }
  says(...shown);
  return [...passing];
}"""
"""What reaches over the right edge of the window, whatever the header says about the connection."""


@pytest.mark.parametrize("path", ["/", "/accounts", "/orders", "/alerts", "/health", "/settings"])
async def test_no_page_is_wider_than_its_window(pool: Pool, dsn: str, played: Played, path: str) -> None:
    async with served(pool, dsn, played.now) as base, opened(base, path, width=320) as browser:
        page = browser.page
        wider: dict[int, list[str]] = {}
        for width in (320, 390, 401, 640, 680, 768, 820, 960, 961, 1160, 1161, 1240):
            await page.set_viewport_size({"width": width, "height": 800})
            await browser.becomes(f"innerWidth === {width}")
            wider[width] = await page.evaluate(PASSING_THE_EDGE)
            await browser.becomes("document.documentElement.scrollWidth <= innerWidth")  # once it is laid out
        assert {width: found for width, found in wider.items() if found} == {}


async def test_a_page_that_takes_long_says_that_it_is_loading(pool: Pool, dsn: str, played: Played) -> None:
    answer = asyncio.Event()

    async def later(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    said = "document.getElementById('loading').textContent"
    busy = "document.getElementById('content').getAttribute('aria-busy')"
    async with served(pool, dsn, played.now) as base, opened(base, "/alerts") as browser:
        page = browser.page
        await page.route("**/_dash-update-component*", later)
        await page.goto(f"{base}/health", wait_until="domcontentloaded")
        await browser.becomes(f"{said} === 'Loading …' && {busy} === 'true'")
        answer.set()
        await browser.becomes("document.querySelector('#page h1')?.textContent === 'Health'")
        await browser.becomes(f"{said} === '' && {busy} === 'false'")

        answer.clear()
        await page.get_by_role("link", name="Orders").first.click()
        await browser.becomes(f"{said} === 'Loading …' && {busy} === 'true'")
        assert await page.locator("#page h1").inner_text() == "Health", "the page before stays until then"
        assert await page.get_by_role("status").filter(has_text="Loading …").is_visible()
        answer.set()
        await browser.becomes("document.querySelector('#page h1')?.textContent === 'Orders'")
        await browser.becomes(f"{said} === '' && {busy} === 'false'")


LEGEND = """(() => {
    const plot = document.querySelector('#order-curve .js-plotly-plot, #order-curve.js-plotly-plot');
    const entries = [...(plot?.querySelectorAll('.legend, .legend .traces') ?? [])];
    return entries.map((entry) => entry.getAttribute('transform')).join(' ');
})()"""


async def test_a_legend_is_arranged_anew_when_a_tablet_is_turned(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with served(pool, dsn, played.now) as base:
        async with opened(base, "/orders/1", width=820) as browser:
            await browser.becomes(f"{LEGEND} !== '' && !document.querySelector('.dash-graph--pending')")
            upright = await browser.page.evaluate(LEGEND)
        async with opened(base, "/orders/1", width=1180) as browser:
            await browser.becomes(f"{LEGEND} !== '' && !document.querySelector('.dash-graph--pending')")
            assert await browser.page.evaluate(LEGEND) != upright
            await browser.page.set_viewport_size({"width": 820, "height": 1180})
            await browser.becomes(f"{LEGEND} === {upright!r}")


FOCUS = "document.activeElement"


@pytest.mark.parametrize(
    ("path", "focused"),
    [
        pytest.param("/", "pick-handle", id="Live has a filter of handles"),
        pytest.param("/accounts", "q", id="Accounts has a search"),
        pytest.param("/alerts/deliveries", "state", id="the delivery log has a filter"),
    ],
)
async def test_a_slash_goes_to_the_search_of_the_page(
    pool: Pool, dsn: str, played: Played, path: str, focused: str
) -> None:
    async with served(pool, dsn, played.now) as base, opened(base, path) as browser:
        await browser.becomes(f"document.querySelector('main #{focused}, main [name={focused}]') !== null")
        if path == "/":
            await browser.painted()  # its filter is there before the scripts listen
        await browser.page.keyboard.press("/")
        await browser.becomes(f"[{FOCUS}.id, {FOCUS}.name].includes('{focused}')")
        assert await browser.page.locator("dialog.search[open]").count() == 0
        await browser.page.keyboard.press("Control+k")
        await browser.page.locator("dialog.search[open]").wait_for()


async def test_a_slash_searches_everything_where_the_page_has_no_search(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with served(pool, dsn, played.now) as base, opened(base, "/orders") as browser:
        await browser.page.get_by_role("heading", name="Orders", exact=True).wait_for()
        await browser.page.keyboard.press("/")
        await browser.page.locator("dialog.search[open]").wait_for()
        assert await browser.page.locator("dialog.search input").input_value() == ""


async def test_j_and_k_move_in_every_kind_of_table_and_the_list_of_keys_says_so(
    pool: Pool, dsn: str, played: Played
) -> None:
    row = "document.activeElement.closest('.ag-row')?.getAttribute('row-index')"
    async with served(pool, dsn, played.now) as base, opened(base, "/accounts") as browser:
        page = browser.page
        await page.locator(".ag-row[row-index='0'] [col-id=handle]").first.wait_for()
        await (
            page.locator(".ag-row[row-index='0'] [col-id=platform], .ag-row[row-index='0'] .ag-cell")
            .nth(1)
            .focus()
        )
        for key, then in (("j", "1"), ("j", "2"), ("k", "1")):
            await page.keyboard.press(key)
            await browser.becomes(f"{row} === '{then}'")
        await page.goto(base + "/orders")
        await page.locator("#page tbody a").first.wait_for()
        at = "[...document.querySelectorAll('#page tbody tr')].indexOf(document.activeElement.closest('tr'))"
        await page.locator("#page tbody a").first.focus()
        await page.keyboard.press("j")
        assert await page.evaluate(at) == 1
        await page.keyboard.press("k")
        assert await page.evaluate(at) == 0
        await page.keyboard.press("?")
        await page.get_by_text("the page's own search or filter; where it has none, as Ctrl K").wait_for()
        await page.get_by_text("in a table, with the focus in a row: the next row, the row before").wait_for()
