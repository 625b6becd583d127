"""Logging in, the Settings page and its forms, in a real browser."""

from datetime import datetime

import pytest

from storage.model.core.people import Role
from storage.people.people import people
from storage.people.tokens import tokens
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.repeats import cases
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


async def test_who_is_logged_out_elsewhere_is_led_to_the_login(pool: Pool, dsn: str, now: datetime) -> None:
    await a_person(pool, "vera", Role.VIEWER, now)
    async with served(pool, dsn, now, WITH_LOGIN) as base, opened(base, "/alerts") as browser:
        await enter(browser, "vera")
        await browser.page.wait_for_url(f"{base}/alerts")
        await browser.becomes("document.getElementById('pill').dataset.state === 'live'")
        async with transaction(pool) as conn:
            await conn.execute("update web_session set ended_at = $1", now)
        await browser.page.evaluate("void setInterval(() => fetch('/api/alerts/waiting'), 200)")
        await browser.page.wait_for_url(f"{base}/login?next=/alerts")
        forgive(browser, "401")


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
