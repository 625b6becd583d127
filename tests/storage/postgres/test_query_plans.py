"""Queries that run often look into the indexes that were made for them, never through a whole table."""

import asyncio
import os
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
)
from urllib.parse import urlsplit, urlunsplit

import pytest

from storage.postgres.pool import Connection, connect
from tests.support.seeds.large_database import START, Size, build

SIZE = Size(accounts=20_000, days=59, cohort=392, cohort_changes=6, other_changes=3_000)
"""Two full months: a sequential scan of any of the tables would be far slower than what is expected here."""


@pytest.fixture(scope="module")
def large_dsn(postgres_dsn: str, template: str) -> Generator[str]:
    """One large database for all tests here, which only read it."""

    def run(dsn: str, work: Callable[[Connection], Awaitable[object]]) -> None:
        async def connected() -> None:
            conn = await connect(dsn)
            try:
                await work(conn)
            finally:
                await conn.close()

        asyncio.run(connected())

    name = f"blockline_test_plans_{os.getpid()}"
    dsn = urlunsplit(urlsplit(postgres_dsn)._replace(path=f"/{name}"))
    run(postgres_dsn, lambda c: c.execute(f'create database "{name}" template "{template}"'))
    try:
        run(dsn, lambda c: build(c, SIZE))
        run(dsn, _everybody_is_limited)
        yield dsn
    finally:
        run(postgres_dsn, lambda c: c.execute(f'drop database "{name}" with (force)'))


async def _everybody_is_limited(conn: Connection) -> None:
    await conn.execute(
        """
        insert into fact (account_id, kind, first_seen, recorded_at)
        select account_id, 'limited', $1, $1 from account
        """,
        START,
    )
    await conn.execute("vacuum (analyze) fact")


@pytest.fixture
async def conn(large_dsn: str) -> AsyncGenerator[Connection]:
    """A connection on which Postgres tells the plan of every statement that it runs."""
    conn = await connect(large_dsn)
    await conn.execute(
        """
        load 'auto_explain';
        set auto_explain.log_min_duration = 0;
        set auto_explain.log_nested_statements = on;
        set auto_explain.log_format = 'json';
        set auto_explain.log_level = 'notice';
        """
    )
    yield conn
    await conn.close()
