"""The dashboard over real sockets: its data, its push, its headers; and the pure parts of its pages."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dashboard.asgi.process import WebProcess
from dashboard.live.push import Hub
from dashboard.live.snapshot_cache import USUAL, live_json
from dashboard.wire.compact_json import Json
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.servers.dashboard import SETTINGS, served, until


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, Any, aiohttp.ClientResponse]:
    async with session.get(url) as response:
        text = (await response.read()).decode(errors="replace")  # some data is packed
        is_json = response.content_type == "application/json"
        return response.status, json.loads(text) if is_json else text, response


async def test_a_browser_that_missed_events_gets_them_all_since_its_last(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        async with transaction(pool) as conn:
            first: Any = await live_json(conn, USUAL, story.now, SETTINGS)
        async with transaction(pool) as conn:
            change_id = await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
        since = f"{base}/api/live/since?id={first['id']}&read={first['now']}"
        _, missed, _ = await get(session, since)
        _, away, _ = await get(session, f"{base}/api/live/since?id={first['id']}&read=0")

    assert missed["changes"]["id"] == [change_id]
    assert missed["spells"]["s"] == ["A", "S"]
    assert missed["since"] == first["id"] < missed["id"]
    assert away == {"beat": away["beat"], "now": away["now"], "reload": True}


async def test_a_lost_database_is_said_in_one_sentence_and_not_as_zero(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        async with transaction(pool) as conn:
            await conn.execute("alter table change rename to gone")
        status, body, _ = await get(session, f"{base}/api/live")
        ready, _, _ = await get(session, f"{base}/readyz")

    assert status == 503
    assert body["error"].endswith(".")
    assert "kpis" not in body
    assert ready == 200


async def test_news_is_pushed_again_after_the_listener_was_cut_off(
    pool: Pool, dsn: str, story: Story
) -> None:
    hub = Hub(WebProcess(pool, lambda: story.now, dsn, SETTINGS))
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(hub.run())
        with hub.subscribe() as queue:
            await until(lambda: _is(hub.process.listening))
            await queue.get()
            async with transaction(pool) as conn:
                await cut_listener(conn)
            await until(lambda: _is(not hub.process.listening))
            async with transaction(pool) as conn:
                change_id = await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
            message: Any = await next_with(queue, "changes")
            await until(lambda: _is(hub.process.listening))
        work.cancel()

    assert message["changes"]["id"] == [change_id]


async def test_a_browser_that_does_not_read_loses_the_oldest_message_and_no_memory(
    pool: Pool, dsn: str, story: Story
) -> None:
    hub = Hub(WebProcess(pool, lambda: story.now, dsn, SETTINGS))
    with hub.subscribe() as queue:
        for n in range(queue.maxsize + 5):
            hub.broadcast({"now": n})

    assert queue.qsize() == queue.maxsize
    assert queue.get_nowait()["now"] == 5


async def cut_listener(conn: Any) -> None:
    """End the connection that listens, as a restart of the database would."""
    await conn.execute(
        """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'
        """
    )


async def _is(value: bool) -> bool:
    return value


async def next_with(queue: asyncio.Queue[Json], key: str) -> Any:
    async with asyncio.timeout(200):
        while True:
            message = await queue.get()
            if key in message:
                return message


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed: the scripts' own tests need it"
)
def test_the_scripts_own_tests_pass() -> None:
    done = subprocess.run(
        [
            "node",
            "--test",
            *sorted(str(p) for p in (Path(__file__).parent.parent.parent / "js").glob("*.test.mjs")),
        ],
        cwd=Path(__file__).parent.parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout
