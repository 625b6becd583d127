-- Schema 1. Times of observation are never times of change: every change keeps the two readings that bound it.
create extension if not exists btree_gist;

-- accounts ------------------------------------------------------------------------------------------------
create table account (
    account_id bigint generated always as identity primary key,
    platform text not null check (platform in ('x', 'bluesky', 'mastodon')),
    native_id text not null,
    handle text not null,
    watched boolean not null default true,
    added_at timestamptz not null,
    unique (platform, native_id)
);
create index account_handle on account (lower(handle));

create table rename (
    rename_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    old_handle text not null,
    new_handle text not null,
    last_seen_old timestamptz,
    first_seen_new timestamptz not null,
    recorded_at timestamptz not null,
    unique (account_id, first_seen_new)
);

-- Control accounts: stable ones, asked in every request, which tell an outage from a mass block.
create table canary (
    account_id bigint primary key references account,
    expected_status text not null
);

create table watch_list (
    list_id bigint generated always as identity primary key,
    name text not null unique,
    created_at timestamptz not null
);

create table watch_list_member (
    list_id bigint not null references watch_list,
    account_id bigint not null references account,
    added_at timestamptz not null,
    primary key (list_id, account_id)
);
create index watch_list_member_account on watch_list_member (account_id);

-- orders --------------------------------------------------------------------------------------------------
create table legal_order (
    order_id bigint generated always as identity primary key,
    reference text not null unique,
    title text not null,
    issuer text not null,
    country text not null,
    legal_basis text not null,
    issued_at timestamptz not null,
    issued_from timestamptz,
    issued_to timestamptz,
    deadline_at timestamptz,
    named_count int not null check (named_count >= 0),
    list_id bigint not null unique references watch_list,
    known_at timestamptz not null
);

create table order_event (
    order_event_id bigint generated always as identity primary key,
    order_id bigint references legal_order,
    kind text not null check (kind in ('notice', 'claim', 'statement', 'ruling')),
    at timestamptz not null,
    at_from timestamptz,
    at_to timestamptz,
    text text not null,
    source text not null,
    known_at timestamptz not null
);

-- executives ----------------------------------------------------------------------------------------------
create table executive (
    account_id bigint primary key references account,
    name text not null,
    title text not null,
    cursor text,
    last_polled_at timestamptz
);

create table signal (
    signal_id bigint generated always as identity primary key,
    account_id bigint not null references executive,
    kind text not null check (kind in ('like', 'repost', 'quote', 'reply', 'post', 'follow', 'unfollow')),
    native_id text not null,
    made_at timestamptz,
    first_seen_at timestamptz not null,
    target_id text,
    target_author_id text,
    unique (account_id, kind, native_id)
);
create index signal_time on signal (coalesce(made_at, first_seen_at));

-- coverage: proof that we looked --------------------------------------------------------------------------
create table roster (
    roster_id int generated always as identity primary key,
    platform text not null,
    content_hash bytea not null unique,
    account_ids bigint[] not null check (cardinality(account_ids) between 1 and 100),
    canary_ids bigint[] not null,
    base boolean not null,
    created_at timestamptz not null,
    retired_at timestamptz
);

-- `answered` is a bitmap over the roster (null: all answered); `missed` says why the others gave nothing, as
-- {"reason": [positions]}. Both are null in the usual case.
create table coverage (
    roster_id int not null references roster,
    slot timestamptz not null,
    attempt smallint not null,
    observed_at timestamptz not null,
    outcome smallint not null check (outcome between 0 and 2),
    missed_reason text,
    answered bytea,
    missed jsonb,
    latency_ms int not null,
    recorded_at timestamptz not null,
    primary key (roster_id, slot, attempt)
) partition by range (slot);
create index coverage_observed on coverage (roster_id, observed_at desc);
create index coverage_recent on coverage (observed_at desc);

-- Partitions are made by the month, when the first batch of a month is recorded.
create function ensure_coverage_month(month date) returns void language plpgsql as $$
declare
    first date := date_trunc('month', month);
    name text := 'coverage_' || to_char(first, 'YYYY_MM');
begin
    if to_regclass(name) is null then
        -- The lock makes those who come together wait; "if not exists" then sees what the first one made.
        perform pg_advisory_xact_lock(hashtext('blockline coverage partition'));
        execute format(
            'create table if not exists %I partition of coverage for values from (%L) to (%L)',
            name,
            to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
        );
    end if;
end
$$;

-- changes: the truth, append-only -------------------------------------------------------------------------
create table evidence (
    sha256 bytea primary key,
    content bytea not null
);

create table change (
    change_id bigint generated always as identity primary key,
    change_key text not null unique,
    account_id bigint not null references account,
    old_status text,
    old_withheld_in text[] not null default '{}',
    status text not null check (
        status in ('available', 'protected', 'withheld', 'suspended', 'deactivated', 'not_found')
    ),
    withheld_in text[] not null default '{}' check ((status = 'withheld') = (cardinality(withheld_in) > 0)),
    kind text not null check (
        kind in ('baseline', 'block', 'restoration', 'partial', 'protection', 'gone', 'return')
    ),
    strength text not null check (strength in ('strong', 'weak')),
    last_seen_old timestamptz,
    first_seen_new timestamptz not null,
    recorded_at timestamptz not null,
    source text not null,
    old_evidence bytea references evidence,
    new_evidence bytea references evidence,
    check (last_seen_old < first_seen_new)
);
create index change_account on change (account_id, first_seen_new desc);
create index change_first_seen on change (first_seen_new);

