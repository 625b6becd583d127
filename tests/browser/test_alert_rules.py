"""The page of an alert rule in a real browser: made by a form, tried on the past, ordered and removed."""

import re

import pytest

from storage.alerts.rules import load_rules
from storage.model.alerts.rules import AlertRule, Match
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import AXE, CHROMIUM, opened, skip_without, violations
from tests.support.repeats import cases
from tests.support.seeds.alerts import DESK, Played
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

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


async def test_a_rule_is_changed_as_text_switched_off_moved_duplicated_and_removed(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with (
        served(pool, dsn, played.now) as base,
        opened(base, "/alerts") as browser,
    ):
        page = browser.page
        await page.get_by_role("link", name="Board", exact=True).click()
        await page.get_by_role("heading", name="Rule Board").wait_for()
        text = page.locator("#rule-toml")
        await text.fill('name = "Board"\nrecipients = ["board@example.org"]\nquiet = "25:00-07:00"\n')
        await page.locator("#rule-toml-read").click()
        await page.get_by_text("Quiet hours: '25:00' is not a time of day such as 08:00.").wait_for()
        assert "25:00" in await text.input_value()
        await text.fill('name = "Board"\nrecipients = ["board@example.org"]\nquiet = "22:00-07:00"\n')
        await page.locator("#rule-toml-read").click()
        await page.get_by_text("The form shows this text. Save it there.").wait_for()
        assert await page.locator("#rule-quiet-from").input_value() == "22:00"
        await page.locator(SENTENCE).get_by_text("Quiet from 22:00 to 07:00 UTC.").wait_for()
        await page.locator("#rule-save").click()
        await page.get_by_text("Saved. It counts for what is recorded from now on.").wait_for()
        assert (await rules(pool))["Board"].quiet is not None

        await page.locator("#rule-switch").click()
        await page.locator("#rule-switched").get_by_text("Off: it sends nothing").wait_for()
        await page.locator("#rule-up").click()
        await page.get_by_text("It is tried as number 1 of the 3 rules").wait_for()
        assert list(await rules(pool)) == ["recipients", "Board", "Night desk", "Old"]
        assert await page.locator("#rule-up").is_disabled()

        await page.get_by_role("link", name="Duplicate").click()
        await page.get_by_role("heading", name="New rule").wait_for()
        assert await page.locator("#rule-name").input_value() == "Board (copy)"
        await page.locator("#rule-save").click()
        await page.get_by_role("heading", name="Rule Board (copy)").wait_for()
        await page.get_by_text("Remove", exact=True).click()
        await page.locator("#rule-remove").click()
        await page.wait_for_url(f"{base}/alerts")
        await page.get_by_text("The rule Board (copy) is removed.").wait_for()
        await page.get_by_role("button", name="Move down").first.click()
        await page.locator("tr", has_text="Night desk").first.wait_for()
        assert browser.errors == []
    assert "Board (copy)" not in await rules(pool)


async def test_a_rule_of_the_settings_is_shown_and_cannot_be_typed_into(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with (
        served(pool, dsn, played.now) as base,
        opened(base, "/alerts") as browser,
    ):
        page = browser.page
        await page.get_by_role("link", name="recipients", exact=True).click()
        await page.get_by_text("This rule is set in the settings. Change it there").wait_for()
        assert await page.locator("#rule-recipients").is_disabled()
        assert await page.locator("#rule-save").count() == 0
        assert await page.get_by_role("link", name="Duplicate").count() == 1
        await page.locator("#rule-preview").click()
        await page.locator("#rule-preview-said").get_by_text("this rule would have sent").wait_for()
