"""Exported rows of what happened: changes, spells, the state of every account, the chain."""

from storage.export.row_stream import Rows, rows_of
from storage.model.evidence.export_kinds import ExportFilter
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


async def changes(conn: Conn, wanted: ExportFilter) -> Rows:
    """Changes that nothing superseded, provisional, confirmed and not confirmed ones, by first reading, each
    as it stood at `known_at`.
    """
    return await rows_of(
        conn,
        """
        select change_id, supersedes, platform, native_id as account_id, handle, post, kind, old_status,
            old_withheld_in, status, withheld_in, flags, strength, last_seen_old, first_seen_new, recorded_at,
            outcome, reason, readings, last_agreeing_at, decided_at, source, old_evidence, new_evidence
        from changes_told($3) c
        where not exists (
                select from change later
                where later.supersedes = c.change_id
                    and later.recorded_at <= coalesce($3::timestamptz, 'infinity')
            )
            and first_seen_new >= coalesce($1::timestamptz, '-infinity')
            and first_seen_new < coalesce($2::timestamptz, 'infinity')
            and ($4::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = c.account_id and l.name = $4
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($5::text is null or c.platform = $5)
            and ($6::boolean is null or c.post = $6)
        order by c.first_seen_new, c.change_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
        wanted.platform,
        wanted.post,
    )


async def spells(conn: Conn, wanted: ExportFilter) -> Rows:
    """Periods of one confirmed state that touch the range, each end with the two readings that bound it."""
    return await rows_of(
        conn,
        """
        select a.platform, a.native_id as account_id, a.handle, a.is_post as post, s.status, s.withheld_in,
            f.flags, s.onset_after as last_seen_old, lower(s.valid) as since, n.onset_after as last_seen,
            upper(s.valid) as until, lower(s.recorded) as recorded_at, c.source, s.change_id
        from spells_known($3) s
        join account a using (account_id)
        join change c on c.change_id = s.change_id
        cross join lateral scoped_flags(
            s.account_id, s.status, case when not s.before_change then c.flags end, lower(s.valid),
            upper(s.valid), $3
        ) f
        left join spells_known($3) n on n.account_id = s.account_id and lower(n.valid) = upper(s.valid)
        where s.valid && tstzrange($1::timestamptz, $2::timestamptz)
            and ($4::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = s.account_id and l.name = $4
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($5::text is null or a.platform = $5)
            and ($6::boolean is null or a.is_post = $6)
        order by lower(s.valid), s.account_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
        wanted.platform,
        wanted.post,
    )


async def states(conn: Conn, wanted: ExportFilter) -> Rows:
    """Every account on file by then in the state confirmed for `at`, empty where there is none, by number.

    `last_read_at` is the newest reading up to `at`: until then the state is seen, after it is assumed.
    """
    await with_archived(conn, at := wanted.at or wanted.now, at, known_at=wanted.known_at)
    return await rows_of(
        conn,
        """
        select a.platform, a.native_id as account_id, a.handle, a.is_post as post, exists (
                select from watch_period w where w.account_id = a.account_id
                    and w.since <= $2::timestamptz and (w.until is null or w.until > $2)
            ) as watched,
            $1::timestamptz as at, $2::timestamptz as as_known_at, s.status, s.withheld_in,
            f.flags, s.onset_after as last_seen_old,
            lower(s.valid) as since, r.at as last_read_at,
            lower(s.recorded) as recorded_at, c.source, s.change_id
        from account a
        left join spells_at($1, $2) s on s.account_id = a.account_id
        left join change c on c.change_id = s.change_id
        cross join lateral scoped_flags(
            s.account_id, s.status, case when not s.before_change then c.flags end, lower(s.valid),
            $1::timestamptz + interval '1 microsecond', $2
        ) f
        left join last_answer(a.account_id, $1, $2) r on true
        where ($3::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = a.account_id and l.name = $3
                    and m.added_at <= $2 and (m.removed_at is null or m.removed_at > $2)
            ))
            and ($4::text is null or a.platform = $4)
            and ($5::boolean is null or a.is_post = $5)
            and (not $6::boolean or a.account_id in (select repeatedly_blocked($1, $2)))
            and a.added_at <= $2
        order by a.account_id
        """,
        wanted.at or wanted.now,
        wanted.known_at or wanted.now,
        wanted.list_name,
        wanted.platform,
        wanted.post,
        wanted.repeatedly_blocked,
    )


async def chain(conn: Conn, wanted: ExportFilter) -> Rows:
    """Entries of the hash chain in their order. The head of a day in UTC is the last entry dated on it."""
    return await rows_of(
        conn,
        """
        select seq, kind, change_id, cause_id, at, leaf, entry, is_head
        from (
            select seq, kind, change_id, cause_id, at, encode(leaf, 'hex') as leaf,
                encode(entry, 'hex') as entry,
                seq = max(seq) over (partition by (at at time zone 'UTC')::date) as is_head
            from chain
            where at <= coalesce($3::timestamptz, 'infinity')
        ) e
        where at >= coalesce($1::timestamptz, '-infinity') and at < coalesce($2::timestamptz, 'infinity')
        order by seq
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
    )
