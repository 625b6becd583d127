"""Which database an installation uses: the one that is configured, or its own embedded Postgres."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.config.demonstration import CLOCK_VARIABLE, has_clock
from jobs.config.settings import Settings
from storage.embedded.launcher import embedded_postgres
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.postgres.recording_order import as_known
from storage.postgres.replica import with_replica
from storage.postgres.schema import check_schema, newest, schema_of

T = TypeVar("T")

LOCK_S = 5
"""How long commands that report the status of an installation wait for a lock."""


@contextmanager
def database(settings: Settings) -> Generator[str]:
    """Yield the DSN of the database; its server runs until the block ends. Raises StorageError."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    else:
        with embedded_postgres(settings.data_dir / "postgres") as dsn:
            yield dsn


def read_dsn(settings: Settings) -> str | None:
    """The DSN of the replica; None without one."""
    return None if settings.database_read_url is None else settings.database_read_url.get_secret_value()


async def ready(settings: Settings, dsn: str) -> None:
    """Make sure that the schema is current. An embedded database is migrated, a configured one checked.

    Raises CommandError if it is not the demonstration whose clock the environment names.
    """
    if settings.database_url is not None:
        await check_schema(dsn)
    elif await schema_of(dsn) != newest():
        from storage.postgres.migrate import migrate  # Alembic: large, and needed once a version

        await migrate(dsn)
    await refuse_unmarked(dsn)


async def refuse_unmarked(dsn: str) -> None:
    """Raise CommandError if the environment names the clock of a demonstration, and the database is none."""
    if not has_clock():
        return
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        if not await is_synthetic(conn):
            raise CommandError(
                f"{CLOCK_VARIABLE} is set, but the database is not that of a demonstration. Unset it, or set "
                "database_url as `blockline demo` prints it."
            )


def with_pool(settings: Settings, work: Callable[[Pool], Awaitable[T]]) -> T:
    """Run `work` on the database of an installation, once its schema is current."""

    async def opened(dsn: str) -> T:
        await ready(settings, dsn)
        async with open_pool(dsn) as pool, with_replica(pool, read_dsn(settings)):
            return await work(pool)

    with database(settings) as dsn:
        return run(lambda: opened(dsn))


def with_conn(
    settings: Settings, work: Callable[[Conn], Awaitable[T]], as_known_at: datetime | None = None
) -> T:
    """Run `work` in one transaction, once everything recorded by `as_known_at` is in; None means now."""

    async def inside(pool: Pool) -> T:
        async with as_known(pool, as_known_at) as conn:
            return await work(conn)

    return with_pool(settings, inside)


async def revive(settings: Settings) -> None:
    """Start the embedded server again if it was killed. A configured server is left alone."""
    if settings.database_url is None:
        await asyncio.to_thread(_enter_and_leave, settings)


def _enter_and_leave(settings: Settings) -> None:
    with database(settings):
        """Entering starts the server. Leaving does not stop it, because this process still uses it."""
