"""Exported rows of who is watched and why: accounts, lists, orders; and what executives did."""

from storage.export.row_stream import Rows, rows_of
from storage.model.evidence.export_kinds import ExportFilter
from storage.postgres.pool import Conn


async def accounts(conn: Conn, wanted: ExportFilter) -> Rows:
    """Every stored account and post, watched or not, executives and control accounts as such.

    Of an earlier knowledge only those who were on file by then, with whether they were watched then; all else
    of them is as it is now.
    """
    return await rows_of(
        conn,
        """
        select a.platform, a.native_id as account_id, a.handle, a.is_post as post,
            exists (
                select from watch_period w where w.account_id = a.account_id
                    and w.since <= coalesce($3::timestamptz, 'infinity') and (w.until is null or w.until > $3)
            ) as watched,
            a.added_at, e.name as executive, e.title, k.account_id is not null as control
        from account a
        left join executive e using (account_id)
        left join canary k on k.account_id = a.account_id and k.retired_at is null
        where ($1::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = a.account_id and l.name = $1
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($2::text is null or a.platform = $2)
            and ($4::boolean is null or a.is_post = $4)
            and (not $5::boolean
                or a.account_id in (select repeatedly_blocked(coalesce($3::timestamptz, 'infinity'), $3)))
            and a.added_at <= coalesce($3::timestamptz, 'infinity')
        order by a.account_id
        """,
        wanted.list_name,
        wanted.platform,
        wanted.known_at,
        wanted.post,
        wanted.repeatedly_blocked,
    )


async def lists(conn: Conn, wanted: ExportFilter) -> Rows:
    """A row for each account on each list; a list without accounts has one row without an account.

    Of an earlier knowledge the lists that there were by then, with the accounts that were on them then.
    """
    return await rows_of(
        conn,
        """
        select l.name as list, l.created_at, o.reference as order, a.platform, a.native_id as account_id,
            a.handle, a.is_post as post, case when a.account_id is not null then exists (
                select from watch_period w where w.account_id = a.account_id
                    and w.since <= coalesce($3::timestamptz, 'infinity') and (w.until is null or w.until > $3)
            ) end as watched,
            m.added_at
        from watch_list l
        left join legal_order o
            on o.list_id = l.list_id and o.known_at <= coalesce($3::timestamptz, 'infinity')
        left join membership m on m.list_id = l.list_id
            and m.added_at <= coalesce($3::timestamptz, 'infinity')
            and (m.removed_at is null or m.removed_at > $3)
        left join account a using (account_id)
        where ($1::text is null or l.name = $1) and ($2::text is null or a.platform = $2)
            and l.created_at <= coalesce($3::timestamptz, 'infinity')
        order by l.name, m.account_id
        """,
        wanted.list_name,
        wanted.platform,
        wanted.known_at,
    )


async def orders(conn: Conn, wanted: ExportFilter) -> Rows:
    """Legal orders by date of issue; a disputed date has the earliest and latest that is claimed.

    As they stood at `known_at`: of each field the first edit after it tells what was before.
    """
    return await rows_of(
        conn,
        """
        select o.reference, o.title, o.issuer, o.country, o.legal_basis, o.issued_at, o.issued_from,
            o.issued_to, o.deadline_at, o.named_count, l.name as list, o.known_at
        from legal_order stored
        cross join lateral (
            select coalesce(jsonb_object_agg(key, value), '{}') as was
            from (
                select distinct on (key) key, value
                from audit_log, jsonb_each(detail -> 'before')
                where action = 'order edited' and subject = 'order ' || stored.reference and at > $3
                order by key, audit_id
            ) edits
            where key <> 'list_name'
        ) past
        cross join lateral jsonb_populate_record(stored, past.was) o
        join watch_list l on l.list_id = stored.list_id
        where o.issued_at >= coalesce($1::timestamptz, '-infinity')
            and o.issued_at < coalesce($2::timestamptz, 'infinity')
            and o.known_at <= coalesce($3::timestamptz, 'infinity')
            and ($4::text is null or l.name = $4)
        order by o.issued_at, o.order_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
    )


async def order_events(conn: Conn, wanted: ExportFilter) -> Rows:
    """Notices, claims, statements and rulings, those too that belong to no order."""
    return await rows_of(
        conn,
        """
        select o.reference as order, e.kind, e.at, e.at_from, e.at_to, e.text, e.source, e.known_at,
            e.claimed, e.claimed_of, e.claimed_what, e.claimed_at_least, e.claimed_targets
        from order_event e
        left join legal_order o using (order_id)
        left join watch_list l using (list_id)
        where e.at >= coalesce($1::timestamptz, '-infinity') and e.at < coalesce($2::timestamptz, 'infinity')
            and e.known_at <= coalesce($3::timestamptz, 'infinity')
            and ($4::text is null or l.name = $4)
        order by e.at, e.order_event_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
    )


