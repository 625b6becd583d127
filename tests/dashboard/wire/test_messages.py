"""What the server sends is what dashboard/wire/messages.d.ts tells the browser's scripts of it."""

import json
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from dashboard.live.push import catch_up, context
from dashboard.live.snapshot_cache import live_json
from dashboard.replay.film import FilmSelection, film_json
from storage.postgres.pool import Pool, transaction
from tests.house.source import ROOT
from tests.support.seeds.changes import HOUR, Story
from tests.support.servers.dashboard import SETTINGS, served

TSC = Path(sys.prefix) / "npm/node_modules/.bin/tsc"


@pytest.mark.skipif(not TSC.exists(), reason="tsc is not installed: `make .venv/npm` brings it")
async def test_each_message_has_the_fields_and_types_that_the_scripts_read(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    now, sweep = story.now, SETTINGS.sweep_every
    async with transaction(pool) as conn:
        messages: dict[str, object] = {
            "Snapshot": await live_json(conn, "all", now, SETTINGS),
            "Delta": await catch_up(conn, 0, now - HOUR, now, sweep, 100) | await context(conn, now),
            "FilmSnapshot": await film_json(conn, FilmSelection(), now, SETTINGS),
        }
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(base) as session:
        past = f"/api/accounts/past?ids={story.accounts[0][0]}"
        for name, path in (
            ("AccountsTable", "/api/accounts"),
            ("AccountChoices", "/api/accounts/choices"),
            ("AccountsPast", past),
        ):
            async with session.get(path) as answer:
                messages[name] = await answer.json()
    script = tmp_path / "messages.ts"
    script.write_text(
        "".join(f"export const a{name}: {name} = {json.dumps(body)};\n" for name, body in messages.items())
    )

    types = ROOT / "dashboard/wire/messages.d.ts"
    done = subprocess.run(
        [TSC, "--noEmit", "--strict", "--target", "es2024", "--ignoreConfig", script, types],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout
