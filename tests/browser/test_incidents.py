"""The work on incidents in a real browser: two people who act at once, closing by keyboard, and the lists."""

import re

import pytest
from playwright.async_api import Page

from storage.alerts.incidents import incident_acts, incident_line
from storage.model.core.people import Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.repeats import cases
from tests.support.seeds.alerts import Played
from tests.support.seeds.people import PASSWORD, WITH_LOGIN, a_person
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

WAIT_MS = 20_000
"""How long each wait of these tests may take, so that none hangs."""


async def enter(browser: Browser, name: str) -> Page:
    page = browser.page
    page.set_default_timeout(WAIT_MS)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    return page


async def said(page: Page, name: str, text: str) -> None:
    """Wait until a form says so."""
    await page.locator(f"#incident-{name}-said").get_by_text(text).wait_for(timeout=WAIT_MS)


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(120):
        if await page.evaluate("(s) => document.activeElement?.matches(s) ?? false", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {selector}")


@pytest.mark.again
@pytest.mark.parametrize("width", cases([1440], [390, 1440]))
async def test_the_second_person_is_told_what_the_first_did_and_a_closed_incident_leaves_open(
    pool: Pool, dsn: str, played: Played, width: int
) -> None:
    now, key = played.now, played.story_keys[0]
    for name in ("anna", "ben"):
        await a_person(pool, name, Role.ANALYST, now)
    path = f"/incidents/{key}"
    async with (
        served(pool, dsn, now, WITH_LOGIN) as base,
        opened(base, path, width=width) as annas,
        opened(base, path, width=width) as bens,
    ):
        anna, ben = await enter(annas, "anna"), await enter(bens, "ben")
        for page in (anna, ben):
            await page.locator("#incident-take").wait_for(timeout=WAIT_MS)
        await anna.locator("#incident-take").click()
        await said(anna, "work", "The incident is assigned to you.")
        await anna.locator("#incident-facts").get_by_text("anna, since").wait_for(timeout=WAIT_MS)
        assert await anna.locator("#incident-take").is_hidden()

        await ben.locator("#incident-note").fill("I called the court.")
        await ben.locator("#incident-save").click()
        await said(ben, "work", "the incident changed meanwhile: anna assigned it to anna.")
        await ben.locator("#incident-facts").get_by_text("anna, since").wait_for(timeout=WAIT_MS)
        assert await ben.locator("#incident-note").input_value() == "I called the court.", "it is kept"
        await ben.locator("#incident-save").click()
        await said(ben, "work", "Saved.")
        await (
            ben.locator("#incident-history")
            .get_by_text("wrote a note: “I called the court.”")
            .wait_for(timeout=WAIT_MS)
        )

        await anna.goto(f"{base}/incidents?show=mine")
        mine = anna.locator(f"a[href='{path}']")
        await mine.wait_for(timeout=WAIT_MS)
        assert "“I called the court.”" in await anna.locator(".incidents").inner_text()
        await tab_to(anna, f"a[href='{path}']")
        await anna.keyboard.press("Enter")
        await anna.locator("#incident-reason").wait_for(timeout=WAIT_MS)
        await tab_to(anna, "#incident-close")
        await anna.keyboard.press("Enter")
        await said(anna, "close", "The reason is empty.")
        await anna.locator("#incident-reason").focus()
        await anna.keyboard.insert_text("The ministry took it back.")
        await tab_to(anna, "#incident-close")
        await anna.keyboard.press("Enter")
        await said(anna, "close", "Closed.")
        assert await anna.locator("#incident-reason").is_hidden()

        for shown, there in (("open", 0), ("mine", 0), ("closed", 1)):
            await ben.goto(f"{base}/incidents?show={shown}")
            await ben.locator(".incidents h2").wait_for(timeout=WAIT_MS)
            assert await ben.locator(f"a[href='{path}']").count() == there, shown
        assert (annas.errors, bens.errors) == ([], [])
    async with transaction(pool) as conn:
        line, acts = await incident_line(conn, key), await incident_acts(conn, key)
    assert line is not None
    assert line.work.state == "closed"
    assert [(a.actor, a.words) for a in acts] == [
        ("anna", "closed it: “The ministry took it back.”"),
        ("ben", "wrote a note: “I called the court.”"),
        ("anna", "assigned it to anna"),
    ]


async def test_a_viewer_sees_an_incident_and_no_form_and_a_wrong_time_names_its_field(
    pool: Pool, dsn: str, played: Played
) -> None:
    now, key = played.now, played.story_keys[0]
    await a_person(pool, "vera", Role.VIEWER, now)
    await a_person(pool, "anna", Role.ANALYST, now)
    path = f"/incidents/{key}"
    async with (
        served(pool, dsn, now, WITH_LOGIN) as base,
        opened(base, path) as veras,
        opened(base, path) as annas,
    ):
        vera, anna = await enter(veras, "vera"), await enter(annas, "anna")
        await vera.get_by_text("Your role is viewer: you can only read.").wait_for(timeout=WAIT_MS)
        assert await vera.locator("#incident-save").count() == 0
        await anna.locator("#incident-due").fill("soon")
        await anna.locator("#incident-save").click()
        await said(anna, "work", "Due: this is neither a duration such as")
        await anna.locator("#incident-due").fill("")
        await anna.locator("#incident-owner").fill("vera")
        await anna.locator("#incident-save").click()
        await said(anna, "work", "vera is a viewer. Incidents are assigned to analysts and admins.")
        await anna.locator("#incident-owner").fill("")
        await anna.locator("#incident-save").click()
        await said(anna, "work", "Nothing was changed.")
        await anna.locator("#incident-ack").click()
        await said(anna, "work", "Acknowledged.")
        await anna.get_by_text(re.compile("Acknowledged by anna, ")).wait_for(timeout=WAIT_MS)
        assert await anna.locator("#incident-ack").is_hidden()
        await anna.locator("#incident-unack").click()
        await said(anna, "work", "The acknowledgement is undone. Reminders and escalation go on.")
        assert await anna.locator("#incident-unack").is_hidden()
        await anna.locator("#incident-ack").click()
        await said(anna, "work", "Acknowledged.")
