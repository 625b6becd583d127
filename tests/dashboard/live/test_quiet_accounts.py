"""The page counts groups of quiet accounts as it would count each account."""

import json
import shutil
import subprocess
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard.live.push import catch_up
from dashboard.live.snapshot_cache import LiveSnapshotCache
from dashboard.wire.compact_json import ms
from storage.postgres.pool import Pool, transaction
from tests.house.source import ROOT
from tests.support.seeds.changes import (
    HOUR,
    SUSPENDED,
    Story,
    happen,
)
from tests.support.servers.dashboard import SETTINGS

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="the browser's side needs node")

GROUPED = replace(SETTINGS, most_accounts=0)
ASSETS = ROOT / "dashboard/assets"


def parsed(answer: bytes) -> Any:
    """The first answer with what came after it, as a script of the page unpacks them."""
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ unpack }} from "{ASSETS.as_uri()}/shell/columnar.mjs";
        const bytes = readFileSync(0);
        const {{ buffer, byteOffset: at, byteLength }} = bytes;
        const {{ snapshot, news }} = unpack(buffer.slice(at, at + byteLength));
        const plain = (key, value) => (ArrayBuffer.isView(value) ? [...value] : value);
        console.log(JSON.stringify({{ ...snapshot, news }}, plain));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        input=zlib.decompress(answer, 31),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


async def test_a_page_that_fell_behind_gets_the_accounts_that_changed(pool: Pool, story: Story) -> None:
    quiet = story.accounts[1][-2]
    async with transaction(pool) as conn:
        latest = await conn.fetchval("select max(live_event_id) from live_event")
        await happen(conn, story, quiet, SUSPENDED, story.now - HOUR)
        read_to, sweep = story.now - HOUR / 60, story.sweep
        grouped: Any = await catch_up(conn, latest, read_to, story.now, sweep, 0)
        usual: Any = await catch_up(conn, latest, read_to, story.now, sweep, 1000)
        away = await catch_up(conn, latest, story.now - HOUR, story.now, sweep, 0)

    assert grouped["accounts"]["id"] == [quiet]
    assert "accounts" not in usual
    assert away["reload"], "what was read in an hour is too much to send"


async def test_an_answer_with_groups_that_is_too_old_is_made_again(pool: Pool, story: Story) -> None:
    """It would look as if nobody had been read since."""
    now = story.now
    boards = LiveSnapshotCache(pool, lambda: now, GROUPED)
    async with transaction(pool) as conn:
        first = parsed(await boards.answer(conn, "14d"))
        now += GROUPED.gap_after / 4
        kept = parsed(await boards.answer(conn, "14d"))
        now += timedelta(seconds=1)
        later = parsed(await boards.answer(conn, "14d"))

    assert kept["now"] == first["now"]
    assert later["now"] == ms(now)
