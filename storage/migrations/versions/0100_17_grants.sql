-- Who may do what.

create function grant_running(role_name text) returns void language plpgsql as $$
declare
    this record;
begin
    execute format('grant usage on schema %I to %I', current_schema(), role_name);
    execute format('grant execute on function ensure_coverage_month(date) to %I', role_name);
    execute format('grant execute on function chain_audit_head(timestamptz) to %I', role_name);
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
            'alembic_version', 'audit_chain', 'chain', 'coverage_aside', 'purged_change', 'purged_cause'
        ) then
            execute format('grant insert on %s to %I', this.name, role_name);
            if this.relname not in (
                'change', 'change_outcome', 'pending_step', 'cause', 'chain_anchor', 'coverage_row', 'purge_log',
                'retention_log', 'audit_log', 'list_thresholds', 'backup_log'
            ) then
                execute format('grant update, delete on %s to %I', this.name, role_name);
            end if;
        end if;
    end loop;
end
$$;
comment on function grant_running is
    'Gives a role what it needs to run Blockline, and takes away what goes beyond: it can change or remove nothing '
    'that is append-only. To be run again after each migration. The chains are written by triggers with the rights of '
    'the owner; a whole purge, and setting coverage aside, are the owner''s to do.';
revoke all on function grant_running(text) from public;
do $$
begin
    execute format('alter function grant_running(text) set search_path = %I, pg_temp', current_schema());
end
$$;
