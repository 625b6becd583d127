"""How the collectors are: one row a platform, written when something changes, not at each tick."""

from dataclasses import dataclass
from datetime import datetime

from storage.db import Conn
from storage.model.accounts import Platform


@dataclass(frozen=True, slots=True)
class CollectorState:
    platform: Platform
    healthy: bool
    reason: str | None
    detail: str
    since: datetime
    retry_at: datetime | None


async def load_state(conn: Conn, platform: Platform) -> CollectorState | None:
    row = await conn.fetchrow(
        "select healthy, reason, detail, since, retry_at from collector_state where platform = $1",
        platform.value,
    )
    if row is None:
        return None
    return CollectorState(
        platform, row["healthy"], row["reason"], row["detail"], row["since"], row["retry_at"]
    )


async def save_state(conn: Conn, state: CollectorState) -> None:
    await conn.execute(
        """
        insert into collector_state (platform, healthy, reason, detail, since, retry_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (platform) do update set healthy = excluded.healthy, reason = excluded.reason,
            detail = excluded.detail, since = excluded.since, retry_at = excluded.retry_at
        """,
        state.platform.value,
        state.healthy,
        state.reason,
        state.detail,
        state.since,
        state.retry_at,
    )
