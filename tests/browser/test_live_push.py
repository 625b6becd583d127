"""News reaches open pages whatever comes between: lost messages, restarts, sleep, blocked websockets."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from dashboard.asgi.process import WebProcess
from dashboard.live.feature import ASK_EVERY
from dashboard.live.push import QUEUE, Hub
from dashboard.wire.compact_json import Json
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, Browser, opened
from tests.support.clients.push import Following, following
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.servers.dashboard import SETTINGS, served, until
from tests.support.servers.ports import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

in_a_browser = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("TEST_REQUIRE_BROWSER") != "1",
    reason=f"needs a Chromium at {CHROMIUM}; TEST_CHROMIUM names another",
)


@asynccontextmanager
async def running(pool: Pool, dsn: str, story: Story) -> AsyncGenerator[Hub]:
    hub = Hub(WebProcess(pool, lambda: story.now, dsn, SETTINGS))
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(hub.run())
        await until(lambda: _is(hub.process.listening))
        yield hub
        work.cancel()


async def _is(value: object) -> bool:
    return bool(value)


async def blocked(pool: Pool, story: Story, n: int = -2) -> int:
    async with transaction(pool) as conn:
        return await happen(conn, story, story.accounts[1][n], SUSPENDED, story.now - HOUR)


async def test_changes_one_after_another_are_told_once_each_in_messages_that_join(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with running(pool, dsn, story) as hub:
        with hub.subscribe() as queue:
            await _heartbeat(queue)
            ids = [await blocked(pool, story, n) for n in range(-8, -1)]
            told: list[int] = []
            upto = None
            while len(told) < len(ids):
                message: Any = await queue.get()
                if "changes" in message:
                    assert upto in {None, message["since"]}, "a message does not begin where the last ended"
                    upto = message["id"]
                    told += message["changes"]["id"]
            assert told == ids


async def test_every_heartbeat_says_the_last_event_so_that_a_lost_message_is_noticed(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with running(pool, dsn, story) as hub:
        with hub.subscribe() as queue:
            await _heartbeat(queue)
            await blocked(pool, story)
            while "changes" not in (news := await queue.get()):
                pass
            assert (await _heartbeat(queue))["since"] == news["id"]


async def _heartbeat(queue: asyncio.Queue[Json]) -> Any:
    while "reads" not in (message := await queue.get()) or "since" not in message:
        pass
    return message


async def test_news_that_cannot_be_read_is_said_and_told_once_it_can(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with running(pool, dsn, story) as hub:
        with hub.subscribe() as queue:
            await _heartbeat(queue)
            async with transaction(pool) as conn:
                await conn.execute("alter table spell rename to gone")
            async with transaction(pool) as conn:
                await conn.execute("select announce('change', 1)")
            while "lost" not in (message := await queue.get()):
                pass
            assert str(message["lost"]).endswith(".")
            async with transaction(pool) as conn:
                await conn.execute("alter table gone rename to spell")
            while "changes" not in await queue.get():
                pass


async def test_a_page_that_was_given_up_on_an_open_websocket_may_have_it_opened_anew(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with (
        served(pool, dsn, story.now) as base,
        aiohttp.ClientSession() as session,
        following(session, base) as page,
    ):
        await page.next_with("beat")
        async with session.get(f"{base}/_dash-dependencies") as answer:
            (wake,) = [
                c for c in await answer.json() if c["inputs"] == [{"id": "live-wake", "property": "data"}]
            ]
        asked = {"id": "live-wake", "property": "data", "value": 1}
        request: dict[str, Any] = {"output": wake["output"], "outputs": [], "inputs": [asked], "state": []}
        request["changedPropIds"] = []
        message: dict[str, Any] = {"type": "callback_request", "rendererId": "r1", "payload": request}
        while not page.socket.closed:
            await page.socket.send_json(message | {"requestId": "2"})
            while not page.socket.closed:
                frame = await page.socket.receive()
                if frame.type == aiohttp.WSMsgType.TEXT and '"callback_response"' in frame.data:
                    break
            await asyncio.sleep(0.1)  # a page asks once in five minutes
        assert page.socket.close_code == 4000


async def test_a_page_that_answers_no_question_is_sent_no_more_until_it_does(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with (
        served(pool, dsn, story.now) as base,
        aiohttp.ClientSession() as session,
        following(session, base) as awake,
        following(session, base) as asleep,
    ):
        sent = 0
        while not (question := [m for m in await _frame(asleep) if m["type"] == "get_props_request"]):
            sent += 1
            async with transaction(pool) as conn:
                await conn.execute("select announce('mail', 0)")
        assert sent <= ASK_EVERY
        for _ in range(3):
            await awake.next_with("reads")
        with pytest.raises(TimeoutError):
            await asleep.socket.receive(timeout=0.1)
        answer = {"type": "get_props_response", "rendererId": "r1", "payload": {"data": 1}}
        await asleep.socket.send_json(answer | {"requestId": question[0]["requestId"]})
        assert (await _frame(asleep))[0]["type"] == "set_props"


async def _frame(page: Following) -> list[Any]:
    said: Any = await page.socket.receive_json()
    return said if isinstance(said, list) else [said]  # pyright: ignore[reportUnknownVariableType]


@in_a_browser
async def test_a_page_goes_on_when_the_web_process_was_started_anew(
    pool: Pool, dsn: str, story: Story
) -> None:
    port = free_port()
    async with served(pool, dsn, story.now, port=port) as base:
        browsing = opened(base)
        browser = await browsing.__aenter__()
        await browser.pushed()
    try:
        missed = await blocked(pool, story)
        await browser.page.locator("#pill:not([data-state=live])").wait_for()
        async with served(pool, dsn, story.now, port=port):
            await browser.becomes(f"window.__blockline.state.changes.has({missed})")
            await _pushed_again(browser)
            asked = await browser.page.evaluate("window.__blockline.resyncs")
            pushed = await blocked(pool, story, -3)
            await browser.becomes(f"window.__blockline.state.changes.has({pushed})")
            assert await browser.page.evaluate("window.__blockline.resyncs") == asked
            await browser.page.locator("#pill[data-state=live]").wait_for()
    finally:
        browser.errors.clear()  # that nobody answered, which Chromium logs as an error
        await browsing.__aexit__(None, None, None)


async def _pushed_again(browser: Browser) -> None:
    """What comes by the websocket comes every second: two heartbeats within less than it is asked for."""
    before = await browser.state("s.rev")
    await browser.becomes(f"window.__blockline.state.rev >= {before} + 2")


@in_a_browser
async def test_a_tab_that_slept_catches_up_when_it_wakes(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base) as browser:
        await browser.pushed()
        devtools: Any = await browser.page.context.new_cdp_session(browser.page)
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        ids = [await blocked(pool, story, n) for n in range(-6, -1)]
        async with transaction(pool) as conn:  # more than is kept for one page
            await conn.execute("select announce('mail', 0) from generate_series(1, $1::int)", QUEUE)
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        for change_id in ids:
            await browser.becomes(f"window.__blockline.state.changes.has({change_id})")


@in_a_browser
async def test_where_websockets_are_refused_the_page_asks_and_says_how_late_it_is(
    pool: Pool, dsn: str, story: Story
) -> None:
    def without_websockets(app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "websocket":
                await app(scope, receive, send)
                return
            await receive()
            await send({"type": "websocket.close", "code": 1008})

        return answer

    async with (
        served(pool, dsn, story.now, behind=without_websockets) as base,
        opened(base) as browser,
    ):
        await browser.painted()
        change_id = await blocked(pool, story)
        await browser.page.locator("#pill[data-state=delayed]").wait_for()
        assert (await browser.page.locator("#pill-age").inner_text()).endswith(" s")
        await browser.page.locator(f"#feed [data-change='{change_id}']").wait_for()
        assert await browser.page.evaluate("window.__blockline.resyncs >= 1")
        browser.errors.clear()  # that the websocket was refused
