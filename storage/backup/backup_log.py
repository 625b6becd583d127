"""The record of backups that were made and verified."""

from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class RecordedBackup:
    """A backup as the command that made it recorded it. Whether its file still exists is not known."""

    created_at: datetime
    """It has the database as it was then."""
    verified_at: datetime
    """When its file had been read back and found whole."""
    made_by: str
    host: str
    file: str
    bytes: int
    is_signed: bool


async def record_backup(conn: Conn, made: RecordedBackup) -> None:
    """Add a row about a verified backup, inside the caller's transaction."""
    await conn.execute(
        """
        insert into backup_log (created_at, verified_at, made_by, host, file, bytes, is_signed)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        made.created_at,
        made.verified_at,
        made.made_by,
        made.host,
        made.file,
        made.bytes,
        made.is_signed,
    )


async def newest_backup(conn: Conn) -> RecordedBackup | None:
    """Return the backup of the latest moment; None if none is on record."""
    row = await conn.fetchrow(
        """
        select created_at, verified_at, made_by, host, file, bytes, is_signed from backup_log
        order by created_at desc, backup_id desc limit 1
        """
    )
    return None if row is None else RecordedBackup(**dict(row.items()))
