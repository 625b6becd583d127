"""Read models of the times in which the monitor itself gave nothing: silences and troubles of a period."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from storage.model.alerts.digest_period import PastCondition, PlatformSilence
from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


async def silences(
    conn: Conn, begins: Mapping[Platform, datetime], until: datetime, longer_than: timedelta
) -> list[PlatformSilence]:
    """The silences up to `until` on each platform, from when it is to be looked at; the longest first."""
    if begins:
        await with_archived(conn, min(begins.values()), until)
    rows = await conn.fetch(
        """
        with looked as (select * from unnest($1::text[], $2::timestamptz[]) as l (platform, since)),
        answer as (
            select r.platform, c.observed_at as at
            from looked join roster r using (platform) join coverage c using (roster_id)
            where c.outcome = 0 and c.observed_at > looked.since and c.observed_at < $3
                and r.base and r.vantage = ''
            union all select platform, since from looked
            union all select platform, $3 from looked
        ),
        ordered as (
            select platform, at, lag(at) over (partition by platform order by at) as previous from answer
        )
        select platform, previous, at from ordered
        where at - previous > $4 order by at - previous desc, previous, platform
        """,
        [p.value for p in begins],
        list(begins.values()),
        until,
        longer_than,
    )
    return [PlatformSilence(Platform(r["platform"]), r["previous"], r["at"]) for r in rows]


async def past_conditions(
    conn: Conn, platforms: Sequence[Platform], since: datetime, until: datetime
) -> list[PastCondition]:
    """What kept these platforms from being read between two times, the longest first."""
    rows = await conn.fetch(
        """
        select sentence, since, case when ended_at <= $3 then ended_at end as ended_at
        from operator_condition
        where platform = any($1::text[]) and opened_at <= $3 and (ended_at is null or ended_at > $2)
        order by since, condition_id
        """,
        [p.value for p in platforms],
        since,
        until,
    )
    return [PastCondition(r["sentence"], r["since"], r["ended_at"]) for r in rows]
