"""Read model of the control accounts: what is expected of each, and when an answer last bore that out."""

from dataclasses import dataclass
from datetime import datetime

from storage.accounts.canaries import Origin
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class Control:
    """A control account that is asked now, or was until lately."""

    account_id: int
    platform: Platform
    handle: str
    place: str
    expected: Status
    origin: Origin
    doubts: int
    """How often in a row it looked otherwise."""
    doubted_since: datetime | None
    seen_at: datetime | None
    """The newest answer of the sweep that was believed: it looked as expected then. None: there is none."""
    retired_at: datetime | None = None
    """Since when it is not asked any more, because it looks otherwise for good; None while it is asked."""


async def controls(conn: Conn, now: datetime) -> list[Control]:
    """Those in doubt first, then those that were retired in the last 30 days or that the settings still name,
    then the others; by platform, server and handle.
    """
    await with_archived(conn, now, now)
    rows = await conn.fetch(
        """
        with seen as (
            select canary_id as account_id, max(newest.at) as at
            from roster r
            cross join lateral (
                select observed_at as at from coverage
                where roster_id = r.roster_id and outcome = 0 and observed_at <= $1
                    and (answered is null or bit_count(answered) > 0)
                order by observed_at desc limit 1
            ) newest
            cross join lateral unnest(r.canary_ids) as canary_id
            where r.base and r.retired_at is null and r.vantage = ''
            group by canary_id
        )
        select c.account_id, a.platform, a.handle, c.place, c.expected_status, c.origin, c.doubts,
            c.doubted_since, seen.at, c.retired_at
        from canary c join account a using (account_id) left join seen using (account_id)
        where c.retired_at is null or c.origin = 'settings' or c.retired_at > $1 - interval '30 days'
        order by (c.doubts > 0 and c.retired_at is null) desc, c.retired_at is null, a.platform, c.place,
            lower(a.handle), c.account_id
        """,
        now,
    )
    return [
        Control(
            account_id=r["account_id"],
            platform=Platform(r["platform"]),
            handle=r["handle"],
            place=r["place"],
            expected=Status(r["expected_status"]),
            origin=Origin(r["origin"]),
            doubts=r["doubts"],
            doubted_since=r["doubted_since"],
            seen_at=r["at"],
            retired_at=r["retired_at"],
        )
        for r in rows
    ]
