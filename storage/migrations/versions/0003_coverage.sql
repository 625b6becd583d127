-- Schema 3, coverage: the same rows in less room.
-- Wide columns come first, so that nothing is lost to alignment. One request costs a row, an entry in the key
-- and one in the index by roster; the index by time is a summary of blocks. The key leads with the slot:
-- rosters of one sweep are then appended, which fills its pages instead of leaving them half empty.

do $$
declare
    part text;
begin
    alter table coverage rename to coverage_2;
    drop index coverage_observed;
    drop index coverage_recent;
    for part in select relid::regclass::text from pg_partition_tree('coverage_2') where isleaf loop
        execute format('alter table %I rename to %I', part, 'before_' || part);
    end loop;
end
$$;

create table coverage (
    slot timestamptz not null,
    observed_at timestamptz not null,
    recorded_at timestamptz not null,
    roster_id int not null references roster,
    latency_ms int not null,
    attempt smallint not null,
    outcome smallint not null check (outcome between 0 and 2),
    missed_reason text,
    answered bytea,
    missed jsonb,
    silent text[],
    constraint coverage_key primary key (slot, roster_id, attempt)
) partition by range (slot);
create index coverage_roster on coverage (roster_id, observed_at);
create index coverage_time on coverage using brin (observed_at) with (pages_per_range = 16);

do $$
declare
    month date;
begin
    for month in select distinct date_trunc('month', slot at time zone 'UTC')::date from coverage_2 loop
        perform ensure_coverage_month(month);
    end loop;
    insert into coverage (
        slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, missed_reason, answered,
        missed, silent
    )
    select slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, missed_reason, answered,
        missed, silent
    from coverage_2 order by slot, roster_id, attempt;
end
$$;
drop table coverage_2;

-- Which rosters an account was ever asked in. Without the list of pending entries, which costs three times more
-- than what it holds: rosters are made seldom.
create index roster_accounts on roster using gin (account_ids) with (fastupdate = off);
