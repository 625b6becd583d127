"""Backing up a whole database: every table as it was at one moment, streamed into one file."""

from datetime import datetime
from importlib.metadata import version
from typing import BinaryIO

from storage.backup.archive import (
    BackupError,
    BackupManifest,
    BackupProgress,
    BackupWriter,
    SavedTable,
)
from storage.backup.contents import KeptTable, kept_tables, last_numbers, neutral_session
from storage.postgres.errors import address
from storage.postgres.pool import Conn, close, connect, translated
from storage.postgres.schema import revision_of


async def back_up(
    dsn: str, file: BinaryIO, now: datetime, progress: BackupProgress, key: bytes | None = None
) -> BackupManifest:
    """Write every table of the database into `file`, whatever is written to the database meanwhile.

    With a key the backup is signed. Needs memory for one piece only. A migration waits until it is done.
    Raises BackupError when there is nothing of Blockline in the database, SchemaTooOld, SchemaTooNew,
    Unreachable or another StorageError.
    """
    conn = await connect(dsn)
    try:
        with translated(conn, address(dsn)):
            # Before the snapshot: it must not be older than the migration that is waited for.
            await conn.execute("select pg_advisory_lock_shared(hashtextextended('blockline migrate', 0))")
            async with conn.transaction(isolation="repeatable_read", readonly=True):
                return await _back_up(conn, BackupWriter(file, key), now, progress, address(dsn))
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
    kept = await kept_tables(conn)
    tables = [await _save(conn, writer, table, progress) for table in kept if table.holds_rows]
    manifest = BackupManifest(
        blockline=version("blockline"),
        revision=revision,
        postgres=await conn.fetchval("show server_version"),
        created_at=now,
        tables=tuple(tables),
        # After the rows: a number that was given out meanwhile is higher than every one that was saved.
        counters=await last_numbers(conn, kept),
    )
    writer.finish(manifest)
    return manifest


async def _save(conn: Conn, writer: BackupWriter, kept: KeptTable, progress: BackupProgress) -> SavedTable:
    table = writer.table(kept.name, kept.columns)

    async def take(part: bytes) -> None:
        table.take(part)
        progress(kept.name, table.bytes)

    progress(kept.name, 0)
    await conn.copy_from_table(kept.name, columns=kept.columns, output=take)
    return table.finish()
