"""Exported rows of the looks themselves: every request, every single reading."""

from collections.abc import Sequence
from datetime import datetime

from storage.export.row_stream import Rows, rows_of, rows_of_each
from storage.model.evidence.export_kinds import ExportFilter
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


async def coverage(conn: Conn, wanted: ExportFilter) -> Rows:
    """Requests by the time of their answer, with how many accounts were asked and how many answered.

    With a list, those that asked at least one account on it; the counts are of the whole request.
    """
    await with_archived(conn, wanted.since, wanted.until)
    return await rows_of(
        conn,
        """
        select r.platform, r.vantage, r.place, c.roster_id, r.base, c.slot, c.attempt,
            c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at, c.observed_at,
            case c.outcome when 0 then 'answered' when 1 then 'missed' else 'held' end as outcome,
            c.missed_reason as reason, cardinality(r.account_ids) as asked,
            case when c.outcome <> 0 then 0 when c.answered is null then cardinality(r.account_ids)
                else bit_count(c.answered)::int end as answered,
            array(
                select e.reason || '=' || jsonb_array_length(e.positions)
                from jsonb_each(c.missed) as e (reason, positions) order by 1
            ) as missed,
            cardinality(r.canary_ids) as controls, coalesce(c.silent, '{}') as silent_on, c.recorded_at
        from coverage c join roster r using (roster_id)
        where c.observed_at >= coalesce($1::timestamptz, '-infinity')
            and c.observed_at < coalesce($2::timestamptz, 'infinity')
            and c.recorded_at <= coalesce($3::timestamptz, 'infinity')
            and ($4::text is null or r.account_ids && array(
                select m.account_id::int from membership m join watch_list l using (list_id)
                where l.name = $4
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($5::text is null or r.platform = $5)
        order by c.observed_at, c.slot, c.roster_id, c.attempt
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
        wanted.platform,
    )


async def readings(conn: Conn, wanted: ExportFilter) -> Rows:
    """Every single reading of our own connection, month by month, in each by account and time."""
    await with_archived(conn, wanted.since, wanted.until)
    return await rows_of_each(
        conn,
        """
        select a.platform, a.native_id as account_id, a.handle, a.is_post as post, r.asked_at, r.at, r.status,
            r.withheld_in, r.strength, r.flags, r.silent_on, r.roster_id, r.recorded_at, r.change_id
        from account a
        cross join lateral (
            select * from account_readings(
                a.account_id, $1::timestamptz, $2::timestamptz, coalesce($3::timestamptz, 'infinity')
            )
        ) r
        where ($4::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = a.account_id and l.name = $4
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($5::text is null or a.platform = $5)
        order by a.account_id, r.at, r.roster_id
        """,
        [
            (since, until, wanted.known_at, wanted.list_name, wanted.platform)
            for since, until in await _months(conn, wanted)
        ],
    )


async def _months(conn: Conn, wanted: ExportFilter) -> Sequence[tuple[datetime, datetime]]:
    """The months, cut to what is wanted, in which anything was asked."""
    rows = await conn.fetch(
        """
        select greatest(month, $1::timestamptz) as since,
            least(
                (month at time zone 'UTC' + interval '1 month') at time zone 'UTC', $2::timestamptz
            ) as until
        from (
            select min(first.at) as first, max(last.at) as last
            from roster r
            cross join lateral (
                select observed_at as at from coverage
                where roster_id = r.roster_id order by observed_at limit 1
            ) first
            cross join lateral (
                select observed_at as at from coverage
                where roster_id = r.roster_id order by observed_at desc limit 1
            ) last
        ) asked
        cross join lateral (
            select m at time zone 'UTC' as month
            from generate_series(
                date_trunc('month', first at time zone 'UTC'), last at time zone 'UTC', interval '1 month'
            ) as m
        ) months
        where month < coalesce($2, 'infinity')
            and month at time zone 'UTC' + interval '1 month' > coalesce($1, '-infinity') at time zone 'UTC'
        order by month
        """,
        wanted.since,
        wanted.until,
    )
    return [(r["since"], r["until"]) for r in rows]
