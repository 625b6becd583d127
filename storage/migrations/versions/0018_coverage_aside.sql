-- Schema 18: what a clock dated ahead of time is no proof of when anybody looked. It is kept as it was
-- recorded, beside `coverage_row`, where nothing reads it.
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
create trigger coverage_aside_append_only before update or delete on coverage_aside
    for each row execute function refuse_rewriting();
create trigger coverage_aside_no_truncate before truncate on coverage_aside
    for each statement execute function refuse_rewriting();

-- As before; what rested on requests that were set aside is annulled too.
create or replace function account_readings(
    account bigint, since timestamptz, until timestamptz, known_at timestamptz default 'infinity'
) returns table (
    at timestamptz, asked_at timestamptz, status text, withheld_in text[], strength text, flags text[],
    silent_on text[], roster_id int, vantage text, latency_ms int, recorded_at timestamptz, change_id bigint
) stable language sql as $$
    with own as materialized (
        select c.change_id, c.status, c.withheld_in, c.strength, c.flags, c.first_seen_new,
            o.outcome is not distinct from 'confirmed' as confirmed,
            coalesce(o.last_agreeing_at, p.last_agreeing_at) as last_agreeing_at
        from standing_change c
        join account a on a.account_id = c.account_id and a.platform = c.source
        left join change_outcome o using (change_id)
        left join pending_change p using (change_id)
        -- A change that was annulled showed nothing: other rows tell of its readings.
        where c.account_id = $1 and coalesce(o.reason, '') not in ('corrected', 'set_aside')
    ),
    shown as materialized (
        select change_id, tstzrange(first_seen_new, last_agreeing_at, '[]') as during
        from own where not confirmed
    ),
    held as (
        select change_id, tstzrange(
            first_seen_new, lead(first_seen_new) over (order by first_seen_new, change_id)
        ) as during
        from own where confirmed
    ),
    told as materialized (
        select change_id, during from shown
        union all
        select change_id, u.during
        from held cross join lateral unnest(
            tstzmultirange(held.during) - coalesce((select range_agg(during) from shown), '{}')
        ) as u (during)
    )
    select c.observed_at, c.observed_at - c.latency_ms * interval '1 millisecond', o.status, o.withheld_in,
        o.strength, o.flags, coalesce(c.silent, '{}'), c.roster_id, r.vantage, c.latency_ms, c.recorded_at,
        t.change_id
    from told t
    join own o using (change_id)
    cross join (
        select r.roster_id, r.vantage, array_position(r.account_ids, $1::int) - 1 as bit
        from roster r where r.account_ids @> array[$1::int] and r.vantage = '' offset 0
    ) r
    -- "offset 0" keeps the planner from reading all coverage of a time first, and then looking who was asked.
    cross join lateral (
        select * from coverage c
        where c.roster_id = r.roster_id and c.outcome = 0 and c.recorded_at <= $4
            and c.observed_at >= greatest($2, lower(t.during)) and c.observed_at < $3
            and c.observed_at <= coalesce(upper(t.during), 'infinity')
        offset 0
    ) c
    where t.during @> c.observed_at and (c.answered is null or get_bit(c.answered, r.bit) = 1)
$$;

-- As before; only the owner sets aside.
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
        elsif this.relkind in ('r', 'p') and this.relname not in (
            'alembic_version', 'chain', 'coverage_aside', 'purged_change'
        ) then
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
