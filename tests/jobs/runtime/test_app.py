"""An installation that runs: real clock, scheduler, sockets, database, dashboard; only X is a simulator."""

import asyncio
import os
import shutil
import signal
import tempfile
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.labeler import SimulatedLabeler
from collectors.bluesky.simulator.labeler_app import serve_labeler
from collectors.mastodon.declaration import MASTODON
from collectors.simulator.history import History, HistoryAccount
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.simulator import X_CANARIES
from jobs.config.database import database
from jobs.config.settings import Settings, load_settings, settings_from
from jobs.runtime.app import ProcessRole, running
from storage.accounts.accounts import NewAccount, add_accounts
from storage.postgres.pool import Pool, StorageError, open_pool, transaction
from tests.support.samples.label_signing import KEY, LABELER, POST, SUBJECT
from tests.support.samples.readings import AVAILABLE, SUSPENDED
from tests.support.simulated.several_platforms import ALICE, HEALTHY, HIDDEN, HISTORY, leading_to, simulated

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def account(native_id: str, handle: str) -> HistoryAccount:
    states = (AVAILABLE, SUSPENDED)
    times = (LONG_AGO, LONG_AGO + timedelta(days=1))
    return HistoryAccount(X, native_id, times, states, (LONG_AGO,), (handle,))


def settings(dsn: str, x_url: str, tmp_path: Path) -> Settings:
    return settings_from(
        {
            "database_url": dsn,
            "data_dir": tmp_path,
            "x_bearer_token": "simulated",
            "x_base_url": x_url,
            "x_canaries": [f"{c.native_id}:{c.handles[0]}:{c.states[0].status}" for c in X_CANARIES],
            "auth": "none",
            "port": 0,
        }
    )


async def until(pool: Pool, query: str, wanted: object) -> None:
    """Wait until the query gives what is wanted; the test's own time limit is the bound."""
    while True:
        with suppress(StorageError):
            async with transaction(pool) as conn:
                if await conn.fetchval(query) == wanted:
                    return
        await asyncio.sleep(0.05)


