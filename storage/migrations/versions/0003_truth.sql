-- Schema 3, truth: corrections are new rows that supersede old ones; nothing is ever rewritten.

alter table change add column supersedes bigint references change;
create unique index change_supersedes on change (supersedes) where supersedes is not null;
alter table change drop constraint change_change_key_key;
-- A fact is told once. A correction of it carries the same key, and says which row it supersedes.
create unique index change_told on change (change_key) where supersedes is null;

-- The changes that nothing supersedes: the present knowledge.
create view standing_change as
select c.* from change c
where not exists (select from change later where later.supersedes = c.change_id);

-- How a provisional change came nearer to confirmation, so that it can be told later how it stood.
create table pending_step (
    change_id bigint not null references change,
    recorded_at timestamptz not null,
    agreeing int not null,
    last_agreeing_at timestamptz not null,
    primary key (change_id, recorded_at)
);

-- Times at which a state began or ended, in the present knowledge: counts over a range start from here.
create index spell_since on spell (lower(valid)) where upper_inf(recorded);
create index spell_until on spell (upper(valid)) where upper_inf(recorded) and not upper_inf(valid);

-- One announcement for each row, as before; a bulk load makes one that says "load everything again".
create function announce_rows() returns trigger language plpgsql as $$
declare
    r record;
begin
    if (select count(*) from added) > 1000 then
        perform announce('account', null);
        return null;
    end if;
    for r in select change_id from added order by change_id loop
        perform announce(tg_argv[0], r.change_id);
    end loop;
    return null;
end
$$;
drop trigger change_live on change;
drop trigger change_outcome_live on change_outcome;
create trigger change_live after insert on change
    referencing new table as added for each statement execute function announce_rows('change');
create trigger change_outcome_live after insert on change_outcome
    referencing new table as added for each statement execute function announce_rows('outcome');
