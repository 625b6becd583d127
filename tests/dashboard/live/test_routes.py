"""The live page beneath its picture: whether it is ready, what it answers, and what it pushes."""

import asyncio
import json
import shutil
import subprocess
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collectors.x.declaration import X
from dashboard.asgi.process import WebProcess
from dashboard.live.push import COUNT_EVERY, Hub
from dashboard.live.snapshot_cache import LiveSnapshotCache
from dashboard.server.static import CACHE_FOREVER
from dashboard.wire.columnar import pack
from storage.health.collector_state import CollectorState, save_state
from storage.postgres.pool import Pool, close, connect, transaction
from tests.dashboard.countries.test_country_page import import_crawl
from tests.dashboard.server.test_app import next_with
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, served, until

END_SESSIONS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""


async def ready(base: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(f"{base}/readyz") as answer:
        return answer.status, await answer.json()


async def test_readyz_says_why_the_dashboard_is_not_ready(
    pool: Pool, dsn: str, postgres_dsn: str, now: datetime
) -> None:
    async with served(pool, dsn, now) as base:

        async def is_ready() -> bool:
            return (await ready(base))[0] == 200

        await until(is_ready)
        assert await ready(base) == (200, {"ok": True, "problem": None})

        async with transaction(pool) as conn:
            name = await conn.fetchval("select quote_ident(current_database())")
            await conn.execute(f"alter database {name} set default_transaction_read_only = on")
            await conn.execute(END_SESSIONS)
        await pool.expire_connections()
        status, said = await ready(base)
        assert (status, said["ok"]) == (503, False)
        assert "takes no writes" in str(said["problem"])

        elsewhere = await connect(postgres_dsn)
        await elsewhere.execute(f"alter database {name} with allow_connections false")
        await elsewhere.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
        )
        status, said = await ready(base)
        assert (status, said["ok"]) == (503, False)
        assert "does not answer" in str(said["problem"])
        assert "socket" not in str(said), "who asks need not have logged in"
        await elsewhere.execute(f"alter database {name} with allow_connections true")
        await close(elsewhere)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def listening(pool: Pool, dsn: str, clock: Clock) -> AsyncGenerator[asyncio.Queue[Any]]:
    """A browser's queue, after its first message."""
    hub = Hub(WebProcess(pool, clock, dsn, SETTINGS))
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(hub.run())
        with hub.subscribe() as queue:
            await queue.get()
            yield queue
        work.cancel()


async def test_an_import_makes_pages_load_once_and_not_change_by_change(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with listening(pool, dsn, Clock(story.now)) as queue:
        async with transaction(pool) as conn:
            await import_crawl(conn, story.now)
        assert "changes" not in await next_with(queue, "reload")


@pytest.mark.slow
async def test_how_the_detectors_stand_is_pushed_when_one_stops_and_not_with_each_change(
    pool: Pool, dsn: str, story: Story
) -> None:
    clock = Clock(story.now)
    async with listening(pool, dsn, clock) as queue:
        async with transaction(pool) as conn:
            await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
        changed = await next_with(queue, "changes")
        counted = await next_with(queue, "kpis")
        async with transaction(pool) as conn:
            await save_state(conn, CollectorState(X, False, "auth", "", story.now, None))
        stopped = await next_with(queue, "detectors")
        clock.now += COUNT_EVERY
        silent = await next_with(queue, "kpis")

    assert "detectors" not in changed
    assert "changes" not in counted
    assert stopped["detectors"]["worst"][0]["state"] == "stopped"
    assert silent["detectors"] == stopped["detectors"]


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="the browser's side needs node")
ASSETS = Path(__file__).parent.parent.parent.parent / "dashboard" / "assets"


def _unpacked(data: bytes, then: str) -> Any:
    """What a script makes of it that has {snapshot, news}, unpack, decode and apply at hand."""
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ unpack }} from "{ASSETS.as_uri()}/shell/columnar.mjs";
        import {{ apply, decode }} from "{ASSETS.as_uri()}/board/state.mjs";
        const bytes = readFileSync(0);
        const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
        const {{ snapshot, news }} = unpack(buffer);
        const plain = (key, value) => (ArrayBuffer.isView(value) ? [...value] : value);
        console.log(JSON.stringify({then}, plain));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], input=data, capture_output=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0, 254], id="the largest number of one byte is left for what is missing"),
        pytest.param([0, 255, 7], id="so 255 needs two"),
        pytest.param([None, 65_534, 0], id="some missing"),
        pytest.param([1_612_137_600_000, 1_612_137_660_000, None], id="times of some days"),
        pytest.param([0, 1_612_137_600_000, None], id="times further apart than four bytes tell"),
        pytest.param([-5, 3], id="below zero"),
        pytest.param([None, None], id="all missing"),
        pytest.param([], id="an empty column"),
        pytest.param(["a", None, "a"], id="words"),
        pytest.param([[1, 2], [], [1, 2]], id="lists of numbers"),
    ],
)
def test_a_column_comes_out_as_it_went_in(values: list[object]) -> None:
    body = {"accounts": {"some": values, "more": values}, "spells": {}, "changes": {}, "signals": {}}

    assert _unpacked(pack(body), "snapshot") == body


async def test_an_answer_that_was_made_before_there_was_a_roster_is_made_anew(
    pool: Pool, now: datetime
) -> None:
    """Its readings would be lost on the page, and look like silence."""
    boards = LiveSnapshotCache(pool, lambda: now, SETTINGS)
    async with transaction(pool) as conn:
        await boards.answer(conn, "14d")
        await seed(conn, now)
        answer = zlib.decompress(await boards.answer(conn, "14d"), 31)

    assert b'"rosters":{"1":[' in answer


async def test_scripts_are_kept_by_the_browser_under_the_address_of_their_version_only(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        async with session.get(base) as page:
            script = (await page.text()).split('script src="')[1].split('"')[0]
        async with session.get(base + script) as kept:
            assert kept.status == 200
            assert kept.headers["cache-control"] == CACHE_FOREVER
        for gone in (script.replace("boot.js", "gone.js"), "/static/0123456789abcdef/boot.js"):
            async with session.get(base + gone) as missing:
                assert missing.status == 404
                assert missing.headers["cache-control"] == "no-store"
