"""Files with causes, uploaded in a real browser."""

import pytest
from playwright.async_api import FilePayload

from storage.postgres.pool import Pool, transaction
from tests.storage.model.causes.test_platform_notices import WITHHELD, email
from tests.support.clients.browser import CHROMIUM, opened, skip_without
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import served

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

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


def csv(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
