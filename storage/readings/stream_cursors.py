"""How far the streams of events were read: after a restart reading goes on there."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class StreamCursor:
    cursor: str
    """In the stream's own form."""
    at: datetime
    """When it was read up to there."""


async def position(conn: Conn, platform: Platform) -> StreamCursor | None:
    """Where to go on; None when the stream was never read."""
    row = await conn.fetchrow("select cursor, at from stream_position where platform = $1", platform.value)
    return None if row is None else StreamCursor(row["cursor"], row["at"])


async def save_position(conn: Conn, platform: Platform, cursor: str, at: datetime) -> None:
    """Everything up to `cursor` is taken in. One read earlier than what is stored changes nothing."""
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
