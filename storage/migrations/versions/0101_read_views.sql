-- Views for SQL clients, in a schema of their own: their names and columns are stable, those of the tables are not.
-- A view reads its tables with the rights of its owner, but a function that it calls has the rights of the client. So
-- what a function has to read for a view stands here, in functions with the rights of the owner. Clients get only what
-- grant_reading grants.

do $$
begin
    -- If the owner of the tables may not create schemas, an administrator has created this one for them.
    if to_regnamespace('blockline_read') is null then
        create schema blockline_read;
    end if;
end
$$;
comment on schema blockline_read is
    'Views for SQL clients. Nothing in it can be written. It contains no password, token, note, text of an email or '
    'raw answer, and no control account.';

create function blockline_read.state_flags(
    account_id bigint, status text, change_flags text[], since timestamptz, until timestamptz, known_at timestamptz
) returns text[] stable parallel safe security definer language sql as $$
    select flags from scoped_flags($1, $2, $3, $4, $5, $6)
$$;
comment on function blockline_read.state_flags is
    'Side facts of a state, with who took the account down. The views call it. Null if the beginning was not seen.';

-- accounts ------------------------------------------------------------------------------------------------
create view blockline_read.accounts as
select a.account_id, a.platform, a.native_id, a.handle, a.is_post, a.watched as is_watched, a.added_at,
    exists (select from executive e where e.account_id = a.account_id) as is_executive,
    a.tags, a.followers, a.followers_at,
    array(
        select l.name from watch_list_member m join watch_list l using (list_id)
        where m.account_id = a.account_id order by l.name
    ) as lists,
    array(
        select o.reference from watch_list_member m join legal_order o using (list_id)
        where m.account_id = a.account_id order by o.reference
    ) as orders,
    -- As last_answer, planned once for all accounts.
    (
        select max(e.observed_at)
        from roster r
        cross join lateral (
            select c.observed_at from coverage c
            where c.roster_id = r.roster_id and c.outcome = 0 and c.observed_at <= now()
                and answered_at(c.answered, array_position(r.account_ids, a.account_id::int))
            order by c.observed_at desc limit 1
        ) e
        where r.account_ids @> array[a.account_id::int] and r.vantage = ''
    ) as last_read_at
from account a
where not exists (select from canary k where k.account_id = a.account_id);
comment on view blockline_read.accounts is 'Stored accounts and posts, watched or not, without control accounts.';
comment on column blockline_read.accounts.account_id is
    'Blockline''s number of the account, the same in all views and in the address of its page.';
comment on column blockline_read.accounts.platform is 'The platform, such as x or bluesky.';
comment on column blockline_read.accounts.native_id is 'The platform''s own id, which never changes.';
comment on column blockline_read.accounts.handle is
    'The handle as last seen. It may change, so do not use it as a key.';
comment on column blockline_read.accounts.is_post is 'Whether it is a post or a video, and not an account.';
comment on column blockline_read.accounts.is_watched is 'Whether it is read now.';
comment on column blockline_read.accounts.added_at is 'When it was added.';
comment on column blockline_read.accounts.is_executive is 'Whether its engagements are collected.';
comment on column blockline_read.accounts.tags is 'Its tags.';
comment on column blockline_read.accounts.followers is
    'How many followers it has, as the team entered it. Null: no number was entered.';
comment on column blockline_read.accounts.followers_at is 'When that number was stored. Null: there is none.';
comment on column blockline_read.accounts.lists is 'The lists that it is on now, by name.';
comment on column blockline_read.accounts.orders is 'The references of the orders on whose lists it is now.';
comment on column blockline_read.accounts.last_read_at is
    'The newest reading over the installation''s own connection. Null: it was never read.';

-- states --------------------------------------------------------------------------------------------------
create view blockline_read.states as
select a.account_id, a.platform, a.native_id, a.handle, a.is_post, a.is_watched, s.status, s.withheld_in,
    blockline_read.state_flags(
        a.account_id, s.status, case when not s.before_change then c.flags end, lower(s.valid), null, null
    ) as flags,
    s.onset_after as last_seen_old, lower(s.valid) as first_seen_new,
    a.last_read_at, lower(s.recorded) as recorded_at, c.source, s.change_id, n.change_id as provisional_change_id,
    n.status as provisional_status, n.withheld_in as provisional_withheld_in,
    n.last_seen_old as provisional_last_seen_old, n.first_seen_new as provisional_first_seen_new
