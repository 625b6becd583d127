"""An export that nobody reads holds a connection to the database: there are few of them, and they end."""

import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
import pytest

from dashboard.api.exports import AT_ONCE
from dashboard.asgi.problem_json import API
from storage.postgres.pool import Pool, connect
from tests.support.clients.api import Api, api_served
from tests.support.seeds.large_database import Size, build
from tests.support.servers.dashboard import until

LARGE = Size(accounts=1_200, days=3, cohort=1_178, cohort_changes=10, other_changes=20, sweeps_of_all=3)
"""So many changes that their rows fit into no buffer on the way."""


@contextmanager
def _silent_reader(base: str) -> Generator[socket.socket]:
    """Asks for an export and takes nothing of it."""
    where = urlsplit(base)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((where.hostname, where.port))
        reader.sendall(
            f"GET {API}/export/changes HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        yield reader


@asynccontextmanager
async def _large(pool: Pool, dsn: str) -> AsyncGenerator[Api]:
    conn = await connect(dsn)
    try:
        await build(conn, LARGE)
    finally:
        await conn.close()
    async with api_served(pool, dsn, LARGE.until) as api:
        yield api


@pytest.mark.slow
async def test_one_export_too_many_is_asked_to_come_back_and_who_goes_makes_room(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with _large(pool, dsn) as api:
        busy = pool.get_size() - pool.get_idle_size()

        async def held() -> bool:
            return pool.get_size() - pool.get_idle_size() >= busy + AT_ONCE

        async def free() -> bool:
            return (await api.get("/export/lists")).status == 200

        with _silent_reader(api.base):
            with _silent_reader(api.base):
                await until(held)
                refused = await api.get("/export/lists")
                others = await api.get("/accounts", limit=1)
            await until(free)
        await until(free)

        async def back() -> bool:
            return pool.get_size() - pool.get_idle_size() <= busy  # something else may have had one

        await until(back)

    assert refused.status == 503
    assert refused.detail == f"{AT_ONCE} exports are already running. Try again when one has finished."
    assert refused.headers["retry-after"] == "5"
    assert others.status == 200


@pytest.mark.slow
async def test_an_export_that_breaks_off_is_told_from_a_whole_one(pool: Pool, dsn: str) -> None:
    async with _large(pool, dsn) as api:
        whole = await api.get("/export/changes")
        async with api.session.get(f"{api.base}{API}/export/changes", read_bufsize=4096) as response:
            await response.content.readany()
            admin = await connect(dsn)
            await admin.execute(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                """
            )
            await admin.close()
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.content.read()

    assert whole.text.endswith("}\n")
