-- Who is watched: accounts and what is known of them beside their status, lists, control accounts.

-- accounts ------------------------------------------------------------------------------------------------
create table account (
    account_id bigint generated always as identity primary key,
    platform text not null check (platform ~ '^[a-z]{1,20}$'),
    native_id text not null,
    handle text not null,
    is_post boolean not null default false,
    watched boolean not null default true,
    added_at timestamptz not null,
    tags text[] not null default '{}',
    followers bigint check (followers >= 0),
    followers_at timestamptz,
    unique (platform, native_id),
    -- A number without its day says nothing.
    constraint account_followers_dated check ((followers is null) = (followers_at is null))
);
create index account_handle on account (lower(handle));
comment on table account is
    'One identity on one platform: a watched account, a control account, an executive, or one that an order names. A '
    'post is watched as an account is, and has a row too.';
comment on column account.account_id is 'Our own number of the account.';
comment on column account.platform is 'The key of the platform, as its entry point names it.';
comment on column account.native_id is
    'The id that the platform gave to the account and never changes.';
comment on column account.handle is 'The newest handle that was seen; rename has the earlier ones.';
comment on column account.is_post is
    'Whether it is a post and not an account: its platform tells by native_id. Its handle is AUTHOR/ID.';
comment on column account.watched is
    'Whether it is read now. True while a row of watch_period is open: who changes it begins or ends the period.';
comment on column account.added_at is 'When it was added.';
comment on column account.tags is 'What the team calls it, for alert rules to match.';
comment on column account.followers is 'How many followers it has, as the team said. Null: nobody said.';
comment on column account.followers_at is 'When that number was stored. Null when there is none.';

create table rename (
    rename_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    old_handle text not null,
    new_handle text not null,
    last_seen_old timestamptz,
    first_seen_new timestamptz not null,
    recorded_at timestamptz not null,
    unique (account_id, first_seen_new)
);
comment on table rename is 'A handle gave way to another, as our own readings saw it.';
comment on column rename.rename_id is 'Number of the rename.';
comment on column rename.account_id is 'The account.';
comment on column rename.old_handle is 'The handle before.';
comment on column rename.new_handle is 'The handle after.';
comment on column rename.last_seen_old is
    'The last reading with the old handle: the rename lies after it. Null: no such reading is known.';
comment on column rename.first_seen_new is 'The first reading with the new handle: the rename lies before it.';
comment on column rename.recorded_at is 'When it counts as known.';

create table handle_record (
    account_id bigint not null references account,
    since timestamptz not null,
    handle text not null,
    source text not null,
    first_seen_at timestamptz not null,
    primary key (account_id, source, since)
);
comment on table handle_record is
    'Handles as a platform''s own public record has them, with its dates.';
comment on column handle_record.account_id is 'The account.';
comment on column handle_record.since is 'Since when it had the handle, by the record.';
comment on column handle_record.handle is 'The handle.';
comment on column handle_record.source is 'Which record says so.';
comment on column handle_record.first_seen_at is 'When Blockline first saw this entry.';

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
comment on table fact is
    'A side fact: what was seen beside the status, and between which looks it began and ended. It never decides a '
    'status.';
comment on column fact.fact_id is 'Number of the side fact.';
comment on column fact.account_id is 'The account.';
comment on column fact.observer is
    'Who says so: another server, a vantage point, a compliance job. Empty: the platform itself, of its account.';
comment on column fact.kind is 'What was seen: a flag of the platform, or what another observer reports.';
comment on column fact.value is 'What belongs to it, such as a server or a status. Empty: nothing.';
comment on column fact.last_absent is 'The last look without it: it began after. Null: no such look is known.';
comment on column fact.first_seen is 'The first look with it.';
comment on column fact.last_seen is 'The last look with it. Null while it is open.';
comment on column fact.first_absent is 'The first look without it again: it ended before. Null while it is open.';
comment on column fact.recorded_at is 'When its beginning counts as known.';