from blockline_read.accounts a
left join spell s on s.account_id = a.account_id and upper_inf(s.valid) and upper_inf(s.recorded)
left join change c on c.change_id = s.change_id
left join pending_change p on p.account_id = a.account_id
left join change n on n.change_id = p.change_id;
comment on view blockline_read.states is
    'The present state of every account and post, as it was last confirmed. The state was seen until last_read_at; '
    'there was no reading after it.';
comment on column blockline_read.states.account_id is 'The account.';
comment on column blockline_read.states.platform is 'The platform.';
comment on column blockline_read.states.native_id is 'The platform''s own id.';
comment on column blockline_read.states.handle is 'The handle as last seen.';
comment on column blockline_read.states.is_post is 'Whether it is a post or a video, and not an account.';
comment on column blockline_read.states.is_watched is 'Whether it is read now.';
comment on column blockline_read.states.status is
    'The last confirmed status: available, protected, withheld, suspended, deactivated or not_found. Null: no status '
    'was confirmed, which does not mean available.';
comment on column blockline_read.states.withheld_in is
    'The countries that it is withheld in; XX means all countries. Empty unless withheld. Null: no status was confirmed.';
comment on column blockline_read.states.flags is
    'Side facts of the state, with who took the account down. Null: no status was confirmed, or its beginning was not '
    'seen.';
comment on column blockline_read.states.last_seen_old is
    'The last reading with the state before: the state began after it. Null: there is no such reading.';
comment on column blockline_read.states.first_seen_new is
    'The first reading with this state: it began at or before it. Null: no status was confirmed.';
comment on column blockline_read.states.last_read_at is 'The newest reading of the account. Null: it was never read.';
comment on column blockline_read.states.recorded_at is
    'When this was recorded. Null: no status was confirmed.';
comment on column blockline_read.states.source is
    'The platform for Blockline''s own readings, import:NAME for a record that others published. Null: no status was '
    'confirmed.';
comment on column blockline_read.states.change_id is
    'The change that the state began with. Null: no status was confirmed.';
comment on column blockline_read.states.provisional_change_id is
    'The change that newer readings show and that is not confirmed yet. Null: there is none.';
comment on column blockline_read.states.provisional_status is 'The status that it shows. Null: there is none.';
comment on column blockline_read.states.provisional_withheld_in is
    'The countries that it shows. Null: there is no provisional change.';
comment on column blockline_read.states.provisional_last_seen_old is
    'The last reading before it with the state before. Null: there is none.';
comment on column blockline_read.states.provisional_first_seen_new is
    'Its first reading. Null: there is no provisional change.';

create function blockline_read.states_at(at timestamptz, known_at timestamptz default null)
returns table (
    account_id bigint, platform text, native_id text, handle text, is_post boolean, is_watched boolean, status text,
    withheld_in text[], flags text[], last_seen_old timestamptz, first_seen_new timestamptz, last_read_at timestamptz,
    recorded_at timestamptz, source text, change_id bigint
) stable security definer language plpgsql as $$
#variable_conflict use_column
declare
    moment timestamptz := states_at.at;
    known timestamptz := coalesce(states_at.known_at, now());
begin
    if moment is null or moment > now() or known > now() then
        raise exception 'states_at: at is missing, or at or known_at is in the future'
            using errcode = 'invalid_parameter_value';
    end if;
    return query
    select a.account_id, a.platform, a.native_id, a.handle, a.is_post,
        exists (
            select from watch_period w where w.account_id = a.account_id
                and w.since <= known and (w.until is null or w.until > known)
        ),
        s.status, s.withheld_in, f.flags, s.onset_after, lower(s.valid), r.at, lower(s.recorded), c.source,
        s.change_id
    from ordinary_accounts() a
    left join spells_at(moment, known) s on s.account_id = a.account_id
    left join change c on c.change_id = s.change_id
    cross join lateral scoped_flags(
        a.account_id, s.status, case when not s.before_change then c.flags end, lower(s.valid),
        moment + interval '1 microsecond', known
    ) f
    left join last_answer(a.account_id, moment, known) r on true
    where a.added_at <= known
    order by a.account_id;
end
$$;
comment on function blockline_read.states_at is
    'The state of every account and post at a time, by what was recorded by known_at (null: by now), in columns as in '
    'states. A time in the future is refused. is_watched is as of known_at; handles are the present ones.';

