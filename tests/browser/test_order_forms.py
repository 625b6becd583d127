"""The forms of orders, causes and labels in a real browser: an order filed by keyboard, and its page."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page

from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, opened, skip_without, tab_to
from tests.support.repeats import cases
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)


pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


NAMED = 257


PER_PAGE = 40


async def pdf_text(pool: Pool) -> str:
    """The text of an invented order of 257 names: headings, page numbers, bullets, and names that are cut."""
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            "select handle from account where platform = 'x' "
            "and account_id not in (select account_id from canary) order by account_id"
        )
    stored = [r["handle"] for r in rows]
    handles = [*stored, *(f"invented_{n:03}" for n in range(NAMED - len(stored)))]
    lines = ["GOVERNMENT OF SOMEWHERE", "Annexure A: list of accounts to be blocked for the public"]
    for n, handle in enumerate(handles, 1):
        if n % 50 == 0:  # whether it goes on below cannot be known
            lines += [f"{n}. https://twitter.com/{handle[:6]}", handle[6:]]
        elif n % 10 == 0:  # it goes on below
            lines += [f"{n}. https://twitter.com/", handle]
        elif n % 7 == 0:
            lines.append(f"• https://x.com/{handle}")
        elif n % 5 == 0:
            lines.append(f"({n}) {handle}")
        else:
            lines.append(f"{n}. @{handle}")
        if n % PER_PAGE == 0:
            lines += [f"Page {n // PER_PAGE} of 7", "\fSECRET"]
    return "\n".join(lines)


async def choose(page: Page, selector: str, typed: str) -> None:
    """Choose from a list by typing."""
    await tab_to(page, selector)
    await page.keyboard.press("Enter")
    await page.locator(".dash-dropdown-search").wait_for()
    await page.keyboard.type(typed)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")


async def type_day(page: Page, selector: str, day: str) -> None:
    await tab_to(page, selector)
    await page.keyboard.type(day)
    await page.keyboard.press("Tab")


async def write(page: Page, selector: str, text: str) -> None:
    await tab_to(page, selector)
    await page.keyboard.insert_text(text)


@pytest.mark.again
@pytest.mark.parametrize("width", cases([390], [1440, 390]))
async def test_an_order_of_257_names_is_filed_by_keyboard_alone(
    pool: Pool, dsn: str, story: Story, width: int
) -> None:
    text = await pdf_text(pool)
    async with served(pool, dsn, story.now) as base, opened(base, "/orders", width=width) as browser:
        page = browser.page
        await page.get_by_role("link", name="New order").wait_for()
        await tab_to(page, "a[href='/orders/new']")
        await page.keyboard.press("Enter")
        await page.locator("#order-title").wait_for()

        await write(page, "#order-title", "Seventh list")
        await write(page, "#order-reference", "69A/7")
        await choose(page, "#order-basis", "69A")
        await page.locator("#order-country").get_by_text("India (IN)").wait_for()
        await write(page, "#order-issuer", "MeitY")
        await type_day(page, "#order-issued-date", "2021-01-24")
        await write(page, "#order-named", str(NAMED))
        await write(page, "#order-names", text)
        await tab_to(page, "#order-names-check")
        await page.keyboard.press("Enter")
        await page.locator("#names-summary").get_by_text(f"{NAMED} names").wait_for()
        assert "already watched" in await page.locator("#names-summary").inner_text()
        await tab_to(page, "#order-store")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile(r"/orders/\d+$"))
        await page.get_by_text("The order is stored.").wait_for()
        await page.get_by_role("heading", name="Seventh list").wait_for()
        names = page.locator("#names")
        await names.wait_for()
        told = await names.inner_text()
        order_id = int(page.url.rpartition("/")[2])
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            "select outcome, count(*)::int as n from order_name where order_id = $1 group by 1", order_id
        )
        order = await conn.fetchrow("select * from legal_order where order_id = $1", order_id)
    counted: dict[str, int] = {r["outcome"]: r["n"] for r in rows}
    assert order is not None
    assert sum(counted.values()) == NAMED == order["named_count"]
    assert (order["country"], order["legal_basis"]) == ("IN", "Section 69A IT Act")
    assert f"{NAMED} as written in the order: {counted['resolved']} found" in told
    assert f"{NAMED - counted['resolved']} not matched" in told
    assert counted["ambiguous"] == NAMED // 50
    assert counted["resolved"] > 10


async def test_the_forms_of_an_order_write_and_its_page_shows_who_did_what(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    document = tmp_path / "order.txt"
    document.write_text("an invented order")
    async with served(pool, dsn, story.now) as base, opened(base, "/orders/1/edit") as browser:
        page = browser.page
        await page.locator("#order-title").fill("First list, corrected")
        await page.locator("#order-save").click()
        await page.get_by_text("Saved. The history below has the earlier values.").wait_for()
        await page.get_by_text("Title: “Order 1” → “First list, corrected”").wait_for()

        await page.locator("#order-names").fill("x:stranger\n@nobody_at_all")
        await page.locator("#order-names-add").click()
        await page.get_by_text("2 names added. 2 names still to be looked up.").wait_for()
        await page.locator("#withdraw-names").click()
        await page.get_by_role("option", name="x:stranger").click()
        await page.keyboard.press("Escape")
        await page.locator("#withdraw-reason").fill("taken back")
        await page.locator("#withdraw-store").click()
        await page.locator("#names-list").get_by_text("taken back").wait_for()

        await page.get_by_text("Add one", exact=True).click()
        await type_day(page, "#event-at-date", "2021-01-25")
        await page.locator("#event-text").fill("The platform was notified.")
        await page.locator("#event-source").fill("press")
        await page.locator("#event-store").click()
        await page.locator("#event-list").get_by_text("The platform was notified.").wait_for()

        await page.locator("#document-file input[type=file]").set_input_files(document)
        await page.get_by_text("Chosen: order.txt (17 bytes)").wait_for()
        await page.locator("#document-store").click()
        await page.get_by_text("Source is empty.").wait_for()
        await page.locator("#document-source").fill("press")
        await page.locator("#document-store").click()
        link = page.locator("#document-list a")
        await link.wait_for()
        digest = sha256(document.read_bytes()).hexdigest()
        assert await link.get_attribute("href") == f"/api/v1/orders/1/documents/{digest}"

        await page.locator("#order-keywords").fill("#Farmers protest")
        await page.locator("#keywords-store").click()
        await page.get_by_text("The keywords are stored.").wait_for()
        assert await page.locator("#order-keywords").input_value() == "farmers protest"

        await page.goto(f"{base}/orders/1")
        await page.locator("#names").get_by_text("taken back").wait_for()
        history = await page.locator(".card", has=page.get_by_role("heading", name="History")).inner_text()
    for said in (
        "Names withdrawn: x:stranger",
        "Document attached: order.txt",
        "Keywords: none → farmers, protest",
    ):
        assert said in history


skip_without(CHROMIUM)


PDF = b"%PDF-1.7 \x00\xff invented"


async def test_a_cause_is_recorded_with_its_document_and_the_page_leads_to_it(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    one = story.accounts[0][0]
    # Playwright passes on where a file is, but bytes as text, which takes long for so many.
    large = tmp_path / "large.pdf"
    large.write_bytes(b" " * (LARGEST_DOCUMENT + 1))
    async with served(pool, dsn, story.now) as base, opened(base, f"/account/{one}", width=390) as browser:
        page = browser.page
        await page.get_by_text("Record a cause").click()
        form = page.locator("form[action*='/causes/record']")
        await form.get_by_label("Document: an address or a name").fill("order.pdf")
        await form.get_by_label("Date").fill("2021-01-25")
        file = form.get_by_label("File of the document")
        button = form.get_by_role("button", name="Record cause")
        await file.set_input_files(files=[pdf("empty.pdf", b"")])
        await button.click()
        await form.get_by_text("File of the document is an empty file.").wait_for()
        await file.set_input_files(large)
        await button.click()
        await form.get_by_text("large.pdf is larger than 20 MB.").wait_for()
        assert browser.errors.pop().endswith("status of 422 (Unprocessable Entity)")
        assert await form.get_by_label("Date").input_value() == "2021-01-25"
        await file.set_input_files(files=[pdf("order.pdf", PDF)])
        await button.click()
        link = page.locator("#causes").get_by_role("link", name="order.pdf")
        await link.wait_for()
        assert await file.input_value() == ""
        async with page.expect_download() as download:
            await link.click()
        saved = await (await download.value).path()
        assert saved.read_bytes() == PDF
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def pdf(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": content}


skip_without(CHROMIUM)
