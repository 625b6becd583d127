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


async def position(conn: Conn, platform: Platform, shard: int = 0) -> StreamCursor | None:
    """The position to continue from for the accounts of a shard; None if it never read the stream."""
    row = await conn.fetchrow(
        "select cursor, at from stream_position where platform = $1 and shard = $2", platform.value, shard
    )
    return None if row is None else StreamCursor(row["cursor"], row["at"])


async def save_position(conn: Conn, platform: Platform, cursor: str, at: datetime, shard: int = 0) -> None:
    """Store that everything up to `cursor` was read for a shard at the time `at`. Ignored if the stored
    position was read later.
    """
    await conn.execute(
        """
        insert into stream_position as p (platform, cursor, at, shard) values ($1, $2, $3, $4)
        on conflict (platform, shard) do update set cursor = excluded.cursor, at = excluded.at
            where p.at <= excluded.at
        """,
        platform.value,
        cursor,
        at,
        shard,
    )