create table account_note (
    account_note_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    written_at timestamptz not null,
    written_by text not null,
    text text not null,
    withdrawn_at timestamptz,
    withdrawn_by text,
    check ((withdrawn_at is null) = (withdrawn_by is null)),
    check (withdrawn_at >= written_at)
);
create index account_note_account on account_note (account_id, written_at);
comment on table account_note is
    'What the team writes about an account. A note is never rewritten: it is withdrawn, and both stay. Only a purge '
    'empties one, and only a whole purge removes it.';
comment on column account_note.account_note_id is 'Number of the note.';
comment on column account_note.account_id is 'The account.';
comment on column account_note.written_at is 'When it was written.';
comment on column account_note.written_by is 'Who wrote it.';
comment on column account_note.text is 'The note. Empty after a purge.';
comment on column account_note.withdrawn_at is 'When it was withdrawn. Null: it stands.';
comment on column account_note.withdrawn_by is 'Who withdrew it. Null: it stands.';

create function refuse_rewriting_notes() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE'
        and row(new.account_note_id, new.account_id, new.written_at, new.written_by)
            is not distinct from row(old.account_note_id, old.account_id, old.written_at, old.written_by)
        and (new.text = old.text or new.text = '')
        and (
            old.withdrawn_at is null
            or row(new.withdrawn_at, new.withdrawn_by) is not distinct from row(old.withdrawn_at, old.withdrawn_by)
        )
    then
        return new;
    end if;
    if tg_op = 'DELETE' then
        if exists (select from purge_log p where p.account_id = old.account_id and p.whole) then
            return old;
        end if;
    end if;
    raise exception 'table % is append-only: a note is withdrawn, never rewritten', tg_table_name
        using errcode = 'restrict_violation';
end
$$;
comment on function refuse_rewriting_notes is
    'Lets a note be withdrawn once, emptied by a purge, and deleted after a whole purge; refuses all else.';
create trigger account_note_append_only before update or delete on account_note
    for each row execute function refuse_rewriting_notes();
create trigger account_note_no_truncate before truncate on account_note
    for each statement execute function refuse_rewriting_notes();

-- watch periods -------------------------------------------------------------------------------------------
create table watch_period (
    watch_period_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    since timestamptz not null,
    until timestamptz check (until >= since)
);
create unique index watch_period_open on watch_period (account_id) where until is null;
create index watch_period_account on watch_period (account_id);
comment on table watch_period is
    'When an account was watched. A row ends once and is kept; a whole purge alone removes it.';
comment on column watch_period.watch_period_id is 'Number of the period.';
comment on column watch_period.account_id is 'The account.';
comment on column watch_period.since is 'When watching began.';
comment on column watch_period.until is 'When watching ended. Null: it is watched now.';
create trigger watch_period_ends_once before update on watch_period
    for each row execute function refuse_other_than_end('until');

create function begin_watch_periods() returns trigger language plpgsql as $$
begin
    insert into watch_period (account_id, since) select account_id, added_at from added where watched;
    return null;
end
$$;
comment on function begin_watch_periods is 'An account that is added to the watch is watched from then on.';
create trigger account_watch_period after insert on account
    referencing new table as added for each statement execute function begin_watch_periods();

-- lists ---------------------------------------------------------------------------------------------------
create table watch_list (
    list_id bigint generated always as identity primary key,
    name text not null unique,
    created_at timestamptz not null,
    keep_days int check (keep_days between 1 and 36500),
    read_every interval check (read_every >= interval '1 minute'),
    archived_at timestamptz
);
comment on table watch_list is 'A named set of watched accounts. The list of an order is a cohort.';
comment on column watch_list.list_id is 'Number of the list.';
comment on column watch_list.name is 'Its name.';
comment on column watch_list.created_at is 'When it was made.';
comment on column watch_list.keep_days is
    'How many days the raw evidence of its accounts is kept. Null: for ever.';
