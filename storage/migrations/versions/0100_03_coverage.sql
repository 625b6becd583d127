-- Coverage: proof that we looked. Every single reading is rebuilt from it and from the changes.

create table roster (
    roster_id int generated always as identity primary key,
    platform text not null,
    content_hash bytea not null unique,
    account_ids int[] not null check (cardinality(account_ids) between 1 and 100),
    canary_ids int[] not null,
    base boolean not null,
    created_at timestamptz not null,
    retired_at timestamptz,
    vantage text not null default '',
    place text not null default '',
    out_of_turn text check (out_of_turn in ('ahead', 'promised', 'again', 'sentinel'))
);
-- Which rosters an account was ever asked in. Without the list of pending entries, which costs three times more
-- than what it holds: rosters are made seldom.
create index roster_accounts on roster using gin (account_ids) with (fastupdate = off);
comment on table roster is 'An immutable, ordered set of accounts asked in one request.';
comment on column roster.roster_id is 'Number of the roster.';
comment on column roster.platform is 'The platform.';
comment on column roster.content_hash is 'SHA-256 of all that makes it this roster: the same set is stored once.';
comment on column roster.account_ids is
    'The watched accounts in their order. Four bytes each hold two thousand million accounts.';
comment on column roster.canary_ids is 'The control accounts, asked after them.';
comment on column roster.base is 'Whether the regular sweep reads it.';
comment on column roster.created_at is 'When it was made.';
comment on column roster.retired_at is 'Since when another roster is read in its place. Null: it is in use.';
comment on column roster.vantage is 'Where it is read from. Empty: the installation''s own connection.';
comment on column roster.place is
    'Which server answers for it. Empty where one server answers for the whole platform.';
comment on column roster.out_of_turn is
    'Why it is read out of turn. Null: it is read in turn, or nobody said why.';

create type shortfall as (missed_reason text, answered bytea, missed jsonb, silent text[]);
comment on type shortfall is
    'What a request lacked. A row of more than eight columns pays eight bytes more as soon as one of them is null, and '
    'nearly every request lacks nothing: so these four are one column of coverage_row.';
comment on column shortfall.missed_reason is
    'Why a whole request was missed or quarantined. Null: it was answered.';
comment on column shortfall.answered is
    'Bitmap over account_ids of the roster, lowest bit first: who was answered. Null: all.';
comment on column shortfall.missed is
    'Why the others gave nothing: {"reason": [positions in the roster]}. Null: nobody was missed.';
comment on column shortfall.silent is
    'Countries of which the answer said nothing (a labeler that was not heard). Null: none.';

create function shortfall(missed_reason text, answered bytea, missed jsonb, silent text[]) returns shortfall
immutable parallel safe language sql as $$
    select case
        when num_nonnulls($1, $2, $3, $4) > 0 then row($1, $2, $3, $4)::shortfall
    end
$$;
comment on function shortfall is 'What a request lacked. Null when it lacked nothing.';

-- Wide columns come first, so that nothing is lost to alignment. One request costs a row, an entry in the key and
-- one in the index by roster; the index by time is a summary of blocks. The key leads with the slot: rosters of one
-- sweep are then appended, which fills its pages instead of leaving them half empty.
create table coverage_row (
    slot timestamptz not null,
    observed_at timestamptz not null,
    recorded_at timestamptz not null,
    roster_id int not null references roster,
    latency_ms int not null,
    attempt smallint not null,
    outcome smallint not null check (outcome between 0 and 2),
    lacked shortfall,
    constraint coverage_key primary key (slot, roster_id, attempt)
) partition by range (slot);
create index coverage_roster on coverage_row (roster_id, observed_at);
create index coverage_time on coverage_row using brin (observed_at) with (pages_per_range = 16);
comment on table coverage_row is
    'One attempt to read one roster, as it is written; the view coverage is what is read. A partition per month.';
comment on column coverage_row.slot is 'The planned time. It is not a time of observation.';
comment on column coverage_row.observed_at is 'When the answer came, or the attempt failed.';
comment on column coverage_row.recorded_at is 'When it counts as known.';
comment on column coverage_row.roster_id is 'Who was asked.';
comment on column coverage_row.latency_ms is 'Milliseconds from the request to the answer.';
comment on column coverage_row.attempt is 'Which attempt of this slot, from 0.';
comment on column coverage_row.outcome is
    '0: answered; 1: missed; 2: quarantined, because its control accounts looked wrong. Only 0 counts as coverage.';
comment on column coverage_row.lacked is 'What it lacked. Null: all were answered, of all countries.';

create view coverage as
    select slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, (lacked).missed_reason,
        (lacked).answered, (lacked).missed, (lacked).silent
    from coverage_row;
