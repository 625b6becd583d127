-- Schema 3, truth: corrections are new rows that supersede old ones; nothing is ever rewritten.

alter table change add column supersedes bigint references change;
-- Not unique: a late reading may show that one change was two, and both are then told in its place.
create index change_supersedes on change (supersedes) where supersedes is not null;
alter table change drop constraint change_change_key_key;
-- A source tells a fact once. A correction of it carries the same key, and says which row it supersedes.
create unique index change_told on change (change_key, source) where supersedes is null;

-- The changes that nothing supersedes: the present knowledge.
create view standing_change as
select c.* from change c
where not exists (select from change later where later.supersedes = c.change_id);

-- The state that our own monitor holds of an account: the new one of its last confirmed change. What others
-- published is no reading of ours, so that it neither opens nor ends anything; it is told beside, in `spell`.
create function own_state(wanted bigint)
returns table (change_id bigint, status text, withheld_in text[], flags text[])
stable language sql as $$
    select c.change_id, c.status, c.withheld_in, c.flags
    from standing_change c
    join account a on a.account_id = c.account_id and a.platform = c.source
    join change_outcome o on o.change_id = c.change_id and o.outcome = 'confirmed'
    where c.account_id = wanted
    order by c.first_seen_new desc
    limit 1
$$;

-- How a provisional change came nearer to confirmation, so that it can be told later how it stood.
create table pending_step (
    change_id bigint not null references change,
    recorded_at timestamptz not null,
    agreeing int not null,
    last_agreeing_at timestamptz not null,
    primary key (change_id, recorded_at)
);
insert into pending_step (change_id, recorded_at, agreeing, last_agreeing_at)
select change_id, last_agreeing_at, agreeing, last_agreeing_at from pending_change where agreeing > 1;
-- When the next step of a change counts as known: clocks differ, and no two steps are of one instant.
create function step_moment(wanted bigint, now timestamptz) returns timestamptz stable language sql as $$
    select greatest(now, max(recorded_at) + interval '1 microsecond') from pending_step where change_id = wanted
$$;
create trigger pending_step_append_only before update or delete on pending_step
    for each row execute function refuse_rewriting();
create trigger pending_step_no_truncate before truncate on pending_step
    for each statement execute function refuse_rewriting();

-- A spell may begin with the state *before* its change: another source had told a different state, and nobody
-- recorded how it came back. The side facts (flags) of the change are then not those of the spell.
alter table spell add column before_change boolean not null default false;

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
