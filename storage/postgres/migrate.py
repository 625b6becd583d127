"""Brings a database to the schema of this version, and says who may run on it. It loads Alembic."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as Bind
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage.postgres.errors import Refused, StorageError, address
from storage.postgres.pool import Connection, close, connect, translated
from storage.postgres.schema import MIGRATIONS, check_schema, newest, refuse_unknown, schema_of

SLOW_DISK = 50_000_000
"""Bytes per second at which a slow disk rewrites a table."""
LOCK_WAIT = timedelta(seconds=30)
"""How long a step waits for another program that uses one of its tables."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """Schema revision before (None: an empty database) and after."""

    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class PendingStep:
    """A step that would be run."""

    revision: str
    title: str
    rewritten: Mapping[str, int]
    """Bytes of each table whose stored rows it rewrites, by the table's name."""

    @property
    def takes(self) -> timedelta:
        """About how long it takes on a slow disk."""
        return timedelta(seconds=sum(self.rewritten.values()) / SLOW_DISK)


async def migrate(
    dsn: str,
    lock_wait: timedelta = LOCK_WAIT,
    revision: str | None = None,
    then: Callable[[Connection], Awaitable[None]] | None = None,
) -> Migrated:
    """Bring the database to `revision`, or the newest schema that this version knows, in one transaction.

    `then` works on the migrated database inside this transaction: when it raises, nothing was migrated.
    Processes that start at once wait for each other; a second run changes nothing. Raises
    SchemaTooOld, SchemaTooNew, Unreachable, or StorageError when a step fails (nothing of it is kept then)
    and when another program keeps a table for longer than `lock_wait`.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect(dsn), poolclass=NullPool
    )
    try:
        async with engine.begin() as conn:
            await conn.execute(text("select pg_advisory_xact_lock(hashtextextended('blockline migrate', 0))"))
            # Only after the lock above: other processes that migrate are waited for as long as they take.
            await conn.execute(
                text("select set_config('lock_timeout', :wait, true)"),
                {"wait": f"{round(lock_wait.total_seconds() * 1000)}ms"},
            )
            before = await conn.run_sync(_revision)
            refuse_unknown(before, f"The database at {address(dsn)}")
            await conn.run_sync(_upgrade, revision or newest())
            if then is not None:
                raw: Any = (await conn.get_raw_connection()).driver_connection
                await then(raw)
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        cause = (error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else None) or error
        if isinstance(cause, asyncpg.LockNotAvailableError):
            raise StorageError(
                f"Another program uses the database at {address(dsn)}; stop it and run again: "
                "blockline migrate"
            ) from error
        why = str(cause).partition("\n")[0]
        raise StorageError(
            f"The database at {address(dsn)} could not be migrated, and was left as it was: {why}."
        ) from error
    finally:
        await engine.dispose()
    return Migrated(before, revision or newest())


async def pending_steps(dsn: str) -> list[PendingStep]:
    """The steps that `migrate` would run, in their order. Raises as `schema_of`."""
    before = await schema_of(dsn)
    scripts = ScriptDirectory(str(MIGRATIONS))
    ahead = [s for s in scripts.walk_revisions() if before is None or s.revision > before]
    conn = await connect(dsn)
    try:
        with translated(conn, address(dsn)):
            return [
                PendingStep(
                    revision=script.revision,
                    title=(script.doc or "").partition("\n")[0],
                    rewritten={table: await _size(conn, table) for table in script.module.rewrites},
                )
                for script in reversed(ahead)
            ]
    finally:
        await close(conn)


async def _size(conn: Connection, table: str) -> int:
    """The bytes of a table with its partitions and indexes; 0 for one that is not there yet."""
    size = await conn.fetchval(
        """
        select coalesce(sum(pg_total_relation_size(relid)), 0)
        from pg_partition_tree(to_regclass($1))
        """,
        table,
    )
    return int(size)


async def grant_running(dsn: str, role: str) -> None:
    """Give an existing role what `blockline run` needs, and take from it what goes beyond that.

    It may read everything, and write except for what is append-only: that it may only add to. To be done
    again after each migration. Raises Refused when there is no such role, StorageError when the user of the
    DSN does not own the tables.
    """
    async with _as_owner(dsn, role) as conn, conn.transaction():
        await conn.execute("select grant_running($1)", role)
        await conn.execute("select keep_archive_from($1)", role)


async def grant_reading(dsn: str, role: str) -> None:
    """Let an existing role read the views of the schema `blockline_read`, and give it no other right.

    To be done again after each migration. Raises as `grant_running`.
    """
    async with _as_owner(dsn, role) as conn:
        await conn.execute("select grant_reading($1)", role)


@asynccontextmanager
async def _as_owner(dsn: str, role: str) -> AsyncGenerator[Connection]:
    """A connection to a current database in which this role exists. Raises Refused when it does not."""
    await check_schema(dsn)
    conn = await connect(dsn)
    try:
        with translated(conn, address(dsn)):
            if not await conn.fetchval("select exists (select from pg_roles where rolname = $1)", role):
                raise Refused(
                    f"There is no role {role!r} on the server at {address(dsn)}. Create the role first."
                )
            yield conn
    finally:
        await close(conn)


def execute_script(path: Path) -> None:
    """For a migration: run a file of several SQL statements inside the transaction of the migration.

    Alembic's own `op.execute` goes through a prepared statement, which takes one statement only.
    """
    execute_sql(path.read_text(encoding="utf-8"))


def execute_sql(script: str) -> None:
    """For a migration: as `execute_script`, of statements that a library gives."""

    async def run(raw: Connection) -> str:
        return await raw.execute(script)

    adapted: Any = op.get_bind().connection.dbapi_connection
    adapted.run_async(run)


def _revision(conn: Bind) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _upgrade(conn: Bind, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
