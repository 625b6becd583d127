-- Schema 2: three platforms, seen from more than one place.

-- changes -------------------------------------------------------------------------------------------------
-- Side facts of the reading that showed the new state first; they say, for one, who suspended an account.
alter table change add column flags text[] not null default '{}';

-- Evidence is compressed (zlib) and addressed by the hash of what it holds. Purged evidence keeps its hash.
alter table evidence rename column content to packed;
alter table evidence alter column packed drop not null;
alter table evidence add column compressed boolean not null default false;
alter table evidence add column purged_at timestamptz;
alter table evidence add constraint evidence_purged check ((packed is null) = (purged_at is not null));

-- side facts ----------------------------------------------------------------------------------------------
-- What was seen beside the status, and between which readings it began and ended. `observer` is empty when the
-- platform itself says so of its account; else it names who does (another server, a vantage, a compliance job).
-- A fact never decides a status. An open fact has no `first_absent`.
create table fact (
    fact_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    observer text not null default '',
    kind text not null,
    value text not null default '',
    last_absent timestamptz,
    first_seen timestamptz not null,
    last_seen timestamptz,
    first_absent timestamptz,
    recorded_at timestamptz not null,
    check (last_absent < first_seen),
    check ((last_seen is null) = (first_absent is null)),
    check (last_seen < first_absent)
);
create unique index fact_open on fact (account_id, observer, kind, value) where first_absent is null;
create index fact_account on fact (account_id, first_seen desc);

-- Handles as a platform's own public record has them (Bluesky: the audit log of PLC), with its dates.
create table handle_record (
    account_id bigint not null references account,
    since timestamptz not null,
    handle text not null,
    source text not null,
    first_seen_at timestamptz not null,
    primary key (account_id, source, since)
);

-- coverage ------------------------------------------------------------------------------------------------
-- Where a roster is read from: empty is the installation's own connection.
alter table roster add column vantage text not null default '';
-- Which server answers for the roster: empty where one server answers for the whole platform.
alter table roster add column place text not null default '';
-- Countries of which the answer said nothing (a labeler that was not heard). Null: of none.
alter table coverage add column silent text[];

-- collectors ----------------------------------------------------------------------------------------------
alter table collector_state add column place text not null default '';
alter table collector_state add column vantage text not null default '';
alter table collector_state drop constraint collector_state_pkey;
alter table collector_state add primary key (platform, place, vantage);

-- Control accounts: those that the settings name, and those that were chosen. One that looks otherwise for
-- long is retired: the platform really changed it. A retired one stays for the record and is not asked.
alter table canary add column place text not null default '';
alter table canary add column origin text not null default 'settings' check (origin in ('settings', 'chosen'));
alter table canary add column chosen_at timestamptz;
alter table canary add column doubted_since timestamptz;
alter table canary add column doubts int not null default 0;
alter table canary add column retired_at timestamptz;

-- How far a stream of events was read.
create table stream_position (
    platform text primary key,
    cursor text not null,
    at timestamptz not null
);

-- engagement ----------------------------------------------------------------------------------------------
-- Whom an executive follows, from complete readings of the list: between which two it began and ended.
create table follow (
    account_id bigint not null references executive,
    target_id text not null,
    last_absent timestamptz,
    first_seen timestamptz not null,
    last_seen timestamptz,
    first_absent timestamptz,
    primary key (account_id, target_id, first_seen)
);
create unique index follow_open on follow (account_id, target_id) where first_absent is null;
create table follow_reading (
    account_id bigint primary key references executive,
    at timestamptz not null,
    follows int not null
);

-- Whether a kind of signal of one executive can be seen, why not, and since when it is so.
create table signal_access (
    account_id bigint not null references executive,
    kind text not null,
    since timestamptz not null,
    observable boolean not null,
    reason text not null,
    primary key (account_id, kind, since)
);

-- operators -----------------------------------------------------------------------------------------------
-- One mail to the operators for each time that a collector stops for a reason only a human can mend.
create table operator_mail (
    platform text not null,
    place text not null,
    vantage text not null,
    since timestamptz not null,
    mail_id bigint not null references mail,
    primary key (platform, place, vantage, since)
);

-- purges --------------------------------------------------------------------------------------------------
-- What a platform wants gone is taken out of the store; that it was done, when and how much of it, stays.
create table purge_log (
    purge_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    at timestamptz not null,
    evidence int not null,
    handles int not null,
    facts int not null,
    mails int not null
);
create trigger purge_log_append_only before update or delete on purge_log
    for each row execute function refuse_rewriting();
create trigger purge_log_no_truncate before truncate on purge_log
    for each statement execute function refuse_rewriting();

-- live ----------------------------------------------------------------------------------------------------
-- A control account that begins or ceases to be doubted changes what the health of its collector is.
create trigger canary_live after update on canary for each row
    when (
        (old.doubts > 0) is distinct from (new.doubts > 0) or old.retired_at is distinct from new.retired_at
    )
    execute function announce_row('collector', 'none');
