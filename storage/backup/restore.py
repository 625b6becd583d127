"""Restoring a backup: into an empty database only, all of it or nothing, as it was to the last number."""

from collections.abc import AsyncIterator
from datetime import date

from storage.backup.archive import Backup, BackupError, BackupProgress, SavedTable
from storage.backup.contents import COVERAGE_MONTH, difference_from_schema, kept_tables, neutral_session
from storage.postgres.errors import address
from storage.postgres.locks import exclusive
from storage.postgres.migrate import migrate
from storage.postgres.pool import Conn, close, connect, translated
from storage.postgres.schema import revision_of, schema_for


async def restore(dsn: str, backup: Backup, progress: BackupProgress) -> None:
    """Fill an empty database with what `backup` holds, and bring it to the schema of this version.

    No trigger fires: what triggers wrote is in the backup. One transaction makes the schema of the backup,
    compares the backup with it and loads the rows, so that a restore that was refused or killed leaves
    nothing behind. Raises BackupError when the database is not empty, or when the backup contains anything
    but the tables, columns and counters of its schema; SchemaTooOld or SchemaTooNew when no schema of this
    version fits, AlreadyHeld when another one restores.
    """
    where = address(dsn)
    revision = schema_for(backup.manifest.revision, f"The backup {backup.path}")

    async def fill(conn: Conn) -> None:
        with translated(conn, where):
            await _refuse_other_contents(conn, backup, revision)
            await _load(conn, backup, progress, where)

    async with exclusive(dsn, "restore", wait_s=1):
        conn = await connect(dsn)
        try:
            with translated(conn, where):
                await _refuse_other(conn, revision, where)
                await migrate(dsn, revision=revision, then=fill)
                await migrate(dsn)
                await conn.execute("analyze")
        finally:
            await close(conn)


async def _refuse_other(conn: Conn, wanted: str, where: str) -> None:
    """Raise BackupError if the database has tables that are not those of a migration to `wanted`."""
    revision = await revision_of(conn, where)
    if revision is not None:
        if revision != wanted:
            raise _not_empty(where, "tables of Blockline")
        return
    other = await conn.fetchval(
        """
        select min(c.relname)::text from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
            )
        """
    )
    if other is not None:
        raise _not_empty(where, f"the table {other}")


def _not_empty(where: str, what: str) -> BackupError:
    return BackupError(
        f"The database at {where} is not empty (it contains {what}). A backup can be restored only into "
        "an empty database. Make one, and name it in the settings."
    )


async def _refuse_other_contents(conn: Conn, backup: Backup, revision: str) -> None:
    """A backup can come from a stranger: it must not name tables of the server, or of other programs."""
    is_older = backup.manifest.revision != revision
    found = difference_from_schema(backup.manifest, await kept_tables(conn), may_lack=is_older)
    if found is not None:
        raise BackupError(
            f"{backup.path} does not fit schema {revision}: {found}. Nothing was restored. Use a backup that "
            "blockline backup made."
        )


async def _load(conn: Conn, backup: Backup, progress: BackupProgress, where: str) -> None:
    await neutral_session(conn)
    # This also keeps everybody else from writing to the tables until they are full.
    await conn.execute(
        """
        do $$
        declare
            name regclass;
        begin
            for name in
                select c.oid from pg_class c
                where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
            loop
                execute format('alter table %s disable trigger user', name);
            end loop;
        end
        $$
        """
    )
    if filled := await _filled(conn):
        raise _not_empty(where, f"rows in the table {filled}")
    for table in backup.manifest.tables:
        if month := COVERAGE_MONTH.fullmatch(table.name):
            first = date(int(month[1]), int(month[2]), 1)
            await conn.execute("select ensure_coverage_month($1)", first)
        await _fill(conn, backup, table, progress)
    for counter in backup.manifest.counters:
        await conn.execute(
            "select setval(pg_get_serial_sequence($1, $2), $3)", counter.table, counter.column, counter.last
        )
    if all(table.name != "audit_chain" for table in backup.manifest.tables):
        await _chain_audit_log(conn)
    await conn.execute(
        """
        do $$
        declare
            name regclass;
        begin
            for name in
                select c.oid from pg_class c
                where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
            loop
                execute format('alter table %s enable trigger user', name);
            end loop;
        end
        $$
        """
    )


async def _chain_audit_log(conn: Conn) -> None:
    """Chain the entries of a backup that was made before the audit log was chained."""
    await conn.execute(
        """
        do $$
        declare
            entry audit_log;
            leaf bytea;
            head bytea := decode(repeat('00', 32), 'hex');
            seq bigint := 0;
        begin
            for entry in select * from audit_log order by audit_id loop
                seq := seq + 1;
                leaf := chain_leaf(chain_statement(entry));
                head := sha256(head || leaf);
                insert into audit_chain values (seq, entry.audit_id, leaf, head);
            end loop;
        end
        $$
        """
    )


async def _filled(conn: Conn) -> str:
    """A table that holds a row; empty when there is none."""
    await conn.execute(
        """
        do $$
        declare
            name regclass;
            is_filled boolean;
        begin
            perform set_config('blockline.filled', '', true);
            for name in
                select c.oid from pg_class c
                where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
                    and c.relname <> 'alembic_version'
            loop
                execute format('select exists (select from %s)', name) into is_filled;
                if is_filled then
                    perform set_config('blockline.filled', name::text, true);
                end if;
            end loop;
        end
        $$
        """
    )
    return await conn.fetchval("select current_setting('blockline.filled')")


async def _fill(conn: Conn, backup: Backup, table: SavedTable, progress: BackupProgress) -> None:
    async def parts() -> AsyncIterator[bytes]:
        size = 0
        for part in backup.rows(table):
            yield part
            size += len(part)
            progress(table.name, size)

    progress(table.name, 0)
    done = await conn.copy_to_table(table.name, columns=table.columns, source=parts())
    if done != f"COPY {table.rows}":
        raise BackupError(
            f"The number of rows restored to the table {table.name} differs from the backup ({done})."
        )