-- changes -------------------------------------------------------------------------------------------------
create view blockline_read.changes as
select c.change_id, c.change_key, c.supersedes, c.account_id, a.platform, a.native_id, a.handle, a.is_post, c.kind,
    c.old_status, case when c.old_status is not null then c.old_withheld_in end as old_withheld_in, c.status,
    c.withheld_in, c.flags, c.strength, c.last_seen_old, c.first_seen_new, c.recorded_at,
    coalesce(o.outcome, 'provisional') as outcome, o.reason, coalesce(o.readings, p.agreeing) as readings,
    coalesce(o.last_agreeing_at, p.last_agreeing_at) as last_agreeing_at, o.decided_at, c.source,
    encode(c.old_evidence, 'hex') as old_evidence, encode(c.new_evidence, 'hex') as new_evidence
from standing_change c
join blockline_read.accounts a using (account_id)
left join change_outcome o on o.change_id = c.change_id
left join pending_change p on p.change_id = c.change_id;
comment on view blockline_read.changes is
    'Changes that no later row corrects: provisional, confirmed and not confirmed ones. A change happened after '
    'last_seen_old and at or before first_seen_new; no single time of it is known.';
comment on column blockline_read.changes.change_id is 'Number of the change.';
comment on column blockline_read.changes.change_key is
    'The key of the change, the same in every row that corrects it.';
comment on column blockline_read.changes.supersedes is 'The row that this one corrects. Null: it corrects none.';
comment on column blockline_read.changes.account_id is 'The account.';
comment on column blockline_read.changes.platform is 'The platform.';
comment on column blockline_read.changes.native_id is 'The platform''s own id.';
comment on column blockline_read.changes.handle is 'The handle as last seen.';
comment on column blockline_read.changes.is_post is 'Whether it is about a post or a video, and not an account.';
comment on column blockline_read.changes.kind is
    'The kind: baseline (the first state that was seen), block, restoration, partial, protection, gone or return.';
comment on column blockline_read.changes.old_status is 'The status before. Null: nothing was known before.';
comment on column blockline_read.changes.old_withheld_in is
    'The countries that it was withheld in before. Null: nothing was known before.';
comment on column blockline_read.changes.status is 'The status after.';
comment on column blockline_read.changes.withheld_in is
    'The countries that it is withheld in after; XX means all countries. Empty unless withheld.';
comment on column blockline_read.changes.flags is 'Side facts of the first reading with the new state.';
comment on column blockline_read.changes.strength is
    'Strong: the platform states it. Weak: it is concluded from what is missing.';
comment on column blockline_read.changes.last_seen_old is
    'The last reading with the old state: the change happened after it. Null: there is no such reading.';
comment on column blockline_read.changes.first_seen_new is
    'The first reading with the new state: the change happened at or before it.';
comment on column blockline_read.changes.recorded_at is 'When it was recorded.';
comment on column blockline_read.changes.outcome is 'provisional, confirmed or not_confirmed.';
comment on column blockline_read.changes.reason is 'Why it ended so. Null: it is provisional.';
comment on column blockline_read.changes.readings is
    'How many readings agreed. Null: it is of a record that others published.';
comment on column blockline_read.changes.last_agreeing_at is
    'The last reading that agreed. Null: it is of a record that others published.';
comment on column blockline_read.changes.decided_at is 'When the outcome was recorded. Null: it is provisional.';
comment on column blockline_read.changes.source is
    'The platform for Blockline''s own readings, import:NAME for a record that others published.';
comment on column blockline_read.changes.old_evidence is
    'SHA-256 of the stored answer with the old state. Null: none was kept.';
comment on column blockline_read.changes.new_evidence is
    'SHA-256 of the stored answer with the new state. Null: none was kept.';

-- spells --------------------------------------------------------------------------------------------------
create view blockline_read.spells as
select s.account_id, a.platform, a.native_id, a.handle, a.is_post, s.status, s.withheld_in,
    blockline_read.state_flags(
        s.account_id, s.status, case when not s.before_change then c.flags end, lower(s.valid), upper(s.valid), null
    ) as flags,
    s.onset_after as last_seen_old, lower(s.valid) as first_seen_new, n.onset_after as last_seen,
    upper(s.valid) as first_seen_next, lower(s.recorded) as recorded_at, c.source, s.change_id
from spell s
join blockline_read.accounts a using (account_id)
join change c on c.change_id = s.change_id
left join spell n on n.account_id = s.account_id and lower(n.valid) = upper(s.valid) and upper_inf(n.recorded)
where upper_inf(s.recorded);
comment on view blockline_read.spells is
    'Status periods: the times in which an account had one confirmed state, each end with the two readings that bound '
    'it.';