async def watch(pool: Pool, native_id: str) -> None:
    """Put an account on the watch, as soon as the database takes it."""
    while True:
        with suppress(StorageError):
            async with transaction(pool) as conn:
                await add_accounts(conn, [NewAccount(X, native_id, "h")], LONG_AGO)
                return
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_it_reads_serves_and_takes_up_accounts_that_are_added_while_it_runs(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    told = History((account("1", "first"), account("2", "second"), *X_CANARIES))
    async with serve_x(told, now=datetime.now(UTC)) as x:  # noqa: TID251 - a running installation has the real time
        await watch(pool, "1")
        async with running(settings(dsn, x.base_url, tmp_path), dsn, list(ProcessRole)) as said:
            await until(pool, "select count(*) from pending_change", 1)
            await watch(pool, "2")
            await until(pool, "select count(*) from pending_change", 2)
            address = next(s for s in said if s.startswith("Dashboard on ")).removeprefix("Dashboard on ")
            async with aiohttp.ClientSession() as session, session.get(f"{address}/healthz") as answer:
                assert answer.status == 200
        async with transaction(pool) as conn:
            assert await conn.fetchval("select count(*) from coverage where outcome <> 0") == 0
            assert await conn.fetchval("select count(*) from change where status <> 'suspended'") == 0


@pytest.mark.slow
async def test_a_second_process_reads_for_the_first_and_plans_when_that_ends(
    pool: Pool, dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "jobs")
    told = History((account("1", "first"), account("2", "second"), *X_CANARIES))
    async with serve_x(told, now=datetime.now(UTC)) as x:  # noqa: TID251 - as above
        wanted = settings(dsn, x.base_url, tmp_path)
        async with AsyncExitStack() as first, AsyncExitStack() as second:
            await first.enter_async_context(running(wanted, dsn, [ProcessRole.COLLECT]))
            await second.enter_async_context(running(wanted, dsn, [ProcessRole.COLLECT]))
            await until(pool, "select count(*) from worker", 2)
            await watch(pool, "1")
            await until(pool, "select count(*) from coverage_row where outcome = 0", 1)
            await first.aclose()
            await until(pool, "select count(*) from worker", 1)
            await watch(pool, "2")
            await until(pool, "select count(*) > 1 from coverage_row where outcome = 0", True)
    assert "Another process is the leader for X." in caplog.text
    assert "This process is now the leader for X" in caplog.text


@pytest.mark.slow
async def test_it_goes_on_after_its_database_server_was_killed() -> None:
    told = History((account("1", "first"), account("2", "second"), *X_CANARIES))
    folder = Path(tempfile.mkdtemp(prefix="blockline-tests-"))
    folder.chmod(0o755)  # the server's user has to enter it
    try:
        async with serve_x(told, now=datetime.now(UTC)) as x:  # noqa: TID251 - as above
            wanted = settings("", x.base_url, folder).model_copy(update={"database_url": None})
            with database(wanted) as dsn:
                async with running(wanted, dsn, [ProcessRole.COLLECT]), open_pool(dsn) as pool:
                    await watch(pool, "1")
                    await until(pool, "select count(*) from pending_change", 1)
                    server = int((folder / "postgres/pgdata/postmaster.pid").read_text().splitlines()[0])
                    os.kill(server, signal.SIGKILL)
                    await watch(pool, "2")
                    await until(pool, "select count(*) from pending_change", 2)
    finally:
        shutil.rmtree(folder)


async def test_the_start_warns_of_secrets_that_others_can_read(
    dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "blockline.toml"
    file.write_text(f"database_url = '{dsn}'", encoding="utf-8")
    warning = f"Every user of this machine can read {file}, which contains database_url."
    for mode, is_warned in ((0o600, False), (0o644, True)):
        file.chmod(mode)
        async with running(load_settings(file, {}), dsn, []):
            assert (warning in caplog.text) is is_warned


async def test_without_any_token_bluesky_and_mastodon_are_read_and_the_dashboard_is_served(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    history = tmp_path / "history.csv"
    history.write_text(HISTORY)
    with simulated(history) as addresses:
        named = leading_to(addresses)
        with_key = ("BLOCKLINE_X_", "BLOCKLINE_YOUTUBE_")
        environ = {name: value for name, value in named.items() if not name.startswith(with_key)}
        environ |= {
            "BLOCKLINE_TRUSTED_HOSTS": addresses["bluesky"].removeprefix("http://"),
            "BLOCKLINE_AUTH": "none",
            "BLOCKLINE_PORT": "0",
            "BLOCKLINE_DATABASE_URL": dsn,
            "BLOCKLINE_DATA_DIR": str(tmp_path),
        }
        wanted = load_settings(environ=environ)
        async with transaction(pool) as conn:
            new = [(BLUESKY, HEALTHY), (BLUESKY, HIDDEN), (MASTODON, ALICE)]
            await add_accounts(conn, [NewAccount(p, i, i[:20]) for p, i in new], LONG_AGO)
        async with running(wanted, dsn, list(ProcessRole)) as said:
            assert said[0].startswith("Reading Bluesky, Mastodon every")
            await until(pool, "select count(*) from spell where status = 'available'", 2)
            await until(pool, "select count(*) from pending_change", 1)
            await until(pool, "select count(*) > 0 from stream_position", wanted=True)
    async with transaction(pool) as conn:
        assert await conn.fetchval("select withheld_in from change where status = 'withheld'") == ["DE", "TR"]
        assert await conn.fetchval("select count(*) from collector_state where not healthy") == 0


async def test_labels_of_labelers_are_collected_if_the_settings_say_so(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    labeler = SimulatedLabeler(LABELER, KEY, LONG_AGO)
    labeler.put(SUBJECT, "!hide", LONG_AGO)
    labeler.put(POST, "!hide", LONG_AGO, forged=True)
    async with serve_labeler(labeler) as server:
        of_labels = {
            "database_url": dsn,
            "data_dir": tmp_path,
            "platforms": ["bluesky"],
            "bluesky_app_view": server.base_url,
            "bluesky_plc": server.base_url,
            "bluesky_jetstream": "",
            "bluesky_labelers": {"TR": LABELER},
            "auth": "none",
            "port": 0,
        }
        async with running(
            settings_from(of_labels | {"bluesky_collect_labels": True}), dsn, list(ProcessRole)
        ):
            await until(pool, "select listed_at is not null and seq = 2 from labeler", wanted=True)
            await until(pool, "select count(*) from refused_label", 1)
            await until(pool, "select string_agg(subject, ' ') from label", SUBJECT)
        async with running(settings_from(of_labels), dsn, list(ProcessRole)):
            await until(pool, "select ended_at is not null from labeler", wanted=True)
