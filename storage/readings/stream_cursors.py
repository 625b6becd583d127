"""Positions in the platforms' event streams, from which reading continues after a restart."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class StreamCursor:
    cursor: str
    """The position, in the stream's own format."""
    at: datetime
    """When the stream was read up to this position."""


async def position(conn: Conn, platform: Platform) -> StreamCursor | None:
    """The position to continue from; None if the stream was never read."""
    row = await conn.fetchrow("select cursor, at from stream_position where platform = $1", platform.value)
    return None if row is None else StreamCursor(row["cursor"], row["at"])


async def save_position(conn: Conn, platform: Platform, cursor: str, at: datetime) -> None:
    """Store that everything up to `cursor` was read at the time `at`. Ignored if the stored position was read
    later.
    """
    await conn.execute(
        """
        insert into stream_position as p (platform, cursor, at) values ($1, $2, $3)
        on conflict (platform) do update set cursor = excluded.cursor, at = excluded.at
            where p.at <= excluded.at
        """,
        platform.value,
        cursor,
        at,
    )
