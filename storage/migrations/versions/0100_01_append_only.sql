-- What holds for all tables: times are UTC, null is "not known" or "not so" as each column says, and what was
-- recorded is corrected by new rows. Times of observation are never times of change: every change keeps the two
-- readings that bound it.

-- Overlapping times are refused per account (spell_overlap), which needs this.
create extension if not exists btree_gist;

comment on table alembic_version is 'Which schema this database has. Only blockline migrate writes it.';
comment on column alembic_version.version_num is 'Revision of the newest migration that ran.';

create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_table_name in ('change', 'change_outcome', 'pending_step') then
        if exists (select from purged_change p where p.change_id = old.change_id) then
            return old;
        end if;
    elsif tg_op = 'DELETE' and tg_table_name = 'cause' then
        if exists (select from purged_cause p where p.cause_id = old.cause_id) then
            return old;
        end if;
    end if;
    raise exception 'table % is append-only: corrections are new rows', tg_table_name
        using errcode = 'restrict_violation';
end
$$;
comment on function refuse_rewriting is
    'Refuses to change or remove rows of an append-only table. A change, its outcome and its steps may be deleted '
    'after purged_change names the change, and a cause after purged_cause names it, which cannot be taken back.';

create function refuse_other_than_end() returns trigger language plpgsql as $$
begin
    if to_jsonb(old) -> tg_argv[0] <> 'null' or to_jsonb(old) - tg_argv[0] <> to_jsonb(new) - tg_argv[0] then
        raise exception 'table % keeps what was so: a row ends once, and what begins again is a new row',
            tg_table_name using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
comment on function refuse_other_than_end is
    'Lets an update do one thing: fill the column that the argument names, once.';
