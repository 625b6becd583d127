"""Which schema a database has, and whether it fits this version; without Alembic, which is slow to load."""

from pathlib import Path

from storage.postgres.errors import SchemaBehind, SchemaTooNew, StorageError
from storage.postgres.pool import Conn, Pool, address_of, close, connect, transaction, translated

MIGRATIONS = Path(__file__).parent.parent / "migrations"


async def check_schema(database: str | Pool) -> None:
    """Return when the database (DSN or pool) has exactly the schema of this version.

    Raises SchemaBehind, SchemaTooNew or Unreachable.
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
    """The schema of a database; None when it has no tables of Blockline. Raises SchemaTooNew."""
    current = await _read_revision(conn)
    refuse_unknown(current, f"The database at {where}")
    return current


async def _read_revision(conn: Conn) -> str | None:
    if await conn.fetchval("select to_regclass('alembic_version')") is None:
        return None
    return await conn.fetchval("select version_num from alembic_version")


def newest() -> str:
    """The schema revision that this version works with."""
    known = _known()
    if not known:
        raise StorageError(f"Blockline is not installed completely: no migrations in {MIGRATIONS}.")
    return max(known)


def refuse_unknown(revision: str | None, what: str) -> None:
    """Raise SchemaTooNew when `what` has a schema that this version does not know."""
    if revision is not None and revision not in _known():
        raise SchemaTooNew(
            f"{what} was made by a newer Blockline (schema {revision}); "
            f"this version knows {newest()}. Upgrade Blockline."
        )


def _known() -> set[str]:
    """The revisions of the migrations: what their file names begin with, four digits that only grow."""
    return {file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")}
