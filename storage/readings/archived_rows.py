"""Coverage of archived months, for the transaction that asks about it.

The rows of an archived month are in Parquet files. In the database, `coverage` has only what questions about
later times need: of each roster, the first and the last row of every kind (`storage.tier.archiving`). A
function that asks about a time calls `with_archived` first. It copies the missing rows from the files into a
temporary table, and until the transaction ends the name `coverage` means a temporary view of both. So the
questions, also those of the database's functions, are the same text for every month.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from storage.postgres.pool import Conn
from storage.readings.archive_files import COLUMNS, StoredRow, stored_rows

# The names of columns are constants.
_OBSERVED: Final = f"""
    with own as not materialized (
        select * from read_parquet($files)
        where $rosters::int[] is null or roster_id in (select unnest($rosters::int[]))
    ),
    last as (
        select *, rank() over (
            partition by roster_id, outcome, missed_reason, answered, missed, silent order by observed_at desc
        ) as place
        from own where observed_at < $since::timestamptz and recorded_at <= $known_at::timestamptz
    )
    select {COLUMNS} from own where observed_at >= $since::timestamptz and observed_at <= $until::timestamptz
    union all
    select {COLUMNS} from last where place = 1
"""  # noqa: S608
_PLANNED: Final = f"""
    select {COLUMNS} from read_parquet($files)
    where ($rosters::int[] is null or roster_id in (select unnest($rosters::int[])))
        and slot >= $since::timestamptz and slot <= $until::timestamptz
"""  # noqa: S608


async def with_archived(
    conn: Conn,
    since: datetime | None,
    until: datetime | None,
    account_ids: Sequence[int] | None = None,
    *,
    known_at: datetime | None = None,
    planned: bool = False,
) -> None:
    """Make sure that `coverage` has all requests about these accounts that were observed from `since` to
    `until`, both included, and of each roster the last one before `since` of every kind that was recorded by
    `known_at`. Call it inside the transaction that asks; it lasts until that ends.

    None means no limit; as `account_ids`, all accounts; as `known_at`, now. With `planned`, the times are
    those of the slots, and no earlier request is promised. Does nothing if no archived month is concerned.
    Raises StorageError if the archive cannot be read.
    """
    months = await _months(conn, since, until, known_at, planned=planned)
    if not months:
        return
    rosters = None
    if account_ids is not None:
        found = await conn.fetch(
            "select roster_id from roster where account_ids && $1::int[] order by roster_id", account_ids
        )
        rosters = [r["roster_id"] for r in found]
    await _prepare(conn)
    scope = {
        "since": since or "-infinity",
        "until": until or "infinity",
        "known_at": known_at or "infinity",
        "rosters": rosters,
    }
    if not await conn.fetchval(
        "insert into pg_temp.archived_scope values ($1, $2) on conflict do nothing returning true",
        planned,
        repr(scope),
    ):
        return  # It was asked before in this transaction.
    if planned:
        del scope["known_at"]
    query, values = _PLANNED if planned else _OBSERVED, scope
    for month, files in months.items():
        async for chunk in stored_rows(files, query, values, f"{month:%Y-%m}"):
            await _add(conn, chunk)
    await conn.execute("analyze pg_temp.archived_row")


async def _months(
    conn: Conn, since: datetime | None, until: datetime | None, known_at: datetime | None, *, planned: bool
) -> Mapping[date, Sequence[str]]:
    """Return the addresses of the files of each month that is concerned. A month that ended before `since` is
    not, because the database has its last rows, unless some were recorded after `known_at`.
    """
    rows = await conn.fetch(
        """
        select m.month, array(
            select address from archived_file f where f.month = m.month order by address
        ) as files
        from archived_month m
        where case when $4
            then (m.month + interval '1 month') at time zone 'UTC' > coalesce($1::timestamptz, '-infinity')
                and m.month at time zone 'UTC' <= coalesce($2::timestamptz, 'infinity')
            else m.first_observed <= coalesce($2, 'infinity')
                and (m.last_observed >= coalesce($1, '-infinity') or m.last_recorded > $3)
        end
        order by m.month
        """,
        since,
        until,
        known_at,
        planned,
    )
    return {r["month"]: r["files"] for r in rows}


async def _prepare(conn: Conn) -> None:
    """Create the temporary tables and the view that hides `coverage`, once in a transaction."""
    if await conn.fetchval("select to_regclass('pg_temp.archived_row') is not null"):
        return
    await conn.execute(
        """
        create temporary table archived_row (
            slot timestamptz not null, observed_at timestamptz not null, recorded_at timestamptz not null,
            roster_id int not null, latency_ms int not null, attempt smallint not null,
            outcome smallint not null, missed_reason text, answered bytea, missed jsonb, silent text[],
            primary key (slot, roster_id, attempt)
        ) on commit drop;
        create index on pg_temp.archived_row (roster_id, observed_at);
        create temporary table archived_copy (
            slot bigint, observed_at bigint, recorded_at bigint, roster_id int, latency_ms int,
            attempt smallint, outcome smallint, missed_reason text, answered bytea, missed text, silent text[]
        ) on commit drop;
        create temporary table archived_scope (planned boolean, scope text) on commit drop;
        create unique index on pg_temp.archived_scope (planned, md5(scope));
        create temporary view coverage as
            select slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome,
                (lacked).missed_reason, (lacked).answered, (lacked).missed, (lacked).silent
            from coverage_row
            union all
            select slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, missed_reason,
                answered, missed, silent
            from pg_temp.archived_row;
        -- What was planned before on this connection means the hidden view.
        discard plans
        """
    )


async def _add(conn: Conn, chunk: Sequence[StoredRow]) -> None:
    """Add rows to the temporary table, but for those that `coverage_row` has as well."""
    await conn.copy_records_to_table("archived_copy", records=chunk, schema_name="pg_temp")
    await conn.execute(
        """
        insert into pg_temp.archived_row
        select 'epoch'::timestamptz + c.slot * interval '1 microsecond',
            'epoch'::timestamptz + c.observed_at * interval '1 microsecond',
            'epoch'::timestamptz + c.recorded_at * interval '1 microsecond',
            c.roster_id, c.latency_ms, c.attempt, c.outcome, c.missed_reason, c.answered, c.missed::jsonb,
            c.silent
        from pg_temp.archived_copy c
        where not exists (
            select from coverage_row k
            where k.slot = 'epoch'::timestamptz + c.slot * interval '1 microsecond'
                and k.roster_id = c.roster_id and k.attempt = c.attempt
        )
        on conflict do nothing
        """
    )
    await conn.execute("truncate pg_temp.archived_copy")
