"""The executives' pages in a real browser: what is drawn, what can be followed, nothing that sticks out."""

from datetime import datetime
from pathlib import Path

import pytest

from storage.executives.signals import add_signals
from storage.model.core.accounts import AccountId
from storage.model.core.signals import Signal, SignalKind
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import AXE, CHROMIUM, opened, skip_without, violations
from tests.support.seeds.alerts import Played
from tests.support.seeds.changes import HOUR, Story
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)


pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def test_a_person_is_found_drawn_and_listed_and_whom_acts_were_toward_is_a_link(
    pool: Pool, dsn: str, story: Story
) -> None:
    target = story.accounts[0][0]
    async with transaction(pool) as conn:
        author = await conn.fetchval("select native_id from account where account_id = $1", target)
        act = Signal(SignalKind.REPOST, "r1", story.now - HOUR, "p1", author)
        await add_signals(conn, AccountId(story.executive), [act], story.now)
    async with served(pool, dsn, story.now) as base, opened(base, "/executives") as browser:
        page = browser.page
        await page.locator(".executives a", has_text="Ada Chief").click()

        await page.locator("#executive-figure .js-plotly-plot .main-svg").first.wait_for()
        assert await page.locator("table.acts tbody tr").count() == 61
        assert await page.get_by_text("Share chart").count() == 0
        assert await page.get_by_text("Association, not evidence of cause.").count() >= 1

        await page.locator(".ranges a", has_text="30 days").click()
        await page.locator(".ranges a[aria-current]", has_text="30 days").wait_for()
        await page.locator("table.acts tbody tr a").first.click()
        await page.locator("#account-figure .js-plotly-plot").wait_for()
        assert page.url.endswith(f"/account/{target}")


skip_without(CHROMIUM, AXE)


MOMENT = "/stories/new?from=2021-01-24T12:00&to=2021-01-28&at=2021-01-25T06:00&as_known_at=2021-01-25T06:00"


DRAWN = "[...document.querySelectorAll('.drawn img')].map((i) => i.complete && i.naturalWidth > 0)"


DARK = "[...document.querySelectorAll('.drawn img')].every((i) => i.src.includes('%23ECECEE'))"


async def test_a_story_is_written_from_a_moment_edited_and_given_away(
    pool: Pool, dsn: str, played: Played, now: datetime
) -> None:
    async with served(pool, dsn, now) as base, opened(base, MOMENT) as browser:
        page = browser.page
        assert await page.locator("select[name=view]").input_value() == "as_known_then"
        assert await page.get_by_label("Moment (UTC)").input_value() == "2021-01-25T06:00"
        await page.get_by_label("Title").fill("All back <i>")
        await page.locator("select[name=list]").select_option("Order 1 list")
        await page.get_by_label("Caption, at most").fill("6 am: every one is back")
        await page.get_by_role("button", name="Save story").click()

        await page.get_by_role("heading", name="All back <i>").wait_for()
        await page.get_by_text("6 am: every one is back").first.wait_for()
        assert await page.evaluate("location.pathname") == "/stories/1"
        assert await page.evaluate(DRAWN) == [True, True]
        assert "as known then" in await page.locator("#caption-1").inner_text()

        moment, text = page.get_by_label("Moment (UTC)").last, page.get_by_label("Caption, at most").last
        await moment.fill("2021-01-29T00:00")
        await text.fill("too late")
        await page.get_by_role("button", name="Add caption").click()
        await page.get_by_text("The moment of the caption lies outside the range of the story.").wait_for()
        assert await text.input_value() == "too late", "what was written stays"
        assert ["409" in error for error in browser.errors] == [True]
        browser.errors.clear()
        await moment.fill("2021-01-24T13:00")
        await page.get_by_role("button", name="Add caption").click()
        await page.get_by_role("heading", name="Moment 2").wait_for()
        assert "too late" in await page.locator("#caption-1").inner_text(), "captions stand by their moments"
        display = await page.locator("#caption-1").evaluate("(card) => getComputedStyle(card).display")
        assert display == "block", "a moment is read from top to bottom"

        await page.get_by_text("Edit moment 1").click()
        first = page.locator("#caption-1")
        await first.get_by_label("Caption, at most").fill("Before the order")
        await first.get_by_role("button", name="Save changes").click()
        await page.locator("#caption-1 .caption", has_text="Before the order").wait_for()
        await page.locator("#theme").click()
        await browser.becomes(f"{DRAWN}.every((drawn) => drawn) && {DARK}")
        assert await violations(page) == []

        async with page.expect_download() as download:
            await page.get_by_role("link", name="As one file").click()
        given = await download.value
        assert given.suggested_filename == "story-1-all-back-i.html"
        written = Path(await given.path()).read_text()
        assert "Before the order" in written
        assert await page.locator("#sha256").inner_text() in written

        await page.get_by_text("Remove story").first.click()
        await page.get_by_role("button", name="Remove story").click()
        await page.get_by_text("No stories yet").wait_for()
