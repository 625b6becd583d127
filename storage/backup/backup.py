"""Backing up a whole database: every table as it was at one moment, streamed into one file."""

from collections.abc import Mapping
from datetime import datetime
from graphlib import TopologicalSorter
from importlib.metadata import version
from typing import BinaryIO

from storage.backup.archive import (
    BackupError,
    BackupManifest,
    BackupProgress,
    BackupWriter,
    SavedCounter,
    SavedTable,
)
from storage.postgres.errors import address
from storage.postgres.pool import Conn, close, connect, translated
from storage.postgres.schema import revision_of


async def back_up(dsn: str, file: BinaryIO, now: datetime, progress: BackupProgress) -> BackupManifest:
    """Write every table of the database into `file`, whatever is written to the database meanwhile.

    Needs memory for one piece only. A migration waits until it is done. Raises BackupError when there is
    nothing of Blockline in the database, SchemaTooOld, SchemaTooNew, Unreachable or another StorageError.
    """
    conn = await connect(dsn)
    try:
        with translated(conn, address(dsn)):
            # Before the snapshot: it must not be older than the migration that is waited for.
            await conn.execute("select pg_advisory_lock_shared(hashtextextended('blockline migrate', 0))")
            async with conn.transaction(isolation="repeatable_read", readonly=True):
                return await _back_up(conn, BackupWriter(file), now, progress, address(dsn))
    finally:
        await close(conn)


async def _back_up(
    conn: Conn, writer: BackupWriter, now: datetime, progress: BackupProgress, where: str
) -> BackupManifest:
    revision = await revision_of(conn, where)
    if revision is None:
        raise BackupError(
            f"The database at {where} contains no tables of Blockline, so there is nothing to back up."
        )
    await neutral_session(conn)
    columns = await _columns(conn)
    tables = [await _save(conn, writer, name, columns[name], progress) for name in await _order(conn)]
    manifest = BackupManifest(
        blockline=version("blockline"),
        revision=revision,
        postgres=await conn.fetchval("show server_version"),
        created_at=now,
        tables=tuple(tables),
        # After the rows: a number that was given out meanwhile is higher than every one that was saved.
        counters=await _counters(conn),
    )
    writer.finish(manifest)
    return manifest


async def neutral_session(conn: Conn) -> None:
    """See to it that values are written and read alike in every database, and as long as it takes."""
    await conn.execute(
        """
        set local datestyle = 'ISO, YMD';
        set local intervalstyle = 'postgres';
        set local bytea_output = 'hex';
        set local extra_float_digits = 1;
        set local statement_timeout = 0
        """
    )


async def _save(
    conn: Conn, writer: BackupWriter, name: str, columns: tuple[str, ...], progress: BackupProgress
) -> SavedTable:
    table = writer.table(name, columns)

    async def take(part: bytes) -> None:
        table.take(part)
        progress(name, table.bytes)

    progress(name, 0)
    await conn.copy_from_table(name, columns=columns, output=take)
    return table.finish()


async def _order(conn: Conn) -> list[str]:
    """All tables that hold rows to be kept, each after those that its rows point to."""
    needs: dict[str, set[str]] = {}
    for name, needed in await conn.fetch(
        """
        select t.relname::text, p.relname::text
        from pg_class t
        left join pg_constraint f on f.conrelid = t.oid and f.contype = 'f' and f.confrelid <> t.oid
        left join pg_class p on p.oid = f.confrelid
        where t.relnamespace = current_schema()::regnamespace and t.relkind = 'r'
            and t.relpersistence = 'p' and t.relname <> 'alembic_version'
        order by 1, 2
        """
    ):
        needs.setdefault(name, set()).update({needed} - {None})
    return in_order(needs)


def in_order(needs: Mapping[str, set[str]]) -> list[str]:
    """The names, each after those that it needs, and otherwise by the alphabet."""
    return list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())


async def _columns(conn: Conn) -> dict[str, tuple[str, ...]]:
    rows = await conn.fetch(
        """
        select t.relname::text as name, array_agg(a.attname::text order by a.attnum) as columns
        from pg_class t
        join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
            and a.attgenerated = ''
        where t.relnamespace = current_schema()::regnamespace and t.relkind = 'r'
        group by 1
        """
    )
    return {r["name"]: tuple(r["columns"]) for r in rows}


async def _counters(conn: Conn) -> tuple[SavedCounter, ...]:
    rows = await conn.fetch(
        """
        select t.relname::text as name, a.attname::text as column, pg_sequence_last_value(d.objid) as last
        from pg_depend d
        join pg_class t on t.oid = d.refobjid and t.relnamespace = current_schema()::regnamespace
            and t.relpersistence = 'p'
        join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid and a.attidentity <> ''
        where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'
        order by 1, 2
        """
    )
    return tuple(SavedCounter(r["name"], r["column"], r["last"]) for r in rows if r["last"] is not None)
