"""How requests from the installation's own vantage points in a country went."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class VantageRequests:
    """Requests to one platform from one vantage point."""

    vantage: str
    platform: Platform
    requests: int
    answered: int
    """Those with an answer that says something of accounts: a refusal does not."""
    unconnected: int
    """Those without a connection to the platform, or without an answer in time."""
    answered_at: datetime | None
    """The last such answer. None: there was none."""


async def vantage_requests(
    conn: Conn, country: str, since: datetime, until: datetime
) -> list[VantageRequests]:
    """Requests after `since` to `until` from vantage points whose name is the code of a country, or begins
    with it and a hyphen.
    """
    await with_archived(conn, since, until)
    rows = await conn.fetch(
        """
        select r.vantage, r.platform, count(*) as requests,
            count(*) filter (where c.outcome <> 1) as answered,
            count(*) filter (where c.missed_reason = 'network') as unconnected,
            max(c.observed_at) filter (where c.outcome <> 1) as answered_at
        from roster r join coverage c using (roster_id)
        where split_part(r.vantage, '-', 1) = lower($1) and c.observed_at > $2 and c.observed_at <= $3
        group by 1, 2 order by 1, 2
        """,
        country,
        since,
        until,
    )
    return [VantageRequests(**dict[str, Any](row, platform=Platform(row["platform"]))) for row in rows]
