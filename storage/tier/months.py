"""Which months are in the database, and which in the archive."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from storage.postgres.pool import Conn, Refused

LEAST_MONTHS = 2
"""The current month and the one before it are never archived: their readings may still arrive."""


@dataclass(frozen=True, slots=True)
class ArchivedMonth:
    """A month whose rows are in the archive."""

    month: date
    archived_at: datetime
    rows: int
    kept: int
    """Those of them that the database has as well."""
    size: int
    """Bytes of its files."""
    rows_sha256: bytes
    metadata: str
    """Address of the metadata of the Iceberg table with this month."""


def is_closed(month: date, now: datetime, after_months: int) -> bool:
    """Whether a month ended at least `after_months` - 1 whole months before the month of `now`."""
    at = now.astimezone(UTC)
    return (at.year - month.year) * 12 + at.month - month.month >= after_months


def closed(months: Iterable[date], now: datetime, after_months: int) -> list[date]:
    """The months that are old enough to be archived, oldest first."""
    return [month for month in sorted(months) if is_closed(month, now, after_months)]


async def stored_months(conn: Conn) -> dict[date, int]:
    """The months with rows in the database that are not archived, with the bytes of each."""
    rows = await conn.fetch(
        """
        select to_date(right(p.relname, 7), 'YYYY_MM') as month, pg_total_relation_size(p.oid) as bytes
        from pg_inherits i join pg_class p on p.oid = i.inhrelid
        where i.inhparent = 'coverage_row'::regclass
        order by 1
        """
    )
    archived = {m.month for m in await archived_months(conn)}
    found: dict[date, int] = {}
    for r in rows:
        month = r["month"]
        if month not in archived and await conn.fetchval(
            """
            select exists (
                select from coverage_row
                where slot >= $1::date::timestamp at time zone 'UTC'
                    and slot < ($1::date + interval '1 month') at time zone 'UTC'
            )
            """,
            month,
        ):
            found[month] = r["bytes"]
    return found


async def archived_months(conn: Conn) -> Sequence[ArchivedMonth]:
    """The archived months, oldest first."""
    rows = await conn.fetch(
        """
        select m.month, m.archived_at, m.rows, m.kept, coalesce(sum(f.bytes), 0)::bigint as size,
            m.rows_sha256, m.catalog_metadata as metadata
        from archived_month m left join archived_file f using (month)
        group by m.month order by m.month
        """
    )
    return [ArchivedMonth(**dict(r)) for r in rows]


async def last_run(conn: Conn) -> datetime | None:
    """When months to archive were last sought without a failure; None if never."""
    return await conn.fetchval("select max(at) from archive_run where failure is null")


async def files_of(conn: Conn, month: date) -> list[str]:
    """The addresses of the files of an archived month."""
    rows = await conn.fetch("select address from archived_file where month = $1 order by address", month)
    return [r["address"] for r in rows]


async def refuse_others(conn: Conn) -> None:
    """Raise Refused unless the role of this connection owns the tables: others may remove no coverage."""
    row = await conn.fetchrow(
        """
        select current_user::text as role, pg_has_role(relowner, 'usage') as owns
        from pg_class where oid = 'coverage_row'::regclass
        """
    )
    if row is None or not row["owns"]:
        role = row and row["role"]
        raise Refused(
            f"The database role {role} does not own the tables, so it can archive nothing. Run `blockline "
            "archive` with the owner in setting database_url."
        )