async def signals(conn: Conn, wanted: ExportFilter) -> Rows:
    """Acts of executives, at the platform's own time, else at that of the first look that showed them."""
    return await rows_of(
        conn,
        """
        select a.platform, a.native_id as account_id, a.handle, e.name, s.kind, s.native_id as act_id,
            coalesce(s.made_at, s.first_seen_at) as at, s.made_at, s.made_after, s.first_seen_at, s.target_id,
            s.target_author_id, s.doubts, s.source
        from signal s
        join executive e using (account_id)
        join account a using (account_id)
        where coalesce(s.made_at, s.first_seen_at) >= coalesce($1::timestamptz, '-infinity')
            and coalesce(s.made_at, s.first_seen_at) < coalesce($2::timestamptz, 'infinity')
            and coalesce(s.recorded_at, s.first_seen_at) <= coalesce($3::timestamptz, 'infinity')
            and ($4::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = s.account_id and l.name = $4
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($5::text is null or a.platform = $5)
        order by coalesce(s.made_at, s.first_seen_at), s.signal_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
        wanted.platform,
    )


async def renames(conn: Conn, wanted: ExportFilter) -> Rows:
    """Accounts that answered under another handle, each between the last look at the old and the new one."""
    return await rows_of(
        conn,
        """
        select a.platform, a.native_id as account_id, r.old_handle, r.new_handle, a.is_post as post,
            r.last_seen_old, r.first_seen_new, r.recorded_at
        from rename r join account a using (account_id)
        where r.first_seen_new >= coalesce($1::timestamptz, '-infinity')
            and r.first_seen_new < coalesce($2::timestamptz, 'infinity')
            and r.recorded_at <= coalesce($3::timestamptz, 'infinity')
            and ($4::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = r.account_id and l.name = $4
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($5::text is null or a.platform = $5)
        order by r.first_seen_new, r.rename_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
        wanted.platform,
    )


async def facts(conn: Conn, wanted: ExportFilter) -> Rows:
    """What was seen beside the status and began in the range. When an end was recorded is not kept."""
    return await rows_of(
        conn,
        """
        select a.platform, a.native_id as account_id, a.handle, a.is_post as post, f.observer, f.kind,
            f.value, f.last_absent, f.first_seen, f.last_seen, f.first_absent, f.recorded_at
        from fact f join account a using (account_id)
        where f.first_seen >= coalesce($1::timestamptz, '-infinity')
            and f.first_seen < coalesce($2::timestamptz, 'infinity')
            and ($3::text is null or exists (
                select from watch_list_member m join watch_list l using (list_id)
                where m.account_id = f.account_id and l.name = $3
            ))
            and ($4::text is null or a.platform = $4)
        order by f.first_seen, f.fact_id
        """,
        wanted.since,
        wanted.until,
        wanted.list_name,
        wanted.platform,
    )


async def causes(conn: Conn, wanted: ExportFilter) -> Rows:
    """What somebody said was the cause of something, by the date of what was said. Rows that were corrected
    or withdrawn by `known_at` are left out.
    """
    return await rows_of(
        conn,
        """
        select s.cause_id, s.supersedes, s.change_id, a.platform, a.native_id as account_id, a.handle,
            a.is_post as post, o.reference as order, s.kind, s.legal_basis, s.said_by, s.speaker, s.source,
            encode(s.document, 'hex') as document, s.stated_on, s.confidence, s.disputed_by, s.note,
            s.recorded_at, s.recorded_by
        from cause s
        left join change c using (change_id)
        left join account a on a.account_id = coalesce(s.account_id, c.account_id)
        left join legal_order o on o.order_id = s.order_id
        where s.stated_on >= coalesce($1::timestamptz, '-infinity')
            and s.stated_on < coalesce($2::timestamptz, 'infinity')
            and s.recorded_at <= coalesce($3::timestamptz, 'infinity')
            and not s.is_withdrawn
            and not exists (
                select from cause later where later.supersedes = s.cause_id
                    and later.recorded_at <= coalesce($3::timestamptz, 'infinity')
            )
            and ($4::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = a.account_id and l.name = $4
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ) or exists (select from watch_list l where l.list_id = o.list_id and l.name = $4))
            and ($5::text is null or a.platform = $5)
        order by s.stated_on, s.cause_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.list_name,
        wanted.platform,
    )


async def transparency(conn: Conn, wanted: ExportFilter) -> Rows:
    """What platforms published of the demands that they got. Sources overlap: never sum over them."""
    return await rows_of(
        conn,
        """
        select platform, period, country, iso2, court_orders, other_legal_demands, total_demands,
            accounts_specified, accounts_withheld, tweets_withheld, accounts_tos, pct_some_withheld, source,
            source_url, imported_at
        from transparency_report
        where imported_at <= coalesce($1::timestamptz, 'infinity') and ($2::text is null or platform = $2)
        order by platform, period, country, source
        """,
        wanted.known_at,
        wanted.platform,
    )


async def labels(conn: Conn, wanted: ExportFilter) -> Rows:
    """Labels of countries' labelers, also those that later ones replaced, by the time that the labeler gives
    them.
    """
    return await rows_of(
        conn,
        """
        select l.label_id, l.labeler, r.platform, r.country, l.kind, l.subject, l.value,
            l.value = any(r.withholding) as withholds, l.is_negated as withdrawal, l.made_at as stated_at,
            l.expires_at, l.received_at, l.channel, l.signed_by,
            replace(encode(l.content, 'base64'), E'\n', '') as signed_content,
            replace(encode(l.signature, 'base64'), E'\n', '') as signature
        from label l join labeler r using (labeler)
        where l.made_at >= coalesce($1::timestamptz, '-infinity')
            and l.made_at < coalesce($2::timestamptz, 'infinity')
            and l.received_at <= coalesce($3::timestamptz, 'infinity')
            and ($4::text is null or r.platform = $4)
        order by l.made_at, l.label_id
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        wanted.platform,
    )
