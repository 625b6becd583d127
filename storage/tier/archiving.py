"""Moving one month of coverage into the archive.

The steps are in the order in which a crash at any point loses and doubles nothing: until the last commit, the
database has every row and knows nothing of the files; a second run replaces what the first one wrote.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import asyncpg

from storage.postgres.audit_log import log
from storage.postgres.errors import StorageError, address
from storage.postgres.locks import exclusive
from storage.postgres.pool import Conn, Refused, close, connect, translated
from storage.readings.archive_files import COLUMNS, StoredRow, stored_rows
from storage.tier.months import ArchivedMonth, archived_months, closed, refuse_others, stored_months
from storage.tier.row_hash import RowHash

if TYPE_CHECKING:
    from storage.tier.iceberg import ArchiveTable, WrittenFile

LOCK: Final = "Archiving months"
_CHUNK: Final = 50_000
_FILE: Final = 2_000_000
"""Rows of one file. They are in memory while it is written."""
READ_BACK: Final = f"""
    select {COLUMNS} from read_parquet($files) order by roster_id, observed_at, slot, attempt
"""  # noqa: S608 - the names of columns are constants
_OTHERS_S: Final = 10.0
_LOCK_WAIT: Final = "30s"
_UNCOMPACTED: Final = 1_000_000
_ROW_BYTES: Final = 400
"""More than a kept row takes."""


class ArchiveStep(StrEnum):
    """What was just done."""

    WRITTEN = "rows written to files"
    REGISTERED = "files registered in the Iceberg table"
    VERIFIED = "rows read back and compared"
    RECORDED = "month recorded as archived"
    REMOVED = "rows removed from the database"
    COMMITTED = "archived"


Progress = Callable[[ArchiveStep, int], None]
"""Called after each step, with the number of rows so far."""


@dataclass(frozen=True, slots=True)
class _Verified:
    rows: int
    rows_sha256: bytes
    files: Sequence["WrittenFile"]
    hashes: Sequence[bytes]


async def due_months(dsn: str, now: datetime, after_months: int) -> list[date]:
    """The months that are old enough to be archived, and are not, oldest first."""
    conn = await connect(dsn)
    try:
        with translated(conn, address(dsn)):
            return closed(await stored_months(conn), now, after_months)
    finally:
        await close(conn)


async def archive_closed(
    dsn: str, url: str, now: datetime, after_months: int, actor: str
) -> list[ArchivedMonth]:
    """Archive the months that are old enough, oldest first, and return them. The run is recorded for Health,
    also when it fails. Raises as `archive_month`, and AlreadyHeld if another process archives.
    """
    done: list[ArchivedMonth] = []
    async with exclusive(dsn, LOCK, _OTHERS_S):
        try:
            for month in await due_months(dsn, now, after_months):
                archived = await archive_month(dsn, url, month, now, actor)
                done.append(archived)
        except StorageError as error:
            with suppress(StorageError):  # What failed first is raised.
                await _record_run(dsn, now, len(done), str(error))
            raise
        await _record_run(dsn, now, len(done), None)
    return done


async def _record_run(dsn: str, now: datetime, months: int, failure: str | None) -> None:
    conn = await connect(dsn, to_write=True)
    try:
        with translated(conn, address(dsn)):
            await conn.execute(
                "insert into archive_run (at, months, failure) values ($1, $2, $3)", now, months, failure
            )
    finally:
        await close(conn)


async def archive_month(
    dsn: str, url: str, month: date, now: datetime, actor: str, progress: Progress = lambda _step, _rows: None
) -> ArchivedMonth:
    """Move the coverage of a month into the archive at `url`, and record it in the audit log. Return it.

    Writers of that month wait meanwhile; readers do not. Raises Refused if the month is archived already, has
    no rows, or the role does not own the tables; StorageError if the files do not have exactly the rows of
    the database, or cannot be written. Nothing is removed then. Call it under the lock `LOCK`.
    """
    conn = await connect(dsn, {"lock_timeout": _LOCK_WAIT}, to_write=True)
    try:
        with translated(conn, address(dsn)):
            async with conn.transaction():
                await refuse_others(conn)
                done = await _archive(conn, dsn, url, month, now, actor, progress)
            progress(ArchiveStep.COMMITTED, done.rows)
            await compact(conn)
            return done
    finally:
        await close(conn)


async def _archive(
    conn: Conn, dsn: str, url: str, month: date, now: datetime, actor: str, progress: Progress
) -> ArchivedMonth:
    known = await archived_months(conn)
    if any(m.month == month for m in known):
        raise Refused(f"The month {month:%Y-%m} is archived already.")
    if await conn.fetchval("select to_regclass($1) is null", partition_of(month)):
        raise Refused(f"The database has no coverage of the month {month:%Y-%m}.")
    await conn.execute(f"lock table {partition_of(month)} in share mode")
    metadata = max(known, key=lambda m: m.archived_at).metadata if known else None
    table = await open_table(conn, dsn, url, metadata)
    try:
        await asyncio.to_thread(table.keep_only, {m.month for m in known})
        await asyncio.to_thread(table.clean, month)
        verified = await _write(conn, table, month, progress)
        await _record(conn, month, now, verified, table.metadata)
        progress(ArchiveStep.RECORDED, verified.rows)
        await _remove(conn, month, now, actor, verified)
        progress(ArchiveStep.REMOVED, verified.rows)
    finally:
        await asyncio.to_thread(table.close)
    return next(m for m in await archived_months(conn) if m.month == month)


async def open_table(conn: Conn, dsn: str, url: str, metadata: str | None) -> "ArchiveTable":
    """Open the Iceberg table, with the schema of its catalog, in a thread. Raises StorageError."""
    try:
        from storage.tier.iceberg import (  # large libraries of the extra `archive`
            CATALOG_SCHEMA,
            ArchiveTable,
        )
    except ImportError as error:
        raise StorageError(
            f"Archiving months needs {error.name}. Install Blockline with the extra `archive` "
            "(docs/how-to/archive.md)."
        ) from error
    separate = await connect(dsn)
    try:
        with translated(separate, address(dsn)):
            # Committed at once, because PyIceberg has connections of its own.
            await separate.execute(f"create schema if not exists {CATALOG_SCHEMA}")
    finally:
        await close(separate)
    schema = await conn.fetchval("select current_schema()")
    return await asyncio.to_thread(ArchiveTable, dsn, schema, url, metadata)


async def _write(conn: Conn, table: "ArchiveTable", month: date, progress: Progress) -> _Verified:
    """Write the rows of a month into the table, read them back, and compare them."""
    written, read = RowHash(), RowHash()
    writer = await asyncio.to_thread(table.begin, month)
    waiting: list[StoredRow] = []
    async with aclosing(_rows(conn, month)) as chunks:
        async for chunk in chunks:
            written.add(chunk)
            waiting += chunk
            if len(waiting) >= _FILE:
                await asyncio.to_thread(writer.write, waiting)
                waiting = []
                progress(ArchiveStep.WRITTEN, written.rows)
    if written.rows == 0:
        raise Refused(f"The database has no coverage of the month {month:%Y-%m}.")
    if waiting:
        await asyncio.to_thread(writer.write, waiting)
        del waiting
    progress(ArchiveStep.WRITTEN, written.rows)
    await asyncio.to_thread(writer.commit)
    progress(ArchiveStep.REGISTERED, written.rows)
    files = await asyncio.to_thread(table.files, month)
    async with aclosing(stored_rows([f.address for f in files], READ_BACK, {}, f"{month:%Y-%m}")) as back:
        async for chunk in back:
            read.add(chunk)
    if (read.rows, read.digest()) != (written.rows, written.digest()):
        raise StorageError(
            f"The files of the month {month:%Y-%m} do not have the rows of the database: {read.rows} rows "
            f"were read back, {written.rows} were written. Nothing was removed from the database. Check the "
            "storage of setting archive_url, and run `blockline archive` again."
        )
    hashes = [await asyncio.to_thread(table.sha256, file) for file in files]
    progress(ArchiveStep.VERIFIED, read.rows)
    return _Verified(read.rows, read.digest(), files, hashes)


async def _rows(conn: Conn, month: date) -> AsyncGenerator[Sequence[StoredRow]]:
    """The rows of a month in the database, in the order of their hash."""
    cursor = await conn.cursor(
        """
        select (extract(epoch from slot) * 1000000)::bigint,
            (extract(epoch from observed_at) * 1000000)::bigint,
            (extract(epoch from recorded_at) * 1000000)::bigint, roster_id, latency_ms, attempt, outcome,
            (lacked).missed_reason, (lacked).answered, (lacked).missed::text, (lacked).silent
        from coverage_row
        where slot >= $1::date::timestamp at time zone 'UTC'
            and slot < ($1::date + interval '1 month') at time zone 'UTC'
        order by roster_id, observed_at, slot, attempt
        """,
        month,
    )
    while rows := await cursor.fetch(_CHUNK):
        yield [tuple(r) for r in rows]


async def _record(conn: Conn, month: date, now: datetime, verified: _Verified, metadata: str) -> None:
    """Record a month as archived, with its files, and what is counted without its rows."""
    await conn.execute(
        """
        create temporary table kept_row on commit drop as
        with month as (
            select c.*, r.platform, r.base and r.vantage = '' as is_sweep,
                date_trunc('day', c.slot, 'UTC') as day,
                c.outcome = 0 and bit_count((c.lacked).answered) is distinct from 0 as is_answered,
                c.observed_at < $1::date::timestamp at time zone 'UTC'
                    or c.observed_at >= ($1::date + interval '1 month') at time zone 'UTC' as is_astray
            from coverage_row c join roster r using (roster_id)
            where c.slot >= $1::date::timestamp at time zone 'UTC'
                and c.slot < ($1::date + interval '1 month') at time zone 'UTC'
        ),
        placed as (
            select slot, roster_id, attempt, outcome, is_astray,
                -- The first and the last of each kind of answer, for "the last answer before" and the like.
                rank() over (
                    partition by roster_id, outcome, lacked, is_astray order by observed_at
                ) as first, rank() over (
                    partition by roster_id, outcome, lacked, is_astray order by observed_at desc
                ) as last,
                -- The first and the last of a sweep on a day: see storage.countries.published_report.
                is_sweep and row_number() over (
                    partition by platform, is_sweep, day, is_answered order by slot, roster_id, attempt
                ) = 1 as begins_day,
                is_sweep and row_number() over (
                    partition by platform, is_sweep, day, is_answered
                    order by slot desc, roster_id desc, attempt desc
                ) = 1 as ends_day
            from month
        )
        select slot, roster_id, attempt from placed
        where first = 1 or last = 1 or begins_day or ends_day
            -- Since when answers are quarantined.
            or outcome = 2
            -- Their days are counted with another month.
            or is_astray
        """,
        month,
    )
    await conn.execute("alter table pg_temp.kept_row add primary key (slot, roster_id, attempt)")
    # The view leaves out the requests of archived months, so it is asked before the month is one.
    await conn.execute(
        """
        create temporary table day_row on commit drop as
        select * from blockline_read.coverage_by_day
        where day >= $1::date and day < $1::date + interval '1 month'
        """,
        month,
    )
    await conn.execute(
        """
        insert into archived_month (
            month, archived_at, rows, kept, rows_sha256, first_observed, last_observed, last_recorded,
            catalog_metadata
        )
        select $1::date, $2, $3, (select count(*) from pg_temp.kept_row), $4, min(observed_at),
            max(observed_at), max(recorded_at), $5
        from coverage_row
        where slot >= $1::date::timestamp at time zone 'UTC'
            and slot < ($1::date + interval '1 month') at time zone 'UTC'
        """,
        month,
        now,
        verified.rows,
        verified.rows_sha256,
        metadata,
    )
    await conn.executemany(
        "insert into archived_file (month, address, rows, bytes, sha256) values ($1, $2, $3, $4, $5)",
        [
            (month, file.address, file.rows, file.bytes, sha256)
            for file, sha256 in zip(verified.files, verified.hashes, strict=True)
        ],
    )
    await conn.execute(
        """
        insert into archived_week (month, week, requests, last_recorded)
        select $1::date, date_trunc('week', slot, 'UTC'), count(*), max(recorded_at)
        from coverage_row c
        where slot >= $1::date::timestamp at time zone 'UTC'
            and slot < ($1::date + interval '1 month') at time zone 'UTC'
            and not exists (
                select from pg_temp.kept_row k
                where (k.slot, k.roster_id, k.attempt) = (c.slot, c.roster_id, c.attempt)
            )
        group by 2
        """,
        month,
    )
    await conn.execute(
        """
        insert into archived_day (
            month, day, platform, is_post, requests, requests_missed, requests_quarantined, readings,
            attempts_without_reading, accounts_asked, accounts_read, first_reading_at, last_reading_at
        )
        select $1::date, day, platform, is_post, requests, requests_missed, requests_quarantined, readings,
            attempts_without_reading, accounts_asked, accounts_read, first_reading_at, last_reading_at
        from pg_temp.day_row
        """,
        month,
    )


async def _remove(conn: Conn, month: date, now: datetime, actor: str, verified: _Verified) -> None:
    """Remove the rows of a month that need not be kept, and put it into the audit log."""
    # Not by "truncate", which would empty the month for those who began to read before this commit.
    gone = await conn.execute(
        """
        delete from coverage_row c
        where slot >= $1::date::timestamp at time zone 'UTC'
            and slot < ($1::date + interval '1 month') at time zone 'UTC'
            and not exists (
                select from pg_temp.kept_row k
                where (k.slot, k.roster_id, k.attempt) = (c.slot, c.roster_id, c.attempt)
            )
        """,
        month,
    )
    detail = {
        "rows": verified.rows,
        "rows_sha256": verified.rows_sha256.hex(),
        "removed": int(gone.split()[-1]),
        "files": {
            file.address: sha256.hex() for file, sha256 in zip(verified.files, verified.hashes, strict=True)
        },
    }
    await log(conn, now, actor, "month archived", f"{month:%Y-%m}", detail)


async def compact(conn: Conn) -> None:
    """Give the space of removed rows back to the system, except in months that others read for long."""
    for month in await archived_months(conn):
        size = await conn.fetchval("select pg_relation_size($1::regclass)", partition_of(month.month))
        if size > _UNCOMPACTED + _ROW_BYTES * month.kept:
            with suppress(asyncpg.LockNotAvailableError):
                await conn.execute(f"vacuum (full, analyze) {partition_of(month.month)}")


def partition_of(month: date) -> str:
    """The name of the table with the coverage of a month."""
    return f"coverage_{month:%Y_%m}"
