-- Schema 17: who was on a list, and who was watched, at any moment. A row ends once, and is kept; a whole purge
-- alone removes it. Of before this schema only what was so when it came is known.

-- memberships ---------------------------------------------------------------------------------------------
alter table watch_list_member rename to membership;
alter table membership drop constraint watch_list_member_pkey;
alter table membership
    add column removed_at timestamptz check (removed_at >= added_at),
    add column membership_id bigint generated always as identity primary key;
alter index watch_list_member_account rename to membership_account;
create unique index membership_open on membership (list_id, account_id) where removed_at is null;
create index membership_ended on membership (list_id) where removed_at is not null;

-- Who is on a list now.
create view watch_list_member as
select list_id, account_id, added_at from membership where removed_at is null;

-- watch periods -------------------------------------------------------------------------------------------
-- `account.watched` says whether a period is open. Whoever changes it begins or ends the period.
create table watch_period (
    watch_period_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    since timestamptz not null,
    until timestamptz check (until >= since)
);
create unique index watch_period_open on watch_period (account_id) where until is null;
create index watch_period_account on watch_period (account_id);
insert into watch_period (account_id, since) select account_id, added_at from account where watched;

-- An account that is added to the watch is watched from then on.
create function begin_watch_periods() returns trigger language plpgsql as $$
begin
    insert into watch_period (account_id, since) select account_id, added_at from added where watched;
    return null;
end
$$;
create trigger account_watch_period after insert on account
    referencing new table as added for each statement execute function begin_watch_periods();

-- The argument names the column that may be filled, once.
create function refuse_other_than_end() returns trigger language plpgsql as $$
begin
    if to_jsonb(old) -> tg_argv[0] <> 'null' or to_jsonb(old) - tg_argv[0] <> to_jsonb(new) - tg_argv[0] then
        raise exception 'table % keeps what was so: a row ends once, and what begins again is a new row',
            tg_table_name using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger membership_ends_once before update on membership
    for each row execute function refuse_other_than_end('removed_at');
create trigger watch_period_ends_once before update on watch_period
    for each row execute function refuse_other_than_end('until');
