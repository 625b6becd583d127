"""Which schema a database has, and whether it fits this version; without Alembic, which is slow to load."""

from pathlib import Path
from typing import Final

from storage.postgres.errors import SchemaBehind, SchemaTooNew, SchemaTooOld, StorageError
from storage.postgres.pool import Conn, Pool, address_of, close, connect, transaction, translated

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_LAST_OLD: Final = "0023"
"""The last schema before the first one here. Both have the same tables, so that backups of it fit."""


async def check_schema(database: str | Pool) -> None:
    """Return when the database (DSN or pool) has exactly the schema of this version.

    Raises SchemaBehind, SchemaTooOld, SchemaTooNew or Unreachable.
    """
    where = address_of(database)
    current = await schema_of(database)
    if current is None:
        raise SchemaBehind(f"The database at {where} has no tables of Blockline yet. Run: blockline migrate")
    if current != newest():
        raise SchemaBehind(
            f"The database at {where} has schema {current}; this version needs {newest()}. "
            "Run: blockline migrate"
        )


async def schema_of(database: str | Pool) -> str | None:
    """As `revision_of`, of a database by its DSN or pool. Raises Unreachable too."""
    where = address_of(database)
    if not isinstance(database, str):
        async with transaction(database) as conn:
            return await revision_of(conn, where)
    conn = await connect(database)
    try:
        with translated(conn, where):
            return await revision_of(conn, where)
    finally:
        await close(conn)


async def revision_of(conn: Conn, where: str) -> str | None:
    """The schema of a database; None when it has no tables of Blockline.

    Raises SchemaTooOld or SchemaTooNew.
    """
    current = await _read_revision(conn)
    refuse_unknown(current, f"The database at {where}")
    return current


async def _read_revision(conn: Conn) -> str | None:
    if await conn.fetchval("select to_regclass('alembic_version')") is None:
        return None
    return await conn.fetchval("select version_num from alembic_version")


def newest() -> str:
    """The schema revision that this version works with."""
    return max(_known())


def refuse_unknown(revision: str | None, what: str) -> None:
    """Raise SchemaTooOld or SchemaTooNew when `what` has a schema that this version does not know."""
    known = _known()
    if revision is None or revision in known:
        return
    if revision < min(known):
        raise SchemaTooOld(
            f"{what} has schema {revision} of a development version and cannot be migrated. Export it with "
            f"the last version of schema {_LAST_OLD} (blockline migrate, then blockline backup FILE), and "
            "import it with this version into an empty database (blockline restore FILE)."
        )
    raise SchemaTooNew(
        f"{what} was made by a newer Blockline (schema {revision}); "
        f"this version knows {newest()}. Upgrade Blockline."
    )


def schema_for(revision: str, what: str) -> str:
    """The schema into which the rows of a backup of `revision` fit. Raises SchemaTooOld or SchemaTooNew."""
    fits = min(_known()) if revision == _LAST_OLD else revision
    refuse_unknown(fits, what)
    return fits


def _known() -> set[str]:
    """The revisions of the migrations: what their file names begin with, four digits that only grow."""
    known = {file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")}
    if not known:
        raise StorageError(f"Blockline is not installed completely: {MIGRATIONS} contains no migrations.")
    return known
