"""Moving an archived month back into the database."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import date, datetime

from storage.postgres.audit_log import log
from storage.postgres.errors import StorageError, address
from storage.postgres.locks import exclusive
from storage.postgres.pool import Conn, Refused, close, connect, translated
from storage.readings.archive_files import StoredRow, stored_rows
from storage.tier.archiving import LOCK, READ_BACK, ArchiveStep, Progress, open_table
from storage.tier.months import ArchivedMonth, archived_months, files_of, refuse_others
from storage.tier.row_hash import RowHash


async def restore_archived(dsn: str, month: date, now: datetime, actor: str) -> ArchivedMonth:
    """`restore_month` under its lock. Raises AlreadyHeld if another process archives."""
    async with exclusive(dsn, LOCK, 10.0):
        return await restore_month(dsn, month, now, actor)


async def restore_month(
    dsn: str, month: date, now: datetime, actor: str, progress: Progress = lambda _step, _rows: None
) -> ArchivedMonth:
    """Move an archived month back into the database, and record it in the audit log. Return what it was.

    Its files leave the Iceberg table, and are deleted when the month is archived again. Raises Refused if it
    is not archived or the role does not own the tables, and StorageError if its files do not have exactly the
    rows that were archived. The database stays as it was then. Call it under the lock `LOCK`.
    """
    conn = await connect(dsn, to_write=True)
    try:
        with translated(conn, address(dsn)):
            async with conn.transaction():
                await refuse_others(conn)
                known = {m.month: m for m in await archived_months(conn)}
                archived = known.get(month)
                if archived is None:
                    raise Refused(f"The month {month:%Y-%m} is not archived.")
                await _read_back(conn, archived, progress)
                await conn.execute("delete from archived_month where month = $1", month)
                detail = {"rows": archived.rows, "rows_sha256": archived.rows_sha256.hex()}
                await log(conn, now, actor, "month restored", f"{month:%Y-%m}", detail)
                progress(ArchiveStep.RECORDED, archived.rows)
            progress(ArchiveStep.COMMITTED, archived.rows)
            newest = max(known.values(), key=lambda m: m.archived_at)
            table = await open_table(conn, dsn, newest.metadata, newest.metadata)
            try:
                await asyncio.to_thread(table.remove, month)
            finally:
                await asyncio.to_thread(table.close)
            return archived
    finally:
        await close(conn)


async def _read_back(conn: Conn, archived: ArchivedMonth, progress: Progress) -> None:
    """Add the rows of the files to those that the database has of the month."""
    read, name = RowHash(), f"{archived.month:%Y-%m}"
    files = await files_of(conn, archived.month)
    await conn.execute(
        """
        create temporary table restored_row (
            slot bigint, observed_at bigint, recorded_at bigint, roster_id int, latency_ms int,
            attempt smallint, outcome smallint, missed_reason text, answered bytea, missed text, silent text[]
        ) on commit drop
        """
    )
    async with aclosing(stored_rows(files, READ_BACK, {}, name)) as chunks:
        async for chunk in chunks:
            read.add(chunk)
            await _add(conn, chunk)
            progress(ArchiveStep.WRITTEN, read.rows)
    if (read.rows, read.digest()) != (archived.rows, archived.rows_sha256):
        raise StorageError(
            f"The files of the archived month {name} do not have the rows that were archived: {read.rows} of "
            f"{archived.rows} rows were read, or some differ. Nothing was changed. Restore the files from a "
            "copy, and run the command again."
        )
    progress(ArchiveStep.VERIFIED, read.rows)


async def _add(conn: Conn, chunk: Sequence[StoredRow]) -> None:
    await conn.copy_records_to_table("restored_row", records=chunk, schema_name="pg_temp")
    await conn.execute(
        """
        insert into coverage_row
            (slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked)
        select 'epoch'::timestamptz + slot * interval '1 microsecond',
            'epoch'::timestamptz + observed_at * interval '1 microsecond',
            'epoch'::timestamptz + recorded_at * interval '1 microsecond',
            roster_id, latency_ms, attempt, outcome,
            shortfall(missed_reason, answered, missed::jsonb, silent)
        from pg_temp.restored_row
        on conflict (slot, roster_id, attempt) do nothing
        """
    )
    await conn.execute("truncate pg_temp.restored_row")