comment on column watch_list.read_every is
    'Guaranteed interval: how often its accounts are read at least. Null: in their turn.';
comment on column watch_list.archived_at is
    'Since when it is archived: kept with its accounts, and not offered for new ones. Null: in use.';

create table membership (
    list_id bigint not null constraint watch_list_member_list_id_fkey references watch_list,
    account_id bigint not null constraint watch_list_member_account_id_fkey references account,
    added_at timestamptz not null,
    removed_at timestamptz check (removed_at >= added_at),
    membership_id bigint generated always as identity primary key
);
create unique index membership_open on membership (list_id, account_id) where removed_at is null;
create index membership_account on membership (account_id);
create index membership_ended on membership (list_id) where removed_at is not null;
comment on table membership is
    'When an account was on a list. A row ends once and is kept; a whole purge alone removes it.';
comment on column membership.list_id is 'The list.';
comment on column membership.account_id is 'The account.';
comment on column membership.added_at is 'When it was put on the list.';
comment on column membership.removed_at is 'When it was taken off the list. Null: it is on the list now.';
comment on column membership.membership_id is 'Number of the membership.';
create trigger membership_ends_once before update on membership
    for each row execute function refuse_other_than_end('removed_at');

create view watch_list_member as
select list_id, account_id, added_at from membership where removed_at is null;
comment on view watch_list_member is 'Who is on a list now.';
comment on column watch_list_member.list_id is 'The list.';
comment on column watch_list_member.account_id is 'The account.';
comment on column watch_list_member.added_at is 'When it was put on the list.';

create table list_thresholds (
    list_thresholds_id bigint generated always as identity primary key,
    list_id bigint not null references watch_list,
    since timestamptz not null,
    strong_readings int,
    weak_readings int,
    check ((strong_readings is null) = (weak_readings is null)),
    check (1 <= strong_readings and strong_readings <= weak_readings and weak_readings <= 6)
);
create index list_thresholds_list on list_thresholds (list_id, since);
comment on table list_thresholds is
    'How many agreeing readings confirm a change of the accounts on a list. The newest row that has begun holds. A '
    'list without a row has the default ones.';
comment on column list_thresholds.list_thresholds_id is 'Number of the row.';
comment on column list_thresholds.list_id is 'The list.';
comment on column list_thresholds.since is 'The first moment whose readings are judged by them.';
comment on column list_thresholds.strong_readings is
    'Readings needed for what the platform states itself. Null: the default ones hold again.';
comment on column list_thresholds.weak_readings is 'Readings needed for a mere absence. Null: the default ones hold again.';
create trigger list_thresholds_append_only before update or delete on list_thresholds
    for each row execute function refuse_rewriting();
create trigger list_thresholds_no_truncate before truncate on list_thresholds
    for each statement execute function refuse_rewriting();

-- control accounts ----------------------------------------------------------------------------------------
create table canary (
    account_id bigint primary key references account,
    expected_status text not null,
    place text not null default '',
    origin text not null default 'settings' check (origin in ('settings', 'chosen')),
    chosen_at timestamptz,
    doubted_since timestamptz,
    doubts int not null default 0,
    retired_at timestamptz
);
comment on table canary is
    'A control account: known to be stable and asked in the same requests, it tells an outage from a mass block. One '
    'that looks otherwise for long is retired, because the platform really changed it; it stays for the record.';
comment on column canary.account_id is 'The account, which is not watched.';
comment on column canary.expected_status is 'The status that it is known to have.';
comment on column canary.place is 'Which server it is on. Empty where one server answers for the whole platform.';
comment on column canary.origin is 'Whether the settings name it or Blockline chose it.';
comment on column canary.chosen_at is 'When Blockline chose it. Null: the settings name it.';
comment on column canary.doubted_since is
    'The first of the readings in a row that showed another status. Null: it looks as it should.';
comment on column canary.doubts is 'How many readings in a row showed another status.';
comment on column canary.retired_at is 'Since when it is no longer asked. Null: it is asked.';