-- How a provisional change ended: a row of its own, so that the change itself is never updated.
create table change_outcome (
    change_id bigint primary key references change,
    outcome text not null check (outcome in ('confirmed', 'not_confirmed')),
    reason text not null,
    decided_at timestamptz not null,
    readings int not null,
    last_agreeing_at timestamptz not null
);
create index change_outcome_decided on change_outcome (decided_at);

create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    raise exception 'table % is append-only: corrections are new rows', tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger change_append_only before update or delete on change
    for each row execute function refuse_rewriting();
create trigger change_outcome_append_only before update or delete on change_outcome
    for each row execute function refuse_rewriting();
create trigger change_no_truncate before truncate on change
    for each statement execute function refuse_rewriting();
create trigger change_outcome_no_truncate before truncate on change_outcome
    for each statement execute function refuse_rewriting();

-- Work table: the provisional changes that still need readings. Emptied by their outcome.
create table pending_change (
    account_id bigint primary key references account,
    change_id bigint not null unique references change,
    agreeing int not null,
    next_read_at timestamptz not null,
    last_agreeing_at timestamptz not null
);
create index pending_change_due on pending_change (next_read_at);

-- Bitemporal projection of the confirmed changes. `recorded` may only be closed, never rewritten.
create table spell (
    spell_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    change_id bigint not null references change,
    status text not null,
    withheld_in text[] not null default '{}',
    onset_after timestamptz,
    valid tstzrange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    constraint spell_overlap exclude using gist (account_id with =, valid with &&, recorded with &&)
);
create unique index spell_open on spell (account_id) include (status)
    where upper_inf(valid) and upper_inf(recorded);
create index spell_account on spell (account_id, lower(valid));

-- alerts and mail -----------------------------------------------------------------------------------------
create table alert (
    alert_id bigint generated always as identity primary key,
    change_id bigint not null unique references change,
    created_at timestamptz not null,
    decision text,
    decided_at timestamptz,
    mail_id bigint
);
create index alert_open on alert (alert_id) where decided_at is null;

create table mail (
    mail_id bigint generated always as identity primary key,
    message_id text not null unique,
    recipients text[] not null,
    subject text not null,
    text_body text not null,
    html_body text not null,
    created_at timestamptz not null,
    state text not null check (state in ('queued', 'sent', 'dead')),
    attempts int not null default 0,
    next_attempt_at timestamptz,
    sent_at timestamptz,
    last_error text
);
create index mail_queued on mail (next_attempt_at) where state = 'queued';
alter table alert add foreign key (mail_id) references mail;

-- collectors ----------------------------------------------------------------------------------------------
create table collector_state (
    platform text primary key,
    healthy boolean not null,
    reason text,
    detail text not null default '',
    since timestamptz not null,
    retry_at timestamptz
);

-- live: what the dashboard has to hear of -----------------------------------------------------------------
-- Ids are handed out under a lock that lasts to the end of the transaction, so that a reader who has seen id n
-- can never miss an id below n that commits later. Only transactions with news take it.
create table live_event (
    live_event_id bigint generated always as identity primary key,
    topic text not null check (
        topic in ('change', 'outcome', 'rename', 'signal', 'mail', 'collector', 'order', 'order_event', 'account')
    ),
    ref bigint,
    at timestamptz not null default clock_timestamp()
);

create index live_event_account on live_event (live_event_id) where topic = 'account';

create function announce(topic text, ref bigint) returns void language plpgsql as $$
declare
    id bigint;
begin
    perform pg_advisory_xact_lock(hashtext('blockline live_event'));
    insert into live_event (topic, ref) values (topic, ref) returning live_event_id into id;
    perform pg_notify('blockline', id::text);
end
$$;

create function announce_row() returns trigger language plpgsql as $$
begin
    perform announce(tg_argv[0], (to_jsonb(new) ->> tg_argv[1])::bigint);
    return null;
end
$$;
create trigger change_live after insert on change
    for each row execute function announce_row('change', 'change_id');
create trigger change_outcome_live after insert on change_outcome
    for each row execute function announce_row('outcome', 'change_id');
create trigger rename_live after insert on rename
    for each row execute function announce_row('rename', 'rename_id');
create trigger signal_live after insert on signal
    for each row execute function announce_row('signal', 'signal_id');
create trigger mail_live after insert or update on mail
    for each row execute function announce_row('mail', 'mail_id');
create trigger legal_order_live after insert or update on legal_order
    for each row execute function announce_row('order', 'order_id');
create trigger order_event_live after insert or update on order_event
    for each row execute function announce_row('order_event', 'order_event_id');
create trigger collector_state_live after insert or update on collector_state
    for each row execute function announce_row('collector', 'none');
