"""Read model of the database itself: its server, how large what is in it is, and how fast that grows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its indexes and its long values; one that is split by the month counts as one."""

    name: str
    bytes: int
    rows: int | None
    """As the server estimates it; None while it has none, which is until its first look at the table."""


@dataclass(frozen=True, slots=True)
class Database:
    """What the server says of itself and of this database."""

    version: str
    started_at: datetime
    """When the server was started, by its own clock."""
    bytes: int
    connections: int
    """To this database, from anywhere."""
    most_connections: int
    """That the server takes, to all of its databases."""
    tables: tuple[TableSize, ...]
    """The largest first."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Rows that were added in a time."""

    coverage_day: int
    """Requests in the last 24 hours."""
    chain_week: int
    """Changes and outcomes in the last seven days."""
    signal_week: int
    """Acts of executives first seen in the last seven days."""


async def database(conn: Conn) -> Database:
    row = await conn.fetchrow(
        """
        select current_setting('server_version') as version, pg_postmaster_start_time() as started_at,
            pg_database_size(current_database()) as bytes,
            current_setting('max_connections')::int as most,
            (select count(*) from pg_stat_activity where datname = current_database()) as connections
        """
    )
    tables = await conn.fetch(
        """
        select coalesce(whole.relname, t.relname) as name,
            sum(pg_total_relation_size(t.oid))::bigint as bytes,
            sum(t.reltuples) filter (where t.reltuples >= 0)::bigint as rows
        from pg_class t
        left join pg_inherits i on i.inhrelid = t.oid
        left join pg_class whole on whole.oid = i.inhparent
        where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
        group by 1 order by 2 desc, 1
        """
    )
    if row is None:
        raise LookupError("the query for the size of the database returned no row")
    return Database(
        version=row["version"],
        started_at=row["started_at"],
        bytes=row["bytes"],
        connections=row["connections"],
        most_connections=row["most"],
        tables=tuple(TableSize(t["name"], t["bytes"], t["rows"]) for t in tables),
    )


async def growth(conn: Conn, now: datetime) -> Growth:
    """Counted where an index by time makes it cheap: these are what grows while nobody does anything."""
    await with_archived(conn, now - timedelta(days=1), now)
    row = await conn.fetchrow(
        """
        select
            (
                select count(*) from coverage
                where observed_at > $1::timestamptz - interval '24 hours' and observed_at <= $1
            ) as coverage_day,
            (
                select count(*) from chain where at > $1::timestamptz - interval '7 days' and at <= $1
            ) as chain_week,
            (
                select count(*) from signal
                where first_seen_at > $1::timestamptz - interval '7 days' and first_seen_at <= $1
            ) as signal_week
        """,
        now,
    )
    if row is None:
        raise LookupError("the query for the growth of the database returned no row")
    return Growth(row["coverage_day"], row["chain_week"], row["signal_week"])