comment on column blockline_read.spells.account_id is 'The account.';
comment on column blockline_read.spells.platform is 'The platform.';
comment on column blockline_read.spells.native_id is 'The platform''s own id.';
comment on column blockline_read.spells.handle is 'The handle as last seen.';
comment on column blockline_read.spells.is_post is 'Whether it is of a post or a video, and not an account.';
comment on column blockline_read.spells.status is 'The status in this time.';
comment on column blockline_read.spells.withheld_in is
    'The countries that it was withheld in; XX means all countries. Empty unless withheld.';
comment on column blockline_read.spells.flags is 'Side facts of the state. Null: its beginning was not seen.';
comment on column blockline_read.spells.last_seen_old is
    'The last reading with the state before: the period began after it. Null: there is no such reading.';
comment on column blockline_read.spells.first_seen_new is
    'The first reading with this state: the period began at or before it.';
comment on column blockline_read.spells.last_seen is
    'The last reading with this state before the next one: the period ended after it. Null: it has not ended, or there '
    'is no such reading.';
comment on column blockline_read.spells.first_seen_next is
    'The first reading with the next state: the period ended at or before it. Null: it has not ended.';
comment on column blockline_read.spells.recorded_at is 'When this was recorded.';
comment on column blockline_read.spells.source is
    'The platform for Blockline''s own readings, import:NAME for a record that others published.';
comment on column blockline_read.spells.change_id is 'The change that it began with.';

-- coverage ------------------------------------------------------------------------------------------------
create view blockline_read.coverage_by_day as
select r.day, r.platform, r.is_post,
    (sum(r.requests) filter (where m.position = 1))::bigint as requests,
    (sum(r.missed) filter (where m.position = 1))::bigint as requests_missed,
    (sum(r.quarantined) filter (where m.position = 1))::bigint as requests_quarantined,
    sum(n.readings)::bigint as readings,
    sum(r.requests - n.readings)::bigint as attempts_without_reading,
    count(distinct m.account_id) as accounts_asked,
    count(distinct m.account_id) filter (where n.readings > 0) as accounts_read,
    min(r.first_reading_at) as first_reading_at, max(r.last_reading_at) as last_reading_at
from (
    select (c.observed_at at time zone 'UTC')::date as day, r.platform, r.account_ids,
        -- A request asks for accounts or for posts.
        exists (select from account a where a.account_id = r.account_ids[1] and a.is_post) as is_post,
        count(*) as requests, count(*) filter (where c.outcome = 1) as missed,
        count(*) filter (where c.outcome = 2) as quarantined,
        count(*) filter (where c.outcome = 0 and c.answered is null) as answered_by_all,
        array_agg(c.answered) filter (where c.outcome = 0 and c.answered is not null) as answers,
        min(c.observed_at) filter (where c.outcome = 0 and bit_count(c.answered) is distinct from 0) as first_reading_at,
        max(c.observed_at) filter (where c.outcome = 0 and bit_count(c.answered) is distinct from 0) as last_reading_at
    from coverage c join roster r using (roster_id)
    where r.vantage = ''
    group by 1, r.roster_id
) r
cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
cross join lateral (
    select r.answered_by_all + count(*) as readings
    from unnest(r.answers) as b (bits) where answered_at(b.bits, m.position)
) n
group by r.day, r.platform, r.is_post;
comment on view blockline_read.coverage_by_day is
    'What was read on each day (UTC) over the installation''s own connection. A day without a row was not observed: '
    'nothing was asked. Filter by day; without a filter all requests are counted.';
comment on column blockline_read.coverage_by_day.day is 'The day, in UTC, on which the answers came.';
comment on column blockline_read.coverage_by_day.platform is 'The platform.';
comment on column blockline_read.coverage_by_day.is_post is 'Whether posts or videos were asked for, and not accounts.';
comment on column blockline_read.coverage_by_day.requests is 'How many requests there were.';
comment on column blockline_read.coverage_by_day.requests_missed is 'How many of them gave no answer.';
comment on column blockline_read.coverage_by_day.requests_quarantined is
    'How many answers were quarantined because their control accounts looked wrong. They are no readings.';
comment on column blockline_read.coverage_by_day.readings is
    'How many conclusive answers about single accounts there were.';
comment on column blockline_read.coverage_by_day.attempts_without_reading is
    'How often an account was asked for without a conclusive answer. It says nothing about the account.';
