-- Schema 6, coverage: the same rows in less room.
-- A row of more than eight columns pays eight bytes more as soon as one of them is null, and nearly every
-- request has nothing to tell but when it was asked and answered. What some have to tell beside it stands in
-- one column. "coverage" is a view that shows it as before, and is what everybody reads; "coverage_row" is
-- what is written.

do $$
declare
    part record;
begin
    alter table coverage rename to coverage_5;
    alter table coverage_5 rename constraint coverage_key to coverage_5_key;
    drop index coverage_roster;
    drop index coverage_time;
    for part in
        select t.relid::regclass::text as name, x.indexrelid::regclass::text as key
        from pg_partition_tree('coverage_5') t join pg_index x on x.indrelid = t.relid
        where t.isleaf
    loop
        execute format('alter table %s rename to %I', part.name, 'before_' || part.name);
        execute format('alter index %s rename to %I', part.key, 'before_' || part.key);
    end loop;
end
$$;

-- `missed_reason`: of a whole request that was missed or held. `answered`: a bitmap over the roster (null: all
-- answered). `missed`: why the others gave nothing, as {"reason": [positions]}. `silent`: countries of which
-- the answer said nothing.
create type shortfall as (missed_reason text, answered bytea, missed jsonb, silent text[]);

create function shortfall(missed_reason text, answered bytea, missed jsonb, silent text[]) returns shortfall
immutable parallel safe language sql as $$
    select case
        when num_nonnulls($1, $2, $3, $4) > 0 then row($1, $2, $3, $4)::shortfall
    end
$$;

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

create view coverage as
    select slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, (lacked).missed_reason,
        (lacked).answered, (lacked).missed, (lacked).silent
    from coverage_row;

create or replace function ensure_coverage_month(month date) returns void language plpgsql as $$
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

do $$
declare
    month date;
begin
    -- "create or replace" forgets both.
    execute 'alter function ensure_coverage_month(date) security definer';
    execute format('alter function ensure_coverage_month(date) set search_path = %I, pg_temp', current_schema());
    for month in select distinct date_trunc('month', slot at time zone 'UTC')::date from coverage_5 loop
        perform ensure_coverage_month(month);
    end loop;
    insert into coverage_row (
        slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked
    )
    select slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome,
        shortfall(missed_reason, answered, missed, silent)
    from coverage_5 order by slot, roster_id, attempt;
end
$$;
drop table coverage_5;

-- As before; coverage is written where its rows are.
create or replace function grant_running(role_name text) returns void language plpgsql as $$
declare
    this record;
begin
    execute format('grant usage on schema %I to %I', current_schema(), role_name);
    execute format('grant execute on function ensure_coverage_month(date) to %I', role_name);
    for this in
        select c.oid::regclass as name, c.relname, c.relkind from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
            and not c.relispartition and pg_has_role(c.relowner, 'usage')
    loop
        execute format('revoke all on %s from %I', this.name, role_name);
        execute format('grant select on %s to %I', this.name, role_name);
        if this.relkind = 'S' then
            execute format('grant usage on sequence %s to %I', this.name, role_name);
        elsif this.relkind in ('r', 'p') and this.relname not in ('alembic_version', 'chain', 'purged_change') then
            execute format('grant insert on %s to %I', this.name, role_name);
            if this.relname not in (
                'change', 'change_outcome', 'pending_step', 'chain_anchor', 'coverage_row', 'purge_log',
                'retention_log', 'audit_log'
            ) then
                execute format('grant update, delete on %s to %I', this.name, role_name);
            end if;
        end if;
    end loop;
end
$$;
do $$
begin
    execute format('alter function grant_running(text) set search_path = %I, pg_temp', current_schema());
end
$$;
