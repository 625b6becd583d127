"""How a command works on the database of its installation."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from jobs.cli.command import run
from jobs.config.database import database, ready
from jobs.config.settings import Settings
from storage.postgres.pool import Conn, Pool, open_pool, transaction

T = TypeVar("T")


def with_pool(settings: Settings, work: Callable[[Pool], Awaitable[T]]) -> T:
    """Run `work` on the database of an installation, its schema being right."""

    async def opened(dsn: str) -> T:
        await ready(settings, dsn)
        async with open_pool(dsn) as pool:
            return await work(pool)

    with database(settings) as dsn:
        return run(lambda: opened(dsn))


def with_conn(settings: Settings, work: Callable[[Conn], Awaitable[T]]) -> T:
    """Run `work` in one transaction."""

    async def inside(pool: Pool) -> T:
        async with transaction(pool) as conn:
            return await work(conn)

    return with_pool(settings, inside)
