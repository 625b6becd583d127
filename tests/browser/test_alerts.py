"""The forms of the Alerts page and of the links in mails, in a real browser."""

import pytest

from dashboard.auth.signed_links import Link, LinkAction, token
from storage.alerts.threads_report import thread_status
from storage.postgres.installation import link_key
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.seeds.alerts import DESK, Played
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ACKNOWLEDGE = "form[action^='/api/alerts/acknowledge']"


async def is_acknowledged(pool: Pool, story_key: str) -> bool:
    async with transaction(pool) as conn:
        note = await thread_status(conn, story_key)
    return note is not None and note.is_acknowledged


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


async def test_a_form_works_also_as_plain_html(pool: Pool, dsn: str, played: Played) -> None:
    key = played.story_keys[0]
    async with served(pool, dsn, played.now) as base, opened(base, "/alerts") as browser:
        await browser.becomes(f'document.querySelector("{ACKNOWLEDGE}") !== null')
        # A form that a script submits raises no event: it goes out as without any script. A profile that is
        # closed while its page is being left may never close, so the next page is waited for.
        async with browser.page.expect_navigation(url=f"{base}/alerts"):
            await browser.page.evaluate(
                f"""(key) => {{
                    const form = document.querySelector("{ACKNOWLEDGE}");
                    const field = document.createElement("input");
                    field.name = "story";
                    field.value = key;
                    form.append(field);
                    setTimeout(() => form.submit());
                }}""",
                key,
            )
        assert await is_acknowledged(pool, key)


async def test_the_button_behind_a_link_in_a_mail_acknowledges(pool: Pool, dsn: str, played: Played) -> None:
    key = played.story_keys[0]
    async with transaction(pool) as conn:
        link = Link(LinkAction.ACKNOWLEDGE, key, DESK, played.now, played.groups[0])
        path = f"/mail-link/{token(await link_key(conn), link)}"
    async with served(pool, dsn, played.now) as base, opened(base, path, width=390) as browser:
        assert not await is_acknowledged(pool, key)
        await browser.page.locator("textarea").fill("on it")
        await browser.page.get_by_role("button", name="Acknowledge").click()
        await browser.page.get_by_text("Note: “on it”").wait_for()
        assert await browser.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    assert await is_acknowledged(pool, key)
