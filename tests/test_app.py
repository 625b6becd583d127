"""An installation that runs: real clock, scheduler, sockets, database, dashboard; only X is a simulator."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from collectors.simulator.canaries import CANARIES
from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.x import serve_x
from jobs.app import Role, running
from jobs.settings import Settings
from storage.accounts import NewAccount, add_accounts
from storage.db import AlreadyHeld, Pool, transaction
from storage.model.accounts import Platform
from tests.factories import AVAILABLE, SUSPENDED

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def account(native_id: str, handle: str) -> HistoryAccount:
    states = (AVAILABLE, SUSPENDED)
    times = (LONG_AGO, LONG_AGO + timedelta(days=1))
    return HistoryAccount(Platform.X, native_id, times, states, (LONG_AGO,), (handle,))


def settings(dsn: str, x_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=dsn,  # pyright: ignore[reportArgumentType]
        data_dir=tmp_path,
        x_bearer_token="simulated",  # pyright: ignore[reportArgumentType]
        x_base_url=x_url,
        x_canaries=tuple(f"{c.native_id}:{c.handles[0]}:{c.states[0].status}" for c in CANARIES),
        auth="none",
        port=0,
    )


async def until(pool: Pool, query: str, wanted: object) -> None:
    """Wait until the query gives what is wanted; the test's own time limit is the bound."""
    while True:
        async with transaction(pool) as conn:
            if await conn.fetchval(query) == wanted:
                return
        await asyncio.sleep(0.05)


async def test_it_reads_serves_and_takes_up_accounts_that_are_added_while_it_runs(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    told = History((account("1", "first"), account("2", "second"), *CANARIES))
    async with serve_x(told, now=datetime.now(UTC)) as x:  # noqa: TID251 - a running installation has the real time
        async with transaction(pool) as conn:
            await add_accounts(conn, [NewAccount(Platform.X, "1", "first")], LONG_AGO)
        async with running(settings(dsn, x.base_url, tmp_path), dsn, list(Role)) as said:
            await until(pool, "select count(*) from pending_change", 1)
            async with transaction(pool) as conn:
                await add_accounts(conn, [NewAccount(Platform.X, "2", "second")], LONG_AGO)
            await until(pool, "select count(*) from pending_change", 2)
            address = next(s for s in said if s.startswith("Dashboard on ")).removeprefix("Dashboard on ")
            async with aiohttp.ClientSession() as session, session.get(f"{address}/healthz") as answer:
                assert answer.status == 200
        async with transaction(pool) as conn:
            assert await conn.fetchval("select count(*) from coverage where outcome <> 0") == 0
            assert await conn.fetchval("select count(*) from change where status <> 'suspended'") == 0


async def test_a_second_monitor_on_one_database_is_refused(dsn: str, tmp_path: Path) -> None:
    async with serve_x(History(CANARIES)) as x:
        wanted = settings(dsn, x.base_url, tmp_path)
        async with running(wanted, dsn, [Role.COLLECT]):
            with pytest.raises(AlreadyHeld, match="Another Blockline process"):
                async with running(wanted, dsn, [Role.COLLECT]):
                    pass
