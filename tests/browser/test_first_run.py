"""A first run as a person does it: an installation that runs, simulated platforms, and a real mail server."""

import os
from collections.abc import Generator, Mapping
from pathlib import Path
from time import perf_counter

import pytest

from jobs.delivery.local_inbox import Inbox, SmtpServer
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.repeats import cases
from tests.support.servers.dashboard import installation
from tests.support.simulated.several_platforms import HISTORY, simulated

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

PASTED = "Beta\nhealthy.test\nalice@mastodon.example"
ME = "me@example.org"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, str]]:
    history = tmp_path_factory.mktemp("simulated") / "history.csv"
    history.write_text(HISTORY)
    with simulated(history) as found:
        yield found


class Steps:
    """What was done, each step with the seconds that it took: printed, and held against nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._before = perf_counter()

    def done(self, step: str) -> None:
        now = perf_counter()
        print(f"{self.name}: {step}: {now - self._before:.1f} s")
        self._before = now


async def picture(browser: Browser, name: str) -> None:
    if folder := os.environ.get("TEST_PICTURES"):
        await browser.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.again
@pytest.mark.parametrize("width", cases([390], [1280, 390]))
async def test_an_empty_installation_watches_three_accounts_reads_them_and_sends_an_email(
    addresses: Mapping[str, str], dsn: str, tmp_path: Path, width: int
) -> None:
    inbox, steps = Inbox(), Steps(f"{width} px")
    with SmtpServer(inbox) as smtp:
        async with (
            installation(addresses, dsn, tmp_path, smtp.port) as base,
            opened(base, "/", width=width) as browser,
        ):
            page = browser.page
            await page.get_by_role("heading", name="First run").wait_for()
            assert not await page.locator("#live").is_visible()
            for said in ("blockline demo", "Bluesky", "No key is needed", "Running"):
                await page.get_by_text(said).first.wait_for()
            steps.done("the empty installation says how to begin")
            await picture(browser, f"first-run-{width}")

            await page.locator("#add-text").fill(PASTED)
            await page.get_by_label("Platform of plain handles").fill("TikTok")
            await page.get_by_role("button", name="Preview").click()
            await page.get_by_text("“TikTok” is not a platform.").wait_for()
            await page.get_by_label("Platform of plain handles").fill("x")
            await page.get_by_role("button", name="Preview").click()
            await page.get_by_text("3 names: 3 found.").wait_for()
            assert await page.locator("#add-text").input_value() == PASTED
            steps.done("three names are pasted and found")
            await page.get_by_role("button", name="Watch the chosen accounts").click()
            await page.get_by_text("Watched: 3 accounts.").wait_for()
            steps.done("they are watched")

            await page.get_by_role("link", name="See their first readings").click()
            await page.get_by_text(": available").nth(2).wait_for()
            assert await page.get_by_text(": available").count() == 3
            for following in ("File an order", "Write an alert rule", "Open Live"):
                assert await page.get_by_role("link", name=following).is_visible()
            steps.done("their first readings are shown")

            await page.get_by_label("Your email address").fill("nobody")
            await page.get_by_role("button", name="Send a test email to me").click()
            await page.get_by_text("Write your email address, such as").wait_for()
            await page.get_by_label("Your email address").fill(ME)
            await page.get_by_role("button", name="Send a test email to me").click()
            await page.get_by_text("accepted a test email to me@example.org").wait_for()
            (mail,) = inbox.mails()
            assert mail.subject == "Test: Blockline can send email"
            steps.done("a test email arrives")
            await picture(browser, f"first-readings-{width}")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

            await page.get_by_role("link", name="@Beta").focus()
            await page.keyboard.press("j")
            assert "alice" in await page.evaluate("document.activeElement.textContent")
            await page.keyboard.press("?")
            await page.get_by_role("heading", name="Keys on this page").wait_for()
            await picture(browser, f"shortcuts-{width}")
            await page.get_by_role("button", name="Close").click()

            await page.goto(base)
            await browser.painted()
            await page.get_by_role("heading", name="Live", exact=True).wait_for()
            await browser.becomes("document.querySelector('#page') !== null")
            assert await page.locator(".first-run").count() == 0
            steps.done("Live stands at /")
            await picture(browser, f"first-live-{width}")
