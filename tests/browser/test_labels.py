"""The labels of a country in a browser: what is chosen there is filled into the page that adds accounts."""

import pytest

from storage.postgres.pool import Pool
from tests.conftest import NOW
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.samples.label_signing import POST, SUBJECT
from tests.support.samples.stored_labels import stated, store
from tests.support.servers.dashboard import served, until

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def test_the_chosen_subjects_are_filled_into_the_page_that_adds_accounts(pool: Pool, dsn: str) -> None:
    await store(pool, stated(), stated(POST), stated(f"{POST}b"))
    async with served(pool, dsn, NOW) as base, opened(base, "/countries/TR/labels") as browser:
        page = browser.page
        await page.locator("#label-watch").click()
        await page.get_by_text("Choose at least one account or post.").wait_for()
        for subject in (SUBJECT, POST):
            await page.get_by_label(f"Choose {subject}", exact=True).check()
        await page.locator("#label-watch").click()
        await page.locator("#add-text").wait_for()

        async def is_filled() -> bool:
            return set((await page.locator("#add-text").input_value()).split()) == {SUBJECT, POST}

        await until(is_filled)
        assert browser.errors == []