comment on column blockline_read.coverage_by_day.accounts_asked is 'How many accounts were asked for at least once.';
comment on column blockline_read.coverage_by_day.accounts_read is 'How many accounts were read at least once.';
comment on column blockline_read.coverage_by_day.first_reading_at is 'The first reading of the day. Null: there was none.';
comment on column blockline_read.coverage_by_day.last_reading_at is 'The last reading of the day. Null: there was none.';

-- orders --------------------------------------------------------------------------------------------------
create view blockline_read.orders as
select o.order_id, o.reference, o.title, o.issuer, o.country, o.legal_basis, o.issued_at, o.issued_from, o.issued_to,
    o.deadline_at, o.named_count, l.name as list, o.known_at
from legal_order o join watch_list l using (list_id);
comment on view blockline_read.orders is 'Legal orders, as they are stored now.';
comment on column blockline_read.orders.order_id is 'Number of the order.';
comment on column blockline_read.orders.reference is 'The reference of the order.';
comment on column blockline_read.orders.title is 'Its title.';
comment on column blockline_read.orders.issuer is 'Who issued it.';
comment on column blockline_read.orders.country is 'The country, as an ISO 3166-1 code of two letters.';
comment on column blockline_read.orders.legal_basis is 'The law, such as "Section 69A IT Act".';
comment on column blockline_read.orders.issued_at is
    'The date of issue, to sort by. If sources disagree, it lies between issued_from and issued_to.';
comment on column blockline_read.orders.issued_from is 'The earliest claimed date. Null: only issued_at is known.';
comment on column blockline_read.orders.issued_to is 'The latest claimed date. Null: only issued_at is known.';
comment on column blockline_read.orders.deadline_at is 'When the platform had to comply. Null: no deadline is known.';
comment on column blockline_read.orders.named_count is 'How many accounts it names, stored or not.';
comment on column blockline_read.orders.list is 'The list of its accounts.';
comment on column blockline_read.orders.known_at is 'When the order became known.';

create view blockline_read.order_accounts as
select m.order_id, m.reference, m.account_id, m.platform, m.native_id, m.handle, m.is_post, m.is_watched,
    b.kind, b.was_read, b.periods as block_periods, b.began_before as blocked_before_the_order,
    b.last_seen_old as first_block_last_seen_old, b.first_seen_new as first_block_first_seen_new,
    b.last_seen as last_block_last_seen, b.first_seen_next as last_block_first_seen_next, m.last_read_at
from (
    select o.order_id, o.reference, o.country, coalesce(o.issued_from, o.issued_at) as begins, a.account_id,
        a.platform, a.native_id, a.handle, a.is_post, a.is_watched, a.last_read_at
    from legal_order o
    join watch_list_member w using (list_id)
    join blockline_read.accounts a using (account_id)
    -- Without "offset 0" the planner looks for the newest reading at each use of it.
    offset 0
) m
cross join lateral (
    with stay as (
        select s.*, k.kind, k.kind in ('withheld', 'suspended') as is_block
        from (
            select lower(s.valid) as since, upper(s.valid) as until, s.onset_after, s.status, s.withheld_in,
                not s.before_change and 'suspended_or_deleted' = any(c.flags) as is_unclear
            from spell s join change c using (change_id)
            where s.account_id = m.account_id and upper_inf(s.recorded) and lower(s.valid) <= now()
        ) s
        cross join lateral (
            select case
                when s.status = 'withheld' and not s.withheld_in && array[m.country, 'XX'] then 'withheld_elsewhere'
                when s.status = 'suspended' and s.is_unclear then 'suspended_or_deleted'
                else s.status
            end as kind
        ) k
    ),
    -- Stays that are blocks and follow each other are one block period.
    numbered as (
        select *, count(*) filter (where not is_block) over w as block,
            lead(since) over w as next_since, lead(onset_after) over w as next_onset_after
        from stay window w as (order by since)
    ),
    period as (
        select min(since) as first_seen_new, (array_agg(onset_after order by since))[1] as last_seen_old,
            (array_agg(next_since order by since desc))[1] as first_seen_next,
            coalesce((array_agg(next_onset_after order by since desc))[1], max(since)) as last_seen
        from numbered where is_block group by block
    ),
    -- A provisional change puts in doubt how long the last state lasted.
    doubt as (
        select c.last_seen_old as at from pending_change p join change c using (change_id)
        where p.account_id = m.account_id and c.first_seen_new <= now()
    ),
    counted as (
        select first_seen_new, last_seen_old, first_seen_next,
            case when first_seen_next is not null then last_seen end as last_seen
        from period
        where greatest(first_seen_new, case
            when first_seen_next is not null then last_seen
            when m.last_read_at is not null then least(m.last_read_at, (select at from doubt))
        end) >= m.begins
    )
    select
        (select kind from stay where until is null or until > now() order by since desc limit 1) as kind,
        exists (select from stay) as was_read,
        count(*) as periods, min(first_seen_new) <= m.begins as began_before,
        min(first_seen_new) as first_seen_new,
        (array_agg(last_seen_old order by first_seen_new))[1] as last_seen_old,
        (array_agg(last_seen order by first_seen_new desc))[1] as last_seen,
        (array_agg(first_seen_next order by first_seen_new desc))[1] as first_seen_next
    from counted
) b;
comment on view blockline_read.order_accounts is
    'The accounts and posts on the list of each order, with the blocks that were seen since the order. Blocked means '
    'withheld in the country of the order or in all countries, or suspended.';
