"""What a backup of a schema contains. `backup` saves these tables, and `restore` takes no others."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter

from storage.backup.archive import BackupManifest, SavedCounter, SavedTable
from storage.postgres.pool import Conn

COVERAGE_MONTH = re.compile(r"coverage_(19[7-9][0-9]|20[0-9]{2}|21[0-9]{2})_(0[1-9]|1[0-2])")
"""Names of the partitions of `coverage_row`, from 1970 to 2199: a wrong clock may have dated readings."""
_MOST_MONTHS = 600
"""Each holds locks until the restore commits, and Postgres has about 6,400 of them by default."""


class _Kind(StrEnum):
    TABLE = "table"
    PARTITIONED = "partitioned"
    PARTITION = "partition"


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A table of the schema whose rows belong in a backup."""

    name: str
    kind: _Kind
    columns: tuple[str, ...]
    """Those that are not computed from others."""
    numbered: tuple[str, ...]
    """Its identity columns."""

    @property
    def holds_rows(self) -> bool:
        """False when its rows are in its partitions."""
        return self.kind is not _Kind.PARTITIONED


async def kept_tables(conn: Conn) -> list[KeptTable]:
    """All tables of the schema that a backup saves, each after those that its rows point to."""
    rows = await conn.fetch(
        """
        select t.relname::text as name,
            case
                when t.relkind = 'p' then 'partitioned' when t.relispartition then 'partition' else 'table'
            end as kind,
            array(
                select a.attname::text from pg_attribute a
                where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                order by a.attnum
            ) as columns,
            array(
                select a.attname::text from pg_attribute a
                where a.attrelid = t.oid and a.attnum > 0 and a.attidentity <> ''
            ) as numbered,
            array(
                select p.relname::text from pg_constraint f join pg_class p on p.oid = f.confrelid
                where f.conrelid = t.oid and f.contype = 'f' and f.confrelid <> t.oid
            ) as needed
        from pg_class t
        where t.relnamespace = current_schema()::regnamespace and t.relkind in ('r', 'p')
            and t.relpersistence = 'p' and t.relname <> 'alembic_version'
        """
    )
    tables = {
        r["name"]: KeptTable(r["name"], _Kind(r["kind"]), tuple(r["columns"]), tuple(r["numbered"]))
        for r in rows
    }
    return [tables[name] for name in in_order({r["name"]: set(r["needed"]) for r in rows})]


def in_order(needs: Mapping[str, set[str]]) -> list[str]:
    """The names, each after those that it needs, and otherwise by the alphabet."""
    return list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())


async def last_numbers(conn: Conn, tables: Iterable[KeptTable]) -> tuple[SavedCounter, ...]:
    """The last number that each identity column gave out; without those that never gave one."""
    columns = [(table.name, column) for table in tables for column in table.numbered]
    rows = await conn.fetch(
        """
        select name, "column",
            pg_sequence_last_value(pg_get_serial_sequence(quote_ident(name), "column")::regclass) as last
        from unnest($1::text[], $2::text[]) as u (name, "column")
        order by 1, 2
        """,
        [name for name, _ in columns],
        [column for _, column in columns],
    )
    return tuple(SavedCounter(r["name"], r["column"], r["last"]) for r in rows if r["last"] is not None)


async def neutral_session(conn: Conn) -> None:
    """Make sure that values are written and read alike in every database, and as long as it takes.

    No superuser is needed for these settings.
    """
    await conn.execute(
        """
        set local datestyle = 'ISO, YMD';
        set local intervalstyle = 'postgres';
        set local bytea_output = 'hex';
        set local extra_float_digits = 1;
        set local statement_timeout = 0
        """
    )


def difference_from_schema(
    manifest: BackupManifest, schema: Sequence[KeptTable], *, may_lack: bool
) -> str | None:
    """Say where a backup differs from the backups of a schema; None means nowhere.

    The schema is that of a database without rows. `may_lack`: tables and columns of the schema may be missing
    from the backup, because it was made before they existed.
    """
    own = {table.name: table for table in schema if table.kind is _Kind.TABLE}
    month = next(table for table in schema if table.name == "coverage_row")
    names = Counter(table.name for table in manifest.tables)
    if twice := [name for name, times in names.items() if times > 1]:
        return f"it contains the table {twice[0]} twice"
    if sum(name not in own for name in names) > _MOST_MONTHS:
        return f"it contains more than {_MOST_MONTHS} months of coverage or unknown tables"
    for table in manifest.tables:
        kept = own.get(table.name) or (month if COVERAGE_MONTH.fullmatch(table.name) else None)
        if kept is None:
            return f"it contains the table {table.name}, which is not in the schema"
        if found := _other_columns(table, kept, may_lack=may_lack):
            return found
    if not may_lack and (missing := own.keys() - names.keys()):
        return f"the table {min(missing)} is missing from it"
    return _other_counters(manifest, own)


def _other_columns(table: SavedTable, kept: KeptTable, *, may_lack: bool) -> str | None:
    if other := [column for column in table.columns if column not in kept.columns]:
        return f"its table {table.name} has the column {other[0]}, which is not in the schema"
    if len(set(table.columns)) < len(table.columns):
        return f"its table {table.name} has a column twice"
    if not may_lack and (missing := [column for column in kept.columns if column not in table.columns]):
        return f"the column {missing[0]} of the table {table.name} is missing from it"
    return None


def _other_counters(manifest: BackupManifest, own: Mapping[str, KeptTable]) -> str | None:
    numbered = {(table.name, column) for table in own.values() for column in table.numbered}
    counters = Counter((counter.table, counter.column) for counter in manifest.counters)
    for (table, column), times in counters.items():
        if (table, column) not in numbered:
            return f"it contains a last number of {table}.{column}, which is not in the schema"
        if times > 1:
            return f"it contains the last number of {table}.{column} twice"
    filled = {table.name for table in manifest.tables if table.rows}
    for table, column in sorted(numbered - counters.keys()):
        if table in filled:
            return f"the last number of {table}.{column} is missing from it"
    return None
