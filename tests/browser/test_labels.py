"""The labels of a country in a browser: new ones are shown, and what is chosen is filled into the page that
adds accounts.
"""

from collections.abc import Awaitable

import pytest

from storage.postgres.pool import Pool, transaction
from tests.conftest import NOW
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.samples.label_signing import POST, SUBJECT, stated, store
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


async def test_all_that_is_not_watched_is_chosen_with_one_press(pool: Pool, dsn: str) -> None:
    subjects = {SUBJECT, *(f"{POST}{n}" for n in range(60))}
    await store(pool, *map(stated, subjects))
    async with served(pool, dsn, NOW) as base, opened(base, "/countries/TR/labels?show=unwatched") as browser:
        page = browser.page
        chosen = page.locator("td input:checked")
        every = page.get_by_label("Choose all that are not watched (50)")
        await every.check()
        await until(lambda: _equals(chosen.count(), 50))
        await every.uncheck()
        await until(lambda: _equals(chosen.count(), 0))
        await every.check()
        await until(lambda: _equals(chosen.count(), 50))
        await page.locator("#label-watch").click()
        await page.locator("#add-text").wait_for()

        async def is_filled() -> bool:
            names = (await page.locator("#add-text").input_value()).split()
            return len(names) == 50 and subjects.issuperset(names)

        await until(is_filled)
        assert browser.errors == []


async def test_the_rest_of_a_country_is_previewed_with_one_press(pool: Pool, dsn: str) -> None:
    await store(pool, *(stated(f"{POST}{n}") for n in range(60)), stated(f"{POST}x", negated=True))
    async with served(pool, dsn, NOW) as base, opened(base, "/countries/TR/labels?show=lifted") as browser:
        page = browser.page
        await page.get_by_role("button", name="Watch all 60 that are withheld and not watched").click()
        await page.get_by_text("60 names: 60 waiting").wait_for()
        assert "/accounts/add/" in page.url
        async with transaction(pool) as conn:
            said = [row["said"] for row in await conn.fetch("select said from name_check_line")]
            assert await conn.fetchval("select count(*) from account") == 0  # only previewed
        assert set(said) == {f"{POST}{n}" for n in range(60)}
        assert browser.errors == []


async def test_a_new_label_is_on_an_open_page_and_waits_while_something_is_chosen(
    pool: Pool, dsn: str
) -> None:
    await store(pool, stated(POST), seq=1)
    async with served(pool, dsn, NOW) as base, opened(base, "/countries/TR/labels") as browser:
        page = browser.page
        await page.get_by_label(f"Choose {POST}", exact=True).wait_for()
        await until(lambda: _equals(page.locator("#pill").get_attribute("data-state"), "live"))
        await store(pool, stated(SUBJECT), seq=2)
        await page.get_by_label(f"Choose {SUBJECT}", exact=True).wait_for()
        await page.get_by_label(f"Choose {SUBJECT}", exact=True).check()
        await store(pool, stated(f"{POST}b"), seq=3)
        await page.locator("#label-news").wait_for()
        assert await page.get_by_label(f"Choose {SUBJECT}", exact=True).is_checked()
        await page.locator("#label-news").click()
        await page.get_by_label(f"Choose {POST}b", exact=True).wait_for()
        await page.locator("#label-news").wait_for(state="hidden")
        assert browser.errors == []


async def _equals(found: Awaitable[object], expected: object) -> bool:
    return await found == expected
