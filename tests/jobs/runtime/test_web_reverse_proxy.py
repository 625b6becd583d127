"""Two web processes behind the reverse proxy of the docs, and whose word on addresses counts."""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jobs.base.clock import system_clock
from jobs.runtime.web import served_as
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.clients.api import following
from tests.support.clients.browser import CHROMIUM, opened
from tests.support.seeds.changes import HOUR, SUSPENDED, WITHHELD, Story, happen
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import listening
from tests.support.servers.reverse_proxy import HOST, PROXIES, proxied, web_process

pytestmark = pytest.mark.slow


@pytest.fixture
async def story(pool: Pool) -> Story:
    async with transaction(pool) as conn:
        return await seed(conn, system_clock())


async def test_a_change_reaches_the_browsers_of_every_web_process(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    with web_process(dsn, {}, tmp_path) as here, web_process(dsn, {}, tmp_path) as there:
        async with (
            aiohttp.ClientSession() as session,
            following(session, here) as one,
            following(session, there) as other,
        ):
            for browser in (one, other):
                await browser.next_with("beat")
            async with transaction(pool) as conn:
                change_id = await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
            for browser in (one, other):
                assert (await browser.next_with("changes"))["changes"]["id"] == [change_id]


@pytest.fixture(scope="module", params=PROXIES)
def behind_proxy(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[tuple[str, str]]:
    """A database, and the address of its dashboard."""
    folder = tmp_path_factory.mktemp(request.param)
    with fresh_database() as dsn, proxied(request.param, dsn, folder) as address:
        yield dsn, address


@pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("TEST_REQUIRE_BROWSER") != "1",
    reason=f"needs a Chromium at {CHROMIUM}; TEST_CHROMIUM names another",
)
async def test_the_page_and_its_push_come_through_the_proxy_of_the_docs(
    behind_proxy: tuple[str, str],
) -> None:
    dsn, address = behind_proxy
    arguments = ["--ignore-certificate-errors", f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
    async with open_pool(dsn) as pool:
        async with transaction(pool) as conn:
            story = await seed(conn, system_clock())
        async with opened(address, arguments=arguments) as browser:
            await browser.pushed()
            async with transaction(pool) as conn:
                change_id = await happen(conn, story, story.accounts[1][-2], WITHHELD, story.now - HOUR)
            await browser.page.locator(f"#feed [data-change='{change_id}']").wait_for()
            assert await browser.page.evaluate("window.__blockline.resyncs ?? 0") == 0
            for path in ("/alerts", "/orders", "/health"):  # callbacks go to either process
                await browser.page.locator(f"nav a[href='{path}']").first.click()
                await browser.page.locator("#page h1").first.wait_for()


async def whose(scope: Any, receive: Any, send: Any) -> None:
    """An app that says where it thinks that the reader is, and how he came."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = f"{scope['client'][0]} {scope['scheme']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("trusted", "said"),
    [
        pytest.param([], "127.0.0.1 http", id="without a trusted proxy anybody could say it"),
        pytest.param(["127.0.0.1"], "203.0.113.9 https", id="a proxy that is trusted"),
        pytest.param(["127.0.0.0/8", "::1"], "203.0.113.9 https", id="a network that is"),
        pytest.param(["10.0.0.0/8"], "127.0.0.1 http", id="somebody else than the proxy"),
    ],
)
async def test_where_a_reader_is_only_a_trusted_proxy_may_say(trusted: list[str], said: str) -> None:
    forged = "198.51.100.1, 203.0.113.9"
    headers = {"X-Forwarded-For": forged, "X-Forwarded-Proto": "https"}
    async with (
        listening(served_as(whose, trusted)) as base,
        aiohttp.ClientSession() as session,
        session.get(base, headers=headers) as answer,
    ):
        assert await answer.text() == said
