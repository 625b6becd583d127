"""What a reader chooses on pages that the server writes, in a browser: zone, filter, a mail sent again."""

from pathlib import Path
from typing import Final

import pytest

from storage.postgres.pool import Pool, transaction
from tests.support.added_pages import install_example
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.seeds.alerts import DESK, Played
from tests.support.seeds.changes import Story
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


skip_without(CHROMIUM)


async def test_an_installed_page_stands_in_the_navigation_and_its_callback_answers(
    pool: Pool, dsn: str, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_example(tmp_path, monkeypatch)
    async with transaction(pool) as conn:
        await conn.execute("update account set tags = '{press}' where account_id = any($1)", story.wave[:3])
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        await page.get_by_role("link", name="Tags").click()
        await page.get_by_role("cell", name="press").wait_for()
        assert await page.locator("#tags-table tbody tr").all_inner_texts() == ["press\t3"]
        assert await page.title() == "Tags · Blockline"
        assert await page.locator("[data-nav=tags]").get_attribute("aria-current") == "page"

        await page.locator("#tags-platform").click()
        await page.get_by_text("Mastodon").click()
        await page.get_by_text("No watched account of this platform has a tag.").wait_for()