comment on column blockline_read.order_accounts.order_id is 'The order.';
comment on column blockline_read.order_accounts.reference is 'The reference of the order.';
comment on column blockline_read.order_accounts.account_id is 'The account.';
comment on column blockline_read.order_accounts.platform is 'The platform.';
comment on column blockline_read.order_accounts.native_id is 'The platform''s own id.';
comment on column blockline_read.order_accounts.handle is 'The handle as last seen.';
comment on column blockline_read.order_accounts.is_post is 'Whether it is a post or a video, and not an account.';
comment on column blockline_read.order_accounts.is_watched is 'Whether it is read now.';
comment on column blockline_read.order_accounts.kind is
    'The present state for readers in the country of the order: withheld, suspended, suspended_or_deleted, '
    'deactivated, not_found, withheld_elsewhere, protected or available. Null: no status was confirmed.';
comment on column blockline_read.order_accounts.was_read is 'Whether a status was ever confirmed.';
comment on column blockline_read.order_accounts.block_periods is
    'In how many periods it was seen blocked since the order. 0 says nothing if was_read is false.';
comment on column blockline_read.order_accounts.blocked_before_the_order is
    'Whether the first of these blocks was seen before the order was issued. Null: none was seen.';
comment on column blockline_read.order_accounts.first_block_last_seen_old is
    'The first block began after this reading. Null: no block was seen, or no reading came before it.';
comment on column blockline_read.order_accounts.first_block_first_seen_new is
    'The first block began at or before this reading. Null: no block was seen.';
comment on column blockline_read.order_accounts.last_block_last_seen is
    'The last block ended after this reading. Null: no block was seen, or it has not ended.';
comment on column blockline_read.order_accounts.last_block_first_seen_next is
    'The last block ended at or before this reading. Null: no block was seen, or it has not ended.';
comment on column blockline_read.order_accounts.last_read_at is
    'The newest reading of the account. Null: it was never read.';

create view blockline_read.compliance as
select o.order_id, o.reference, o.title, o.country, o.deadline_at, t.is_post,
    case when not t.is_post then o.named_count end as named,
    count(m.account_id) as on_list,
    count(*) filter (where m.is_watched) as watched,
    count(*) filter (where m.was_read) as read,
    case when bool_or(m.was_read) then count(*) filter (where m.block_periods > 0) end as ever_blocked,
    case when bool_or(m.was_read) then count(*) filter (where m.blocked_before_the_order) end as blocked_before_the_order,
    case when bool_or(m.was_read) then count(*) filter (
        where m.block_periods > 0 and m.kind in ('withheld', 'suspended')
    ) end as blocked_now,
    case when bool_or(m.was_read) then count(*) filter (
        where m.block_periods > 0 and m.kind in ('available', 'protected', 'withheld_elsewhere')
    ) end as restored,
    case when bool_or(m.was_read) then count(*) filter (
        where m.block_periods > 0 and m.kind in ('suspended_or_deleted', 'deactivated', 'not_found')
    ) end as gone_since,
    min(m.last_read_at) as oldest_last_read_at
from blockline_read.orders o
cross join (values (false), (true)) as t (is_post)
left join blockline_read.order_accounts m on m.order_id = o.order_id and m.is_post = t.is_post
group by o.order_id, o.reference, o.title, o.country, o.deadline_at, o.named_count, t.is_post
having not t.is_post or count(m.account_id) > 0;
comment on view blockline_read.compliance is
    'How far each order was followed by now: a row for its accounts, and one for its posts if there are any on its '
    'list. Counts of blocks are null as long as none was read.';
