"""The Alerts page in a real browser: its rules, its incidents, and the links in mails."""

import re

import pytest
from playwright.async_api import Page

from storage.alerts.incidents import incident_acts, incident_line
from storage.alerts.rules import load_rules
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.people import Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import AXE, CHROMIUM, Browser, opened, skip_without, violations
from tests.support.repeats import cases
from tests.support.seeds.alerts import DESK, Played
from tests.support.seeds.people import PASSWORD, WITH_LOGIN, a_person
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)


pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


ACKNOWLEDGE = "form[action^='/api/alerts/acknowledge']"


async def test_an_acknowledged_story_leaves_the_page_and_the_count_without_a_reload(
    pool: Pool, dsn: str, played: Played
) -> None:
    waiting = len(played.story_keys)
    async with served(pool, dsn, played.now) as base, opened(base, "/alerts") as browser:
        page = browser.page
        await browser.becomes(f"document.getElementById('waiting').textContent === '{waiting}'")
        await browser.becomes(f'document.querySelectorAll("{ACKNOWLEDGE}").length === {waiting}')
        await page.evaluate("window.__loaded_once = true")
        note = page.locator(f"{ACKNOWLEDGE} textarea").first
        await note.fill("I call them")
        await note.press("Enter")
        await browser.becomes(f'document.querySelectorAll("{ACKNOWLEDGE}").length === {waiting - 1}')
        await browser.becomes(f"document.getElementById('waiting').textContent === '{waiting - 1}'")
        # Beside the mail that told of it, and among what somebody took on.
        assert await page.get_by_text("“I call them”").count() == 2
        assert await page.evaluate("window.__loaded_once")


skip_without(CHROMIUM)


SENTENCE, SAID = "#rule-sentence", "#rule-save-said"


async def rules(pool: Pool) -> dict[str, AlertRule]:
    """The stored rules by name, in the order in which they are tried."""
    async with transaction(pool) as conn:
        return {stored.rule.name: stored.rule for stored in await load_rules(conn)}


@pytest.mark.again
@pytest.mark.parametrize("width", cases([1440], [390, 1440]))
async def test_a_rule_is_made_by_its_form_tried_on_the_past_and_saved(
    pool: Pool, dsn: str, played: Played, width: int
) -> None:
    async with (
        served(pool, dsn, played.now) as base,
        opened(base, "/alerts", width=width) as browser,
    ):
        page = browser.page
        await page.get_by_role("link", name="New rule").click()
        await page.locator("#rule-name").fill("Press desk")
        await page.locator("#rule-recipients").fill("nobody")
        await page.locator(SENTENCE).get_by_text("Recipients: 'nobody' is neither a plain mail").wait_for()
        await page.locator("#rule-save").click()
        await page.locator(SAID).get_by_text("Recipients: 'nobody' is neither a plain mail").wait_for()
        assert "Press desk" not in await rules(pool)
        assert await page.locator("#rule-name").input_value() == "Press desk"

        await page.locator("#rule-recipients").fill(f"press@example.org\n{DESK}")
        await page.locator(SENTENCE).get_by_text(f"Notifies press@example.org and {DESK} of").wait_for()
        await page.get_by_label("Accounts that are gone").uncheck()
        await page.get_by_label("Order 1 list").check()
        await page.locator("#rule-remind").fill("soon")
        await page.locator(SENTENCE).get_by_text("Reminder every: 'soon' is not a duration").wait_for()
        await page.locator("#rule-remind").fill("2h")
        await page.locator(SENTENCE).get_by_text("of accounts on Order 1 list").wait_for()
        await page.locator(SENTENCE).get_by_text("Sends a reminder every 2h.").wait_for()
        assert 'remind_every = "2h"' in await page.locator("#rule-toml").input_value()

        await page.locator("#rule-preview").click()
        counted = page.locator("#rule-preview-said")
        await counted.get_by_text("In the last 30 days this rule would have sent").wait_for()
        # The rule of the settings is tried first, and notifies the desk of the same.
        assert re.search(r"sent \d+ emails? to 1 person\.", await counted.inner_text())
        assert await counted.locator("li").count() > 0

        await page.locator("#rule-test-to").fill("me@example.org")
        await page.locator("#rule-test").click()
        await page.locator("#rule-test-said").get_by_text("Queued for me@example.org: Test: ").wait_for()
        assert "Press desk" not in await rules(pool)

        await page.evaluate("scrollTo(0, 0)")  # else a button lies half below the header
        if AXE.exists():
            assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.locator("#rule-save").click()
        await page.wait_for_url(re.compile(r"/alerts/rules/\d+$"))
        await page.get_by_role("heading", name="Rule Press desk").wait_for()
        saved = (await rules(pool))["Press desk"]
        async with transaction(pool) as conn:
            mail = await conn.fetchrow("select recipients, kind, state from mail where kind = 'test'")
        assert browser.errors == []
    assert saved.recipients == ("press@example.org", DESK)
    assert saved.match.lists == frozenset({"Order 1 list"})
    assert saved.match.kinds < Match().kinds
    assert mail is not None
    assert tuple(mail) == (["me@example.org"], "test", "queued")


skip_without(CHROMIUM)


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
