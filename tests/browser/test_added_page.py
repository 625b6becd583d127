"""The example of docs/how-to/add-page.md, installed as a package, in a real browser."""

from pathlib import Path

import pytest

from storage.postgres.pool import Pool, transaction
from tests.support.added_pages import install_example
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


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
