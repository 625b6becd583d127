"""How the collectors are: one row a place and vantage, written when something changes, not at each tick."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class CollectorState:
    """How the collector of a platform last did at one place, seen from one vantage."""

    platform: Platform
    healthy: bool
    reason: str | None
    detail: str
    since: datetime
    retry_at: datetime | None
    place: str = ""
    """Which server it asks; empty where one server answers for the whole platform."""
    vantage: str = ""
    """Empty is the installation's own connection."""


async def load_states(conn: Conn, platform: Platform, vantage: str = "") -> dict[str, CollectorState]:
    """By place: only those that ever had a trouble."""
    rows = await conn.fetch(
        "select * from collector_state where platform = $1 and vantage = $2", platform.value, vantage
    )
    return {r["place"]: _state(r) for r in rows}


async def save_state(conn: Conn, state: CollectorState) -> None:
    await conn.execute(
        """
        insert into collector_state (platform, healthy, reason, detail, since, retry_at, place, vantage)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (platform, place, vantage) do update set healthy = excluded.healthy,
            reason = excluded.reason, detail = excluded.detail, since = excluded.since,
            retry_at = excluded.retry_at
        """,
        state.platform.value,
        state.healthy,
        state.reason,
        state.detail,
        state.since,
        state.retry_at,
        state.place,
        state.vantage,
    )


def _state(r: Record) -> CollectorState:
    return CollectorState(
        platform=Platform(r["platform"]),
        healthy=r["healthy"],
        reason=r["reason"],
        detail=r["detail"],
        since=r["since"],
        retry_at=r["retry_at"],
        place=r["place"],
        vantage=r["vantage"],
    )
