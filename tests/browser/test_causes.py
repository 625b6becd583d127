"""Files with causes, uploaded in a real browser."""

from pathlib import Path

import pytest
from playwright.async_api import FilePayload

from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.postgres.pool import Pool, transaction
from tests.storage.model.causes.test_platform_notices import WITHHELD, email
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

PDF = b"%PDF-1.7 \x00\xff invented"
HEADER = "platform,handle,kind,said_by,source,stated_on,speaker\n"


async def test_a_table_and_a_notice_are_uploaded_and_a_wrong_line_stores_nothing(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        handle = await conn.fetchval("select handle from account where account_id = $1", story.accounts[0][0])
    line = f"x,{handle},platform terms,press,a.html,2021-01-25,A paper\n"
    notice = email(WITHHELD.format("").replace("@ada_lovelace", f"@{handle}"))
    notice.replace_header("Date", "Mon, 25 Jan 2021 10:00:00 +0000")
    async with served(pool, dsn, story.now) as base, opened(base, "/causes", width=390) as browser:
        page = browser.page
        file = page.locator("#causes-file input")
        wrong = HEADER + line + "x,nobody_here,owner,owner,mail,2021-01-25,\n"
        await file.set_input_files(files=[csv("wrong.csv", wrong)])
        await page.get_by_text("wrong.csv, line 3: No stored account is called").wait_for()
        await page.get_by_text("No cause is recorded.").wait_for()
        await file.set_input_files(files=[csv("causes.csv", HEADER + line)])
        await page.get_by_text("Recorded from causes.csv: 1 cause.").wait_for()
        await file.set_input_files(
            files=[{"name": "n.eml", "mimeType": "message/rfc822", "buffer": notice.as_bytes()}]
        )
        await page.get_by_text("Recorded from n.eml: 1 cause.").wait_for()
        await page.locator("table", has_text=f"{handle} on X").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from cause") == 2


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


def csv(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