create function ordinary_accounts() returns setof account stable parallel safe language sql as $$
    select * from account a where not exists (select from canary c where c.account_id = a.account_id)
$$;
comment on function ordinary_accounts is
    'All stored accounts that are not control accounts, watched or not: figures and lists are about these only.';

-- name checks ---------------------------------------------------------------------------------------------
create table name_check (
    name_check_id bigint generated always as identity primary key,
    made_at timestamptz not null,
    made_by text not null,
    source text not null,
    platform text
);
create index name_check_made_at on name_check (made_at);
comment on table name_check is
    'A pasted list or an uploaded table of names, of which a user wants to know what accounts they mean. Removed after 30 '
    'days.';
comment on column name_check.name_check_id is 'Number of the check.';
comment on column name_check.made_at is 'When it was made.';
comment on column name_check.made_by is 'Who made it.';
comment on column name_check.source is 'Where the names stand, such as the name of a file.';
comment on column name_check.platform is 'The platform of handles that name none. Null: such a handle stays ambiguous.';

create table name_check_line (
    name_check_id bigint not null references name_check on delete cascade,
    position int not null,
    line int not null,
    said text not null,
    platform text,
    handle text,
    native_id text,
    post_id text,
    lists text[] not null default '{}',
    tags text[] not null default '{}',
    followers bigint check (followers >= 0),
    outcome text check (
        outcome in ('resolved', 'ambiguous', 'unresolvable', 'not tried', 'not observable')
    ),
    found_id text,
    found_handle text,
    left_out text not null default '',
    note text not null default '',
    ask_at timestamptz,
    asked_at timestamptz,
    answered_at timestamptz,
    tries int not null default 0,
    done text not null default '',
    primary key (name_check_id, position),
    check ((found_id is null) = (found_handle is null)),
    check ((outcome is not distinct from 'resolved') = (found_id is not null)),
    check (ask_at is null or outcome is not distinct from 'not tried')
);
create index name_check_line_due on name_check_line (platform, ask_at) where ask_at is not null;
comment on table name_check_line is 'One name of a name check, and the account that it was found to mean.';
comment on column name_check_line.name_check_id is 'The check.';
comment on column name_check_line.position is 'Its place among the names of the check, counted from 1.';
comment on column name_check_line.line is 'The line of the list or table that it stands on, counted from 1.';
comment on column name_check_line.said is 'The words as written.';
comment on column name_check_line.platform is 'The platform that the words name. Null: it cannot be told.';
comment on column name_check_line.handle is 'The handle in the words. Null: they hold none.';
comment on column name_check_line.native_id is 'The id in the words. Null: they hold none.';
comment on column name_check_line.post_id is 'The id of the post that the words name. Null: they name an account.';
comment on column name_check_line.lists is 'The lists that the table names for the account.';
comment on column name_check_line.tags is 'The tags that the table names for the account.';
comment on column name_check_line.followers is 'The followers that the table names for the account. Null: it names none.';
comment on column name_check_line.outcome is
    'What became of the name, as with order_name. Null: the words are not a name, and note says why.';
comment on column name_check_line.found_id is 'The id of the account that it means. Null unless resolved.';
comment on column name_check_line.found_handle is 'The handle of that account. Null unless resolved.';
comment on column name_check_line.left_out is 'A part of the words that is ignored, as a sentence. Empty: none.';
comment on column name_check_line.note is
    'Why it is not resolved, its handle now if that is another, and what is ignored. Empty: nothing.';
comment on column name_check_line.ask_at is
    'When its platform is asked next. A process that is asking sets it to when it will have given up. Null: not asked.';
comment on column name_check_line.asked_at is 'When its platform was last asked. Null: never.';
comment on column name_check_line.answered_at is 'When its platform gave the last answer. Null: it gave none.';
comment on column name_check_line.tries is 'How many times its platform was asked without an answer.';
comment on column name_check_line.done is 'What was done with the account, as a clause. Empty: nothing.';
