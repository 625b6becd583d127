"""Logging in, the Settings page, its forms and the purge of an account, in a real browser."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from storage.model.core.people import Role
from storage.model.text.states import clean
from storage.people.people import people
from storage.people.tokens import tokens
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purges
from tests.support.clients.browser import AXE, CHROMIUM, Browser, opened, skip_without, violations
from tests.support.repeats import cases
from tests.support.seeds.changes import Story
from tests.support.seeds.people import PASSWORD, WITH_LOGIN, a_person
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)


pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def enter(browser: Browser, name: str, password: str = PASSWORD) -> None:
    await browser.page.get_by_label("Name").fill(name)
    await browser.page.get_by_label("Password").fill(password)
    await browser.page.get_by_role("button", name="Log in").click()


def forgive(browser: Browser, status: str) -> None:
    """The browser itself logs a refusal as an error of the page."""
    assert [e for e in browser.errors if status not in e] == []
    browser.errors.clear()


async def test_somebody_logs_in_works_and_logs_out(pool: Pool, dsn: str, now: datetime) -> None:
    await a_person(pool, "vera", Role.VIEWER, now)
    async with served(pool, dsn, now, WITH_LOGIN) as base, opened(base, "/settings") as browser:
        page = browser.page
        await enter(browser, "vera", "not her password")
        await page.get_by_text("The name or the password is wrong").wait_for()
        forgive(browser, "403")
        assert await page.get_by_label("Name").input_value() == "vera"
        await enter(browser, "vera")
        await page.wait_for_url(f"{base}/settings")
        await page.get_by_role("heading", name="Your sessions").wait_for()
        # A viewer makes tokens that read, and is shown nothing of the others.
        scopes = await page.locator("select[name=scope] option").all_inner_texts()
        assert scopes == ["Feeds only", "Read"]
        assert await page.get_by_role("heading", name="Users").count() == 0
        assert await page.get_by_role("heading", name="Audit log").count() == 0
        await browser.becomes("document.getElementById('pill').dataset.state === 'live'")
        await page.get_by_role("button", name="You").click()
        await page.get_by_text("vera, viewer").wait_for()
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url(f"{base}/login")
        await page.goto(f"{base}/")
        await page.wait_for_url(f"{base}/login?next=/")


@pytest.mark.again
@pytest.mark.parametrize("width", cases([360], [1440, 360]))
async def test_an_admin_says_who_may_do_what(pool: Pool, dsn: str, now: datetime, width: int) -> None:
    await a_person(pool, "ada", Role.ADMIN, now)
    async with (
        served(pool, dsn, now, WITH_LOGIN) as base,
        opened(base, "/settings", width=width) as browser,
    ):
        page = browser.page
        await enter(browser, "ada")
        await page.get_by_role("heading", name="Users").wait_for()
        adding = page.locator("form[action='/api/people/add']")
        await adding.locator("[name=name]").fill("bob")
        await adding.locator("[name=display]").fill("Bob of the desk")
        await adding.locator("[name=role]").select_option("analyst")
        await adding.locator("[name=password]").fill("short")
        await adding.locator("[name=password]").fill("a long enough one")
        await adding.get_by_role("button").click()
        # The page is written anew with him: what is filled in before that is lost.
        await page.locator("td", has_text="Bob of the desk").first.wait_for()
        making = page.locator("form[action='/api/people/tokens']")
        await making.locator("[name=name]").fill("the newsroom's script")
        await making.get_by_role("button").click()
        shown = page.locator("#once input")
        await shown.wait_for()
        assert (await shown.input_value()).startswith("blockline_")
        await page.get_by_role("button", name="I have it").click()
        await page.wait_for_function("document.querySelector('#once input').value === ''")
        await page.locator("td[data-label=Expires]").wait_for()
        await page.locator("form[action='/api/people/disable'] button").click()
        await page.locator("form[action='/api/people/enable']").wait_for()
        assert await page.locator("tr:has-text('person disabled')").count() == 1
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    async with transaction(pool) as conn:
        known = {p.login: (p.role, p.disabled_at is not None) for p in await people(conn)}
        (token,) = await tokens(conn)
    assert known == {"ada": (Role.ADMIN, False), "bob": (Role.ANALYST, True)}
    assert (token.login, token.name) == ("ada", "the newsroom's script")


skip_without(CHROMIUM, AXE)


async def picture(browser: Browser, name: str) -> None:
    if folder := os.environ.get("TEST_PICTURES"):
        await browser.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.again
@pytest.mark.parametrize("width", cases([1280], [1280, 820, 390]))
async def test_an_account_is_purged_after_a_preview_and_its_typed_handle(
    pool: Pool, dsn: str, story: Story, width: int
) -> None:
    async with transaction(pool) as conn:
        account_id: int = await conn.fetchval(
            "select min(account_id) from account join change using (account_id) where watched"
        )
        handle: str = await conn.fetchval("select handle from account where account_id = $1", account_id)
    async with (
        served(pool, dsn, story.now) as base,
        opened(base, f"/account/{account_id}", width=width) as browser,
    ):
        page = browser.page
        page.set_default_timeout(30_000)
        await page.get_by_role("link", name="Download evidence pack").first.wait_for()
        await picture(browser, f"account-{width}")
        await page.get_by_role("link", name="Purge").click()
        assert await page.get_by_role("button", name="Purge permanently").count() == 0
        await page.get_by_role("button", name="Preview").click()
        await page.get_by_text("This would be removed").wait_for()
        await page.get_by_text("The whole account.").click()
        await page.get_by_text("Engagements of executives", exact=True).wait_for()
        await page.get_by_text("Evidence and handles.").click()
        await page.get_by_text("changes and 0 engagements of executives with their times").wait_for()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await picture(browser, f"purge-{width}")
        await page.locator("#purge-handle").fill("somebody")
        await page.get_by_role("button", name="Purge permanently").click()
        await page.get_by_text("This is not the handle of the account, so nothing was purged.").wait_for()
        async with transaction(pool) as conn:
            assert await purges(conn) == []
        await page.locator("#purge-handle").fill(handle)
        await page.locator("#purge-reason").fill("a request of 3 May")
        await page.get_by_role("button", name="Purge permanently").click()
        await page.get_by_text(f"@{clean(handle, 120)}").get_by_text("is purged. Removed:").wait_for()
        after = page.locator("#purge-done a")
        assert [await after.nth(n).get_attribute("href") for n in range(2)] == ["/settings", "/accounts"]
        await picture(browser, f"purged-{width}")
        assert await page.get_by_role("button", name="Purge permanently").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    async with transaction(pool) as conn:
        assert [one.reason for one in await purges(conn)] == ["a request of 3 May"]
        assert (await acts(conn, 1))[0].action == "account purged"
