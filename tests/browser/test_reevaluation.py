"""The page of re-evaluation, in a real browser."""

import pytest

from storage.postgres.pool import Pool
from tests.dashboard.replay.test_reevaluation import NOW, told
from tests.support.clients.browser import AXE, CHROMIUM, opened, skip_without, violations
from tests.support.servers.dashboard import served

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

skip_without(CHROMIUM, AXE)


async def test_a_reload_finds_the_result_again(pool: Pool, dsn: str) -> None:
    await told(pool)
    async with served(pool, dsn, NOW) as base, opened(base, "/replay/rules") as browser:
        page = browser.page
        ask, rules = page.get_by_role("button", name="Re-evaluate"), page.get_by_label("Rules as TOML")
        await ask.click()
        await page.get_by_text("Difference: zero. 4 changes and 0 emails are the same as stored.").wait_for()
        await rules.fill((await rules.input_value()).replace("strong_readings = 2", "strong_readings = 1"))
        await page.locator("select[name=list]").select_option("Desk")
        await ask.click()
        await page.get_by_text("1 change and 0 emails would differ").wait_for()
        await page.reload()
        await page.get_by_text("1 change and 0 emails would differ").wait_for()
        assert "strong_readings = 1" in await rules.input_value()
        assert await page.locator("select[name=list]").input_value() == "Desk"
        assert await violations(page) == []
        row = page.locator("[data-table] tbody tr")
        assert "Confirmed earlier" in await row.inner_text()
        assert "thresholds differ" in await row.inner_text()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Export CSV").click()
        assert (await download.value).suggested_filename.startswith("re-evaluation-20210301T0000")


async def test_an_error_in_the_rules_names_its_line_and_keeps_the_text(pool: Pool, dsn: str) -> None:
    await told(pool)
    async with served(pool, dsn, NOW) as base, opened(base, "/replay/rules") as browser:
        page = browser.page
        rules = page.get_by_label("Rules as TOML")
        await rules.fill("# mine\n[confirmation]\nstrong_readings = 0\n")
        await page.get_by_role("button", name="Re-evaluate").click()
        await page.get_by_text(
            "rules, line 3: strong_readings: 0 is not a whole number of at least 1."
        ).wait_for()
        assert await rules.input_value() == "# mine\n[confirmation]\nstrong_readings = 0\n"
