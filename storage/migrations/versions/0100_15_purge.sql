-- Purge and retention: what was taken out of the store. That it was done, when and how much of it, stays.

create table purge_log (
    purge_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    at timestamptz not null,
    evidence int not null,
    handles int not null,
    facts int not null,
    mails int not null,
    whole boolean not null default false,
    changes int not null default 0,
    reason text not null default ''
);
comment on table purge_log is 'What was purged of an account.';
comment on column purge_log.purge_id is 'Number of the purge.';
comment on column purge_log.account_id is 'The account.';
comment on column purge_log.at is 'When it was done.';
comment on column purge_log.evidence is 'How many pieces of evidence were emptied.';
comment on column purge_log.handles is 'How many handles were removed.';
comment on column purge_log.facts is 'How many side facts lost their words.';
comment on column purge_log.mails is 'How many stored mails were cleaned.';
comment on column purge_log.whole is 'True: the account was forgotten, and its changes were removed as well.';
comment on column purge_log.changes is 'How many changes were removed.';
comment on column purge_log.reason is 'Why it was done and by whom, in the words of whoever did it. Empty: not said.';
create trigger purge_log_append_only before update or delete on purge_log
    for each row execute function refuse_rewriting();
create trigger purge_log_no_truncate before truncate on purge_log
    for each statement execute function refuse_rewriting();

create table purged_change (
    change_id bigint primary key,
    purge_id bigint not null references purge_log
);
create index purged_change_purge on purged_change (purge_id);
comment on table purged_change is
    'Which changes a purge removed, without telling whose they were: an entry of the chain whose change is gone is '
    'purged if it is named here, and a break of the chain if not.';
comment on column purged_change.change_id is 'The number that the change had.';
comment on column purged_change.purge_id is 'The purge.';
create trigger purged_change_append_only before update or delete on purged_change
    for each row execute function refuse_rewriting();
create trigger purged_change_no_truncate before truncate on purged_change
    for each statement execute function refuse_rewriting();

create table purged_cause (
    cause_id bigint primary key,
    purge_id bigint not null references purge_log
);
create index purged_cause_purge on purged_cause (purge_id);
comment on table purged_cause is 'Which causes a purge removed, as purged_change says it of changes.';
comment on column purged_cause.cause_id is 'The number that the cause had.';
comment on column purged_cause.purge_id is 'The purge.';
create trigger purged_cause_append_only before update or delete on purged_cause
    for each row execute function refuse_rewriting();
create trigger purged_cause_no_truncate before truncate on purged_cause
    for each statement execute function refuse_rewriting();

create table retention_log (
    retention_id bigint generated always as identity primary key,
    at timestamptz not null,
    list_id bigint not null references watch_list,
    days int not null,
    pieces int not null
);
create index retention_log_at on retention_log (at);
comment on table retention_log is 'When raw evidence of the accounts of a list left the store because of its age.';
comment on column retention_log.retention_id is 'Number of the run.';
comment on column retention_log.at is 'When it was done.';
comment on column retention_log.list_id is 'The list.';
comment on column retention_log.days is 'How many days of evidence the list kept.';
comment on column retention_log.pieces is 'How many pieces of evidence were emptied.';
create trigger retention_log_append_only before update or delete on retention_log
    for each row execute function refuse_rewriting();
create trigger retention_log_no_truncate before truncate on retention_log
    for each statement execute function refuse_rewriting();
