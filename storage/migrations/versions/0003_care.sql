-- Schema 3, care: purges, retention, grants.

-- purges --------------------------------------------------------------------------------------------------
-- Why it was done and by whom, in the words of whoever did it. `whole`: the changes went as well.
alter table purge_log add column whole boolean not null default false;
alter table purge_log add column changes int not null default 0;
alter table purge_log add column reason text not null default '';

-- Which changes a purge removed, without telling whose they were: an entry of the chain whose change is gone
-- is purged if it is named here, and a break of the chain if not.
create table purged_change (
    change_id bigint primary key,
    purge_id bigint not null references purge_log
);
create index purged_change_purge on purged_change (purge_id);

-- A change, its outcome and its steps may be deleted after `purged_change` names the change, which nobody can
-- take back; everything else about append-only tables is refused as before.
create or replace function refuse_rewriting() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_table_name in ('change', 'change_outcome', 'pending_step') then
        if exists (select from purged_change p where p.change_id = old.change_id) then
            return old;
        end if;
    end if;
    raise exception 'table % is append-only: corrections are new rows', tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger purged_change_append_only before update or delete on purged_change
    for each row execute function refuse_rewriting();
create trigger purged_change_no_truncate before truncate on purged_change
    for each statement execute function refuse_rewriting();

-- Which changes rest on a piece of evidence: asked when it expires or is purged.
create index change_old_evidence on change (old_evidence) where old_evidence is not null;
create index change_new_evidence on change (new_evidence) where new_evidence is not null;

-- retention -----------------------------------------------------------------------------------------------
-- How many days the raw evidence of the accounts on a list is kept. Null: for ever.
alter table watch_list add column keep_days int check (keep_days between 1 and 36500);

create table retention_log (
    retention_id bigint generated always as identity primary key,
    at timestamptz not null,
    list_id bigint not null references watch_list,
    days int not null,
    pieces int not null
);
create index retention_log_at on retention_log (at);
create trigger retention_log_append_only before update or delete on retention_log
    for each row execute function refuse_rewriting();
create trigger retention_log_no_truncate before truncate on retention_log
    for each statement execute function refuse_rewriting();

-- grants --------------------------------------------------------------------------------------------------
-- What a role needs that runs Blockline, and no more: nothing that is append-only can it change or remove.
-- What it may do beyond that is taken away, so that a second run after a migration is all that is needed. The
-- chain is written by triggers with the rights of the owner; a whole purge is the owner's to do.
create function grant_running(role_name text) returns void language plpgsql as $$
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
                'change', 'change_outcome', 'pending_step', 'chain_anchor', 'coverage', 'purge_log', 'retention_log'
            ) then
                execute format('grant update, delete on %s to %I', this.name, role_name);
            end if;
        end if;
    end loop;
end
$$;
revoke all on function grant_running(text) from public;

-- Partitions are made with the rights of the owner, so that a role which only runs Blockline can have one made.
-- A function with these rights looks nowhere but where its tables are.
alter function ensure_coverage_month(date) security definer;
revoke all on function ensure_coverage_month(date) from public;
do $$
begin
    execute format('alter function ensure_coverage_month(date) set search_path = %I, pg_temp', current_schema());
    execute format('alter function grant_running(text) set search_path = %I, pg_temp', current_schema());
end
$$;