comment on column blockline_read.compliance.order_id is 'The order.';
comment on column blockline_read.compliance.reference is 'The reference of the order.';
comment on column blockline_read.compliance.title is 'Its title.';
comment on column blockline_read.compliance.country is 'Its country.';
comment on column blockline_read.compliance.deadline_at is
    'When the platform had to comply. Null: no deadline is known.';
comment on column blockline_read.compliance.is_post is 'Whether posts are counted, and not accounts.';
comment on column blockline_read.compliance.named is
    'How many accounts the order names, stored or not. Null for posts: orders do not say how many they name.';
comment on column blockline_read.compliance.on_list is 'How many of them are on its list.';
comment on column blockline_read.compliance.watched is 'How many of those are read now.';
comment on column blockline_read.compliance.read is 'How many have had a confirmed status.';
comment on column blockline_read.compliance.ever_blocked is
    'How many were seen blocked since the order, at any time. Null: none was read.';
comment on column blockline_read.compliance.blocked_before_the_order is
    'Of ever_blocked, those that were seen blocked before the order was issued. Null: none was read.';
comment on column blockline_read.compliance.blocked_now is
    'Of ever_blocked, those that were blocked when last read. Null: none was read.';
comment on column blockline_read.compliance.restored is
    'Of ever_blocked, those that the platform shows again. Null: none was read.';
comment on column blockline_read.compliance.gone_since is
    'Of ever_blocked, those that are gone, so neither blocked nor shown. Null: none was read.';
comment on column blockline_read.compliance.oldest_last_read_at is
    'Of the newest readings of those that were read, the oldest: one of these figures is as old as that. Null: none '
    'was read.';

-- engagements ---------------------------------------------------------------------------------------------
create view blockline_read.engagements as
select s.signal_id as engagement_id, s.account_id, a.platform, a.native_id, a.handle, e.name as person, s.kind,
    s.native_id as act_id, s.made_after, s.made_at, s.first_seen_at, s.target_id, s.target_author_id,
    t.account_id as target_account_id, s.doubts, s.source, coalesce(s.recorded_at, s.first_seen_at) as recorded_at
from signal s
join executive e using (account_id)
join account a using (account_id)
left join account t on t.platform = a.platform and t.native_id = s.target_author_id;
comment on view blockline_read.engagements is
    'Likes, reposts, quotes, replies, posts and follows of executives. A kind without a row was not necessarily absent: '
    'engagement_access shows what can be observed.';
comment on column blockline_read.engagements.engagement_id is 'Number of the engagement.';
comment on column blockline_read.engagements.account_id is 'The account of the executive.';
comment on column blockline_read.engagements.platform is 'The platform.';
comment on column blockline_read.engagements.native_id is 'The platform''s own id of that account.';
comment on column blockline_read.engagements.handle is 'Its handle as last seen.';
comment on column blockline_read.engagements.person is 'The name of the executive.';
comment on column blockline_read.engagements.kind is 'like, repost, quote, reply, post, follow or unfollow.';
comment on column blockline_read.engagements.act_id is 'The platform''s own id of the engagement.';
comment on column blockline_read.engagements.made_after is
    'It was made after this and at or before first_seen_at. Null: no reading bounds it.';
comment on column blockline_read.engagements.made_at is
    'When it was made, as the platform states it. Null: the platform does not state it.';
comment on column blockline_read.engagements.first_seen_at is 'The first reading that showed it.';
comment on column blockline_read.engagements.target_id is
    'The post or account that it is about, by the platform''s own id. Null: none.';
comment on column blockline_read.engagements.target_author_id is
    'The account that it is about, by the platform''s own id. Null: not known.';
comment on column blockline_read.engagements.target_account_id is
    'The same as a number in accounts. Null: that account is not stored, or not known.';
comment on column blockline_read.engagements.doubts is 'What may be wrong with it. Empty: nothing is known.';
comment on column blockline_read.engagements.source is 'Who recorded it. Empty: Blockline''s own collector.';
comment on column blockline_read.engagements.recorded_at is 'When it was recorded.';

create view blockline_read.engagement_access as
select s.account_id, a.platform, a.native_id, a.handle, e.name as person, s.kind, s.since,
    lead(s.since) over (partition by s.account_id, s.kind order by s.since) as until, s.observable as is_observable,
    s.reason
