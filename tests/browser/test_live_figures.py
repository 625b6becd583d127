"""On the Live page each number and each picture leads to the accounts that it counts, also under a filter."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from collectors.x.declaration import X
from storage.live.snapshot import accounts
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.repeats import cases
from tests.support.seeds.changes import Story
from tests.support.seeds.every_page import Everything
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

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


@pytest.mark.again
@pytest.mark.parametrize(
    "query",
    cases(["", "?kind=posts&list=2&q=_2"], ["", "?kind=posts", "?kind=accounts", "?kind=posts&list=2&q=_2"]),
)
async def test_where_posts_are_watched_each_number_still_has_as_many_behind_it(
    pool: Pool, dsn: str, now: datetime, everything: Everything, query: str
) -> None:
    async with transaction(pool) as conn:
        watched = await accounts(conn)
        await turn_into_posts(conn, [a.account_id for a in watched if a.platform == X][::3])
    async with served(pool, dsn, now) as base, opened(base, "/" + query) as browser:
        await browser.painted()
        assert await agree(browser) >= 9
        assert await browser.page.evaluate(NOT_LED) == []
        assert await browser.page.locator("#pick-kind").is_visible()
        told = await browser.page.locator("#kpis").inner_text()
        assert ("post among them" in told or "posts among them" in told) is (query == "")


async def test_where_no_post_is_watched_nothing_speaks_of_posts(
    pool: Pool, dsn: str, now: datetime, everything: Everything
) -> None:
    async with served(pool, dsn, now) as base, opened(base) as browser:
        await browser.painted()
        assert not await browser.page.locator("#pick-kind").is_visible()
        live = await browser.page.locator("#live").inner_text()
        assert re.findall(r".*\bposts\b.*", live) == []
        await browser.page.goto(f"{base}/accounts")
        await browser.page.locator(".ac-tools select[name=whom]").wait_for()
        assert not await browser.page.locator(".ac-tools select[name=kind]").is_visible()


@pytest.mark.parametrize("every", [None, 3], ids=["accounts alone", "accounts and posts"])
async def test_figures_of_a_filter_that_leaves_all_are_those_of_the_server(
    pool: Pool, dsn: str, now: datetime, everything: Everything, every: int | None
) -> None:
    if every is not None:
        async with transaction(pool) as conn:
            watched = await accounts(conn)
            await turn_into_posts(conn, [a.account_id for a in watched if a.platform == X][::every])
    async with served(pool, dsn, now) as base, opened(base) as browser:
        await browser.painted()
        mine, theirs = await browser.page.evaluate(
            """(async () => {
                const { figuresOf } = await import('/assets/board/kpis.mjs');
                const s = window.__blockline.state;
                return [figuresOf(s, s.accounts).kpis, s.kpis];
            })()"""
        )
    only_here, only_there = {"held_from", "withheld_by"}, {"next_read", "withheld_by"}
    assert {k: v for k, v in mine.items() if k not in only_here} == {
        k: v for k, v in theirs.items() if k not in only_there
    }
    assert (theirs["posts"]["blocked"] > 0) is (every is not None)
    assert theirs["new_blocks"] > 0
    assert theirs["provisional"] > 0
    assert theirs["unread"] > 0


async def test_a_filter_holds_for_the_tiles_and_the_feed_which_say_so(
    pool: Pool, dsn: str, story: Story
) -> None:
    [first, second] = story.lists
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        everywhere = int(await page.locator("#k-blocked").inner_text())
        parts = 0
        for list_id, size in ((first, len(story.accounts[0])), (second, len(story.accounts[1]))):
            await page.locator("#pick-list").select_option(str(list_id))
            await page.locator("#shown-of", has_text=f"of the {size} accounts shown").wait_for()
            assert f"of the {size} accounts shown" in await page.locator("#feed-note").inner_text()
            parts += int(await page.locator("#k-blocked").inner_text())
            shown = await page.evaluate(
                "[...document.querySelectorAll('#feed .h a[href^=\"/account/\"]')].map((a) => a.href)"
            )
            here = set(story.accounts[0 if list_id == first else 1])
            assert {int(address.rsplit("/", 1)[1]) for address in shown} <= here
        assert parts == everywhere, "the lists share no account"
        await page.locator("#pick-handle").fill("nobody-is-called-this")
        await page.locator("#shown-of", has_text="of the 0 accounts shown").wait_for()
        assert await page.locator("#k-blocked").inner_text() == "–", "of nobody nothing was read"
        await page.locator("#shown-of button").click()
        await page.locator("#shown-of").wait_for(state="hidden")
        assert int(await page.locator("#k-blocked").inner_text()) == everywhere


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


async def test_the_table_has_the_links_of_the_pictures_for_the_keyboard(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        drawn = await page.evaluate(
            """[...document.querySelectorAll('#fleet-ends a, .strip .right a')].map(
                (a) => a.pathname + a.search)"""
        )
        orders = await page.evaluate("[...document.querySelectorAll('#ann-links a')].map((a) => a.pathname)")
        await page.locator("#as-table").press("Enter")
        links = page.locator(".facts-above a")
        listed = await links.evaluate_all("(all) => all.map((a) => a.pathname + a.search)")
        assert {a.split("&at=")[0].rsplit("/", 1)[0] for a in drawn} <= {
            a.split("&at=")[0].rsplit("/", 1)[0] for a in listed
        }
        assert set(orders) <= set(listed)
        await links.first.focus()
        await page.keyboard.press("Enter")
        await page.locator("#accounts-behind", has_text="as known").wait_for()


async def test_labels_and_engagements_lead_to_their_pages(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        page = browser.page
        await browser.painted()
        await page.locator("#ann-links a").first.click()
        await browser.becomes("/^\\/orders\\/\\d+$/.test(location.pathname)")
        await page.go_back()
        await browser.becomes("location.pathname === '/'")
        await page.locator(".executive a.label").click()
        await browser.becomes(f"location.pathname === '/executives/{story.executive}'")
        await page.go_back()
        canvas = page.locator(".executive canvas[role=img]")
        box = await canvas.bounding_box()
        assert box is not None
        share = await page.evaluate(
            """(() => {
                const { state, window: [from, to] } = window.__blockline;
                const [one] = [...state.signals.values()].filter((s) => s.t > from && s.t < to);
                return (one.t - from) / (to - from);
            })()"""
        )
        await page.mouse.move(box["x"] + box["width"] * share, box["y"] + 12)
        await page.locator("#tip", has_text="Press to see this executive").wait_for()
        await page.mouse.click(box["x"] + box["width"] * share, box["y"] + 12)
        await browser.becomes("location.pathname.startsWith('/executives/')")


@pytest.mark.again
@pytest.mark.parametrize(
    "query",
    cases(
        ["", "?at=2021-01-31T00:30&as_known_at=2021-01-31T00:30"],
        ["", "?at=2021-01-25T00:30", "?at=2021-01-31T00:30&as_known_at=2021-01-31T00:30"],
    ),
)
async def test_each_number_of_the_film_has_as_many_accounts_behind_it_as_it_says(
    pool: Pool, dsn: str, now: datetime, everything: Everything, query: str
) -> None:
    async with served(pool, dsn, now) as base, opened(base, "/replay" + query) as browser:
        await browser.becomes("document.querySelectorAll('#f-kpis a').length >= 5")
        found = await browser.page.evaluate(LINKS.replace("#live", "#film"))
        for text, address in found:
            told = await behind(browser, address)
            if "%" not in text:
                assert told["words"].startswith(f"{text.split()[0]} "), (text, address, told["words"])
        assert len(found) >= 5
        assert await browser.page.evaluate(NOT_LED) == []
