"""The executives' pages in a real browser: what is drawn, what can be followed, nothing that sticks out."""

import pytest

from storage.executives.signals import add_signals
from storage.model.core.accounts import AccountId
from storage.model.core.signals import Signal, SignalKind
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.seeds.changes import DAY, HOUR, Story
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


async def test_a_long_record_on_a_phone_is_counted_and_nothing_sticks_out(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        acts = [
            Signal(SignalKind.REPOST, f"r{n}", story.now - 1200 * DAY * n / 18_000) for n in range(18_000)
        ]
        await add_signals(conn, AccountId(story.executive), acts, story.now, "import:r")
    path = f"/executives/{story.executive}"
    async with served(pool, dsn, story.now) as base, opened(base, path, width=390) as browser:
        page = browser.page
        await page.locator("#executive-figure .js-plotly-plot .main-svg").first.wait_for()
        await page.locator("table.acts tbody tr:visible").nth(24).wait_for()
        assert await page.locator("table.acts tbody tr").count() == 200
        assert await page.locator("table.acts tbody tr:visible").count() == 25
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (
            await page.locator("#executive-figure path.point, #executive-figure .point path").count() < 1000
        )
