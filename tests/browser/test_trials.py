"""What a new user does first, from page to page: from nothing to an email, and an order from a PDF.

`TEST_HAND=person .venv/bin/python -m pytest tests/browser/test_trials.py -n0 -s` does the same as slowly as a
person types and looks, and prints the seconds after each step.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from jobs.delivery.local_inbox import Inbox, SmtpServer
from tests.support.clients.browser import CHROMIUM, Hand, is_slow, opened, skip_without
from tests.support.repeats import cases
from tests.support.samples.order_pdf import NAMED, POSTS, order_history, order_text
from tests.support.servers.dashboard import installation, until
from tests.support.simulated.several_platforms import HISTORY, simulated

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ME = "me@example.org"
PASTED = "@kisan_news\n@beta\nhealthy.test\nhttps://mastodon.example/@alice"
BLOCKED_AT = datetime(2021, 2, 1, 12, tzinfo=UTC)
BLOCKED = f"""x,1005,kisan_news,2021-02-01T00:00:00Z,available,,L,
x,1005,kisan_news,{BLOCKED_AT:%Y-%m-%dT%H:%M:%SZ},withheld,IN,L,
"""


async def set_clocks(addresses: Mapping[str, str], now: datetime) -> None:
    """Let the platforms be as they are at a time of the history."""
    async with aiohttp.ClientSession() as session:
        for address in addresses.values():
            async with session.put(f"{address}/_simulator/clock", json={"now": now.isoformat()}) as answer:
                answer.raise_for_status()


@pytest.mark.again
@pytest.mark.parametrize("width", cases([1280], [1280, 390]))
async def test_from_nothing_to_the_first_email_of_a_block(dsn: str, tmp_path: Path, width: int) -> None:
    """The confirmation takes a minute, so the quick hand asks for provisional changes as well."""
    history = tmp_path / "history.csv"
    history.write_text(HISTORY + BLOCKED)
    inbox = Inbox()
    async with AsyncExitStack() as stack:
        addresses = stack.enter_context(simulated(history))
        smtp = stack.enter_context(SmtpServer(inbox))
        sweep_every = "1m" if is_slow() else "2s"
        base = await stack.enter_async_context(
            installation(addresses, dsn, tmp_path, smtp.port, sweep_every=sweep_every)
        )
        browser = await stack.enter_async_context(opened(base, "/", width=width))
        page, hand = browser.page, Hand(browser.page, f"first email, {width} px")
        await hand.read(page.get_by_role("heading", name="Watch your first accounts"))
        hand.step("the first page is there")

        await hand.paste(page.locator("#add-text"), PASTED)
        await hand.press(page.get_by_role("button", name="Preview"))
        await hand.read(page.get_by_text("4 names: 4 found."))
        assert await page.locator("#preview").is_visible()
        top = await page.locator("#preview").evaluate("(e) => e.getBoundingClientRect().top")
        assert 0 < top < 900, "the preview is in view"
        assert await page.locator("#add-platform").input_value() == "X"
        hand.step("four names are pasted, and it is said what each means")
        await hand.write(page.locator("#add-new-list"), "Farm protest")
        await hand.press(page.get_by_role("button", name="Watch the chosen accounts"))
        await hand.read(page.get_by_text("Watched: 4 accounts."))
        hand.step("they are watched")
        await hand.press(page.get_by_role("link", name="See their first readings"))
        await hand.read(page.get_by_text("4 of 4 read"))
        hand.step("their first readings are there")

        await hand.press(page.get_by_role("link", name="Write an alert rule"))
        await hand.write(page.locator("#rule-name"), "Desk")
        await hand.write(page.locator("#rule-recipients"), ME)
        await hand.read(page.get_by_text(f"Notifies {ME} of blocks"))
        if not is_slow():
            await page.get_by_label("Also provisional changes").check()
        await hand.press(page.get_by_role("button", name="Save the new rule"))
        await hand.read(page.get_by_text("The rule Desk is on."))
        await page.get_by_role("heading", name="Rule Desk").wait_for()
        await until(lambda: page.evaluate("scrollY === 0"))
        hand.step("a rule is stored")

        await set_clocks(addresses, BLOCKED_AT)
        hand.step("an account is blocked")
        await until(lambda: _has_mail(inbox))
        (mail, *_) = inbox.mails()
        assert re.search(r"@kisan_news (seen as )?withheld in India \(IN\)", mail.subject)
        assert ME in mail.recipients
        hand.step("the email is there")
        await hand.press(page.get_by_role("link", name="Blockline").first)
        await hand.read(page.get_by_text("withheld in India").first)
        hand.step("Live shows it")


async def _has_mail(inbox: Inbox) -> bool:
    return bool(inbox.mails())


@pytest.mark.again
@pytest.mark.parametrize("width", cases([390], [1280, 390]))
async def test_an_order_of_257_names_from_a_pdf_accounts_for_every_name(
    dsn: str, tmp_path: Path, width: int
) -> None:
    history = tmp_path / "history.csv"
    history.write_text(HISTORY + order_history())
    async with AsyncExitStack() as stack:
        addresses = stack.enter_context(simulated(history))
        base = await stack.enter_async_context(installation(addresses, dsn, tmp_path, None))
        browser = await stack.enter_async_context(opened(base, "/orders", width=width))
        page, hand = browser.page, Hand(browser.page, f"order, {width} px")
        await hand.press(page.get_by_role("link", name="New order").first)
        await hand.write(page.locator("#order-title"), "Farm protest, first list")
        await hand.write(page.locator("#order-reference"), "15(4)/2021-CLFS")
        await hand.press(page.locator("#order-basis"))
        await page.locator(".dash-dropdown-search").fill("69A")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        await hand.read(page.locator("#order-country").get_by_text("India (IN)"))
        await hand.write(page.locator("#order-issuer"), "MeitY")
        await hand.press(page.locator("#order-issued-date"))
        await page.keyboard.type("2021-01-31")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Escape")
        hand.step("the fields of the order are filled in")
        await hand.paste(page.locator("#order-names"), order_text())
        await hand.press(page.locator("#order-names-check"))
        summary = await hand.read(page.locator("#names-summary").get_by_text(f"{NAMED} names: "))
        hand.step("the names are pasted and checked")
        await until(lambda: _is_answered(page.locator("#names-summary").inner_text))
        summary = await page.locator("#names-summary").inner_text()
        assert _sum_of(summary.partition(": ")[2]) == NAMED, summary
        assert f"Posts among them: {POSTS}." in summary
        hand.step(f"the platforms answered: {summary.strip()}")
        await hand.press(page.locator("#order-store"))
        await page.wait_for_url(re.compile(r"/orders/[0-9]+$"))
        await hand.read(page.get_by_role("heading", name="Farm protest, first list"))
        await until(lambda: page.evaluate("scrollY === 0"))
        said = await hand.read(page.locator("#names .card-head"))
        hand.step(f"the order is stored: {' '.join(said.split())}")
    found, without, each = re.search(
        rf"{NAMED} as written in the order: ([0-9]+) found, ([0-9]+) not matched \((.+)\)", said
    ).groups()  # pyright: ignore[reportOptionalMemberAccess]
    assert int(found) + int(without) == NAMED
    assert _sum_of(each) == int(without)


async def _is_answered(read: Callable[[], Awaitable[str]]) -> bool:
    said = await read()
    return "waiting" not in said and "still to be answered" not in said


def _sum_of(counts: str) -> int:
    """Of "170 found, 13 ambiguous." the sum."""
    return sum(int(one) for one in re.findall(r"([0-9]+) [a-z]", counts.partition(".")[0]))
