-- Months of coverage whose rows are in an archive: files of an Iceberg table, outside of the database. Of such a
-- month, the database keeps the rows that questions about later times need, where its files are, and its counts.

create table archived_month (
    month date primary key check (extract(day from month) = 1),
    archived_at timestamptz not null,
    rows bigint not null,
    kept bigint not null,
    rows_sha256 bytea not null,
    first_observed timestamptz not null,
    last_observed timestamptz not null,
    last_recorded timestamptz not null,
    catalog_metadata text not null
);
comment on table archived_month is
    'A month of coverage whose rows are in the archive. Rows that were recorded later are in coverage_row.';
comment on column archived_month.month is 'The first day of the month of the planned times, in UTC.';
comment on column archived_month.archived_at is 'When it was archived.';
comment on column archived_month.rows is 'How many rows its files have.';
comment on column archived_month.kept is 'How many of them are in coverage_row as well.';
comment on column archived_month.rows_sha256 is
    'SHA-256 of all rows in the order of roster_id, observed_at, slot and attempt. docs/how-to/archive.md says how.';
comment on column archived_month.first_observed is 'The first time of an answer or a failure in its files.';
comment on column archived_month.last_observed is 'The last one.';
comment on column archived_month.last_recorded is 'When the row that was recorded last counted as known.';
comment on column archived_month.catalog_metadata is 'Address of the metadata of the Iceberg table with this month.';

create table archived_file (
    address text primary key,
    month date not null references archived_month on delete cascade,
    rows bigint not null,
    bytes bigint not null,
    sha256 bytea not null
);
create index archived_file_month on archived_file (month);
comment on table archived_file is 'A Parquet file of an archived month.';
comment on column archived_file.address is 'Where it is.';
comment on column archived_file.month is 'The month.';
comment on column archived_file.rows is 'How many rows it has.';
comment on column archived_file.bytes is 'Its size.';
comment on column archived_file.sha256 is 'SHA-256 of its bytes.';

create table archived_week (
    month date not null references archived_month on delete cascade,
    week timestamptz not null,
    requests bigint not null,
    last_recorded timestamptz not null,
    primary key (month, week)
);
comment on table archived_week is 'How many rows of an archived month are in its files alone, by week.';
comment on column archived_week.month is 'The month.';
comment on column archived_week.week is 'Beginning of the week of the planned times, in UTC.';
comment on column archived_week.requests is 'How many rows.';
comment on column archived_week.last_recorded is 'When the one that was recorded last counted as known.';

create table archived_day (
    month date not null references archived_month on delete cascade,
    day date not null,
    platform text not null,
    is_post boolean not null,
    requests bigint not null,
    requests_missed bigint not null,
    requests_quarantined bigint not null,
    readings bigint not null,
    attempts_without_reading bigint not null,
    accounts_asked bigint not null,
    accounts_read bigint not null,
    first_reading_at timestamptz,
    last_reading_at timestamptz,
    primary key (day, platform, is_post)
);
comment on table archived_day is
    'What the view blockline_read.coverage_by_day showed of an archived month when it was archived.';
comment on column archived_day.month is 'The month.';
comment on column archived_day.day is 'As in the view.';
comment on column archived_day.platform is 'As in the view.';
comment on column archived_day.is_post is 'As in the view.';
comment on column archived_day.requests is 'As in the view.';
comment on column archived_day.requests_missed is 'As in the view.';
comment on column archived_day.requests_quarantined is 'As in the view.';
comment on column archived_day.readings is 'As in the view.';
comment on column archived_day.attempts_without_reading is 'As in the view.';
comment on column archived_day.accounts_asked is 'As in the view.';
comment on column archived_day.accounts_read is 'As in the view.';
comment on column archived_day.first_reading_at is 'As in the view.';
comment on column archived_day.last_reading_at is 'As in the view.';

create table archive_run (
    run_id bigint generated always as identity primary key,
    at timestamptz not null,
    months int not null,
    failure text
);
comment on table archive_run is 'When months were sought that are old enough to be archived.';
comment on column archive_run.run_id is 'Number of the run.';
comment on column archive_run.at is 'When it was done.';
comment on column archive_run.months is 'How many months were archived.';
comment on column archive_run.failure is 'Why it failed. Null: it did not.';
create trigger archive_run_append_only before update or delete on archive_run
    for each row execute function refuse_rewriting();
create trigger archive_run_no_truncate before truncate on archive_run
    for each statement execute function refuse_rewriting();

create or replace view blockline_read.coverage_by_day as
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
    where r.vantage = '' and not exists (
        select from archived_month a
        where a.month = date_trunc('month', c.observed_at at time zone 'UTC')::date
    )
    group by 1, r.roster_id
) r
cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
cross join lateral (
    select r.answered_by_all + count(*) as readings
    from unnest(r.answers) as b (bits) where answered_at(b.bits, m.position)
) n
group by r.day, r.platform, r.is_post
union all
select day, platform, is_post, requests, requests_missed, requests_quarantined, readings,
    attempts_without_reading, accounts_asked, accounts_read, first_reading_at, last_reading_at
from archived_day;

create or replace function blockline_read.states_at(at timestamptz, known_at timestamptz default null)
returns table (
    account_id bigint, platform text, native_id text, handle text, is_post boolean, is_watched boolean, status text,
    withheld_in text[], flags text[], last_seen_old timestamptz, first_seen_new timestamptz, last_read_at timestamptz,
    recorded_at timestamptz, source text, change_id bigint
) stable security definer language plpgsql as $$
#variable_conflict use_column
declare
    moment timestamptz := states_at.at;
    known timestamptz := coalesce(states_at.known_at, now());
    archived date;
begin
    if moment is null or moment > now() or known > now() then
        raise exception 'states_at: at is missing, or at or known_at is in the future'
            using errcode = 'invalid_parameter_value';
    end if;
    -- Of an archived month, the database has only what was read last.
    select min(m.month) into archived from archived_month m
    where m.first_observed <= moment and (m.last_observed >= moment or m.last_recorded > known);
    if archived is not null then
        raise exception 'states_at: the requests of % are archived, so last_read_at is not known',
            to_char(archived, 'YYYY-MM')
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'Use the command blockline status --at, or bring the month back: blockline unarchive MONTH.';
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
do $$
begin
    execute format(
        'alter function blockline_read.states_at(timestamptz, timestamptz) set search_path = %I, pg_temp',
        current_schema()
    );
end
$$;
comment on function blockline_read.states_at is
    'The state of every account and post at a time, by what was recorded by known_at (null: by now), in columns as in '
    'states. A time in the future or in an archived month is refused. is_watched is as of known_at; handles are the '
    'present ones.';

create function keep_archive_from(role_name text) returns void language plpgsql as $$
begin
    execute format(
        'revoke insert, update, delete on archived_month, archived_file, archived_week, archived_day from %I',
        role_name
    );
    execute format('revoke update, delete on archive_run from %I', role_name);
end
$$;
comment on function keep_archive_from is
    'Lets only the owner record what is archived. To be run after each grant_running, which grants writing to all '
    'tables that it does not know.';
revoke all on function keep_archive_from(text) from public;
do $$
begin
    execute format('alter function keep_archive_from(text) set search_path = %I, pg_temp', current_schema());
end
$$;