comment on view coverage is 'Every attempt to read a roster, with what it lacked in columns of their own.';
comment on column coverage.slot is 'The planned time. It is not a time of observation.';
comment on column coverage.observed_at is 'When the answer came, or the attempt failed.';
comment on column coverage.recorded_at is 'When it counts as known.';
comment on column coverage.roster_id is 'Who was asked.';
comment on column coverage.latency_ms is 'Milliseconds from the request to the answer.';
comment on column coverage.attempt is 'Which attempt of this slot, from 0.';
comment on column coverage.outcome is '0: answered; 1: missed; 2: quarantined.';
comment on column coverage.missed_reason is 'Why a whole request was missed or quarantined. Null: it was answered.';
comment on column coverage.answered is
    'Bitmap over account_ids of the roster, lowest bit first: who was answered. Null: all.';
comment on column coverage.missed is
    'Why the others gave nothing: {"reason": [positions in the roster]}. Null: nobody was missed.';
comment on column coverage.silent is 'Countries of which the answer said nothing. Null: none.';

create function answered_at(answered bytea, place bigint) returns boolean
immutable parallel safe language sql as $$
    select answered is null or get_bit(answered, place - 1) = 1
$$;
comment on function answered_at is
    'Whether a request that was answered says something of the account at this place of its roster, counted from 1.';

create function ensure_coverage_month(month date) returns void language plpgsql security definer as $$
declare
    first date := date_trunc('month', month);
    name text := 'coverage_' || to_char(first, 'YYYY_MM');
begin
    if to_regclass(name) is null then
        -- The lock makes those who come together wait; "if not exists" then sees what the first one made.
        perform pg_advisory_xact_lock(hashtext('blockline coverage partition'));
        execute format(
            'create table if not exists %I partition of coverage_row for values from (%L) to (%L)',
            name,
            to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
        );
    end if;
end
$$;
comment on function ensure_coverage_month is
    'Makes the partition of a month, when its first request is recorded. It acts with the rights of the owner, so that '
    'a role which only runs Blockline can have one made, and looks nowhere but where its tables are.';
revoke all on function ensure_coverage_month(date) from public;
do $$
begin
    execute format('alter function ensure_coverage_month(date) set search_path = %I, pg_temp', current_schema());
end
$$;

create table coverage_aside (
    slot timestamptz not null,
    observed_at timestamptz not null,
    recorded_at timestamptz not null,
    roster_id int not null references roster,
    latency_ms int not null,
    attempt smallint not null,
    outcome smallint not null,
    lacked shortfall,
    aside_at timestamptz not null,
    -- A year later the same slot is read in earnest, and may be set aside in its turn.
    primary key (slot, roster_id, attempt, observed_at)
);
comment on table coverage_aside is
    'Requests that a clock dated ahead of time: no proof of when anybody looked. They are kept as they were recorded, '
    'where nothing reads them.';
comment on column coverage_aside.slot is 'The planned time, by the clock that was wrong.';
comment on column coverage_aside.observed_at is 'When the answer came, by the clock that was wrong.';
comment on column coverage_aside.recorded_at is 'When it counted as known, by the clock that was wrong.';
comment on column coverage_aside.roster_id is 'Who was asked.';
comment on column coverage_aside.latency_ms is 'Milliseconds from the request to the answer.';
comment on column coverage_aside.attempt is 'Which attempt of this slot, from 0.';
comment on column coverage_aside.outcome is '0: answered; 1: missed; 2: quarantined.';
comment on column coverage_aside.lacked is 'What it lacked. Null: all were answered, of all countries.';
comment on column coverage_aside.aside_at is 'When it was set aside.';
create trigger coverage_aside_append_only before update or delete on coverage_aside
    for each row execute function refuse_rewriting();
create trigger coverage_aside_no_truncate before truncate on coverage_aside
    for each statement execute function refuse_rewriting();

create table country_scope (
    platform text not null,
    since timestamptz not null,
    countries text[] not null,
    primary key (platform, since)
);
comment on table country_scope is
    'Which countries the answers of a platform could speak of, and since when. A platform without a row speaks of all. '
    'Rows are added when the settings change that.';
comment on column country_scope.platform is 'The platform.';
comment on column country_scope.since is 'Since when, until the next row of the platform.';
comment on column country_scope.countries is 'The countries, as ISO 3166 codes of two letters, and EU.';
create trigger country_scope_append_only before update or delete on country_scope
    for each row execute function refuse_rewriting();
create trigger country_scope_no_truncate before truncate on country_scope
    for each statement execute function refuse_rewriting();

create table stream_position (
    platform text primary key,
    cursor text not null,
    at timestamptz not null
);
comment on table stream_position is 'How far a stream of events was read: after a restart reading goes on there.';
comment on column stream_position.platform is 'The platform whose stream it is.';
comment on column stream_position.cursor is 'The position, in the stream''s own form.';
comment on column stream_position.at is 'When it was read up to there.';
