"""The first answer to an open live page: packed, kept, and as true as one that is made for it alone."""

import json
import shutil
import subprocess
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collectors.x.declaration import X
from dashboard.live.snapshot_cache import LiveSnapshotCache
from dashboard.server.static import CACHE_FOREVER
from dashboard.wire.columnar import pack
from storage.accounts.accounts import NewAccount, add_accounts
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.changes import Story
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, served

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


async def test_accounts_that_join_are_in_the_next_answer(pool: Pool, story: Story) -> None:
    boards = LiveSnapshotCache(pool, lambda: story.now, SETTINGS)
    async with transaction(pool) as conn:
        await boards.answer(conn, "14d")
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "660", "newcomer", ("New",))], story.now)
    async with transaction(pool) as conn:
        answer = zlib.decompress(await boards.answer(conn, "14d"), 31)

    assert b'"newcomer"' in answer


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


async def test_who_cannot_unpack_gzip_gets_the_answer_plain(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        url = f"{base}/api/live"
        async with session.get(url, headers={"accept-encoding": "identity"}) as response:
            body = await response.read()
        async with session.get(f"{url}?range=century") as refused:
            assert refused.status == 422

    assert "content-encoding" not in response.headers
    assert b'"tables":' in body[: 4 + int.from_bytes(body[:4], "little")]