from signal_access s
join executive e using (account_id)
join account a using (account_id);
comment on view blockline_read.engagement_access is
    'Which kinds of engagement of an executive can be observed, and since when. What is not observable is never zero.';
comment on column blockline_read.engagement_access.account_id is 'The account of the executive.';
comment on column blockline_read.engagement_access.platform is 'The platform.';
comment on column blockline_read.engagement_access.native_id is 'The platform''s own id of that account.';
comment on column blockline_read.engagement_access.handle is 'Its handle as last seen.';
comment on column blockline_read.engagement_access.person is 'The name of the executive.';
comment on column blockline_read.engagement_access.kind is 'The kind of engagement.';
comment on column blockline_read.engagement_access.since is 'From when this holds.';
comment on column blockline_read.engagement_access.until is 'Until when. Null: it holds now.';
comment on column blockline_read.engagement_access.is_observable is 'Whether it can be observed.';
comment on column blockline_read.engagement_access.reason is 'Why.';

-- deliveries ----------------------------------------------------------------------------------------------
create view blockline_read.deliveries as
select m.mail_id, m.kind, m.state, m.recipients[1] as recipient, m.subject, m.created_at, m.attempts, m.next_attempt_at,
    m.sent_at, m.merged_into,
    (select count(*) from mail_alert t where t.mail_id = m.mail_id) as changes,
    array(
        select r.name from story s join alert_rule r using (rule_id) where s.story_id = m.story_id
        union
        -- A digest belongs to no incident, but to the rule that decided at that time to notify its recipient.
        select r.name
        from mail_alert t
        join alert_decision d on d.alert_id = t.alert_id and d.decided_at = m.created_at
        join alert_rule r on r.rule_id = d.rule_id and r.definition -> 'recipients' ? m.recipients[1]
        where t.mail_id = m.mail_id and m.story_id is null and m.kind = 'digest'
        order by name
    ) as rules,
    case when s.acknowledged_wave >= m.wave then s.acknowledged_at end as acknowledged_at
from mail m left join story s on s.story_id = m.story_id;
comment on view blockline_read.deliveries is
    'Emails and messages, each to one recipient, with what became of them, and without their text.';
comment on column blockline_read.deliveries.mail_id is 'Number of the email or message.';
comment on column blockline_read.deliveries.kind is 'What it is, such as digest, reminder or reply.';
comment on column blockline_read.deliveries.state is
    'queued, sent (a server accepted it), dead (failed permanently) or merged into a later one.';
comment on column blockline_read.deliveries.recipient is 'The email address, or the name of the channel.';
comment on column blockline_read.deliveries.subject is 'The subject.';
comment on column blockline_read.deliveries.created_at is 'When it was written.';
comment on column blockline_read.deliveries.attempts is 'How often it was tried.';
comment on column blockline_read.deliveries.next_attempt_at is 'When it is tried next. Null: it is not queued.';
comment on column blockline_read.deliveries.sent_at is 'When a server accepted it. Null: no server did.';
comment on column blockline_read.deliveries.merged_into is
    'The later one that contains it. Null: it was not merged.';
comment on column blockline_read.deliveries.changes is 'How many changes it reports.';
comment on column blockline_read.deliveries.rules is 'The names of the rules that sent it. Empty: no rule did.';
comment on column blockline_read.deliveries.acknowledged_at is
    'When its group of changes, or a later one of the incident, was acknowledged. Null: it was not.';

-- rights --------------------------------------------------------------------------------------------------
do $$
begin
    execute format(
        'alter function blockline_read.state_flags(bigint, text, text[], timestamptz, timestamptz, timestamptz) '
        'set search_path = %I, pg_temp',
        current_schema()
    );
    execute format(
        'alter function blockline_read.states_at(timestamptz, timestamptz) set search_path = %I, pg_temp',
        current_schema()
    );
end
$$;
revoke execute on all functions in schema blockline_read from public;

create function grant_reading(role_name text) returns void language plpgsql as $$
begin
    execute format('grant usage on schema blockline_read to %I', role_name);
    execute format('grant select on all tables in schema blockline_read to %I', role_name);
    execute format('grant execute on all functions in schema blockline_read to %I', role_name);
end
$$;
comment on function grant_reading is
    'Gives a role the right to read the views of blockline_read, and no other right. To be run again after each '
    'migration.';
revoke all on function grant_reading(text) from public;
