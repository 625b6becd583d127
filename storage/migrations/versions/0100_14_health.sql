-- Health: the status of the collectors, and what is wrong with the monitor itself.

create table collector_state (
    platform text not null,
    healthy boolean not null,
    reason text,
    detail text not null default '',
    since timestamptz not null,
    retry_at timestamptz,
    place text not null default '',
    vantage text not null default '',
    primary key (platform, place, vantage)
);
comment on table collector_state is
    'The status of the collector of a platform, by place and vantage point. Written when it changes. No row: nothing '
    'ever went wrong there.';
comment on column collector_state.platform is 'The platform.';
comment on column collector_state.healthy is 'Whether it works.';
comment on column collector_state.reason is 'Why it does not, as one word. Null: it works.';
comment on column collector_state.detail is 'The same in a sentence. Empty: there is nothing to add.';
comment on column collector_state.since is 'Since when it is so.';
comment on column collector_state.retry_at is 'When it is tried again. Null: no time is set.';
comment on column collector_state.place is
    'Which server it asks. Empty where one server answers for the whole platform.';
comment on column collector_state.vantage is 'Where it reads from. Empty: the installation''s own connection.';

create table operator_condition (
    condition_id bigint generated always as identity primary key,
    kind text not null,
    platform text not null default '' check (platform ~ '^[a-z]{0,20}$'),
    place text not null default '',
    vantage text not null default '',
    since timestamptz not null,
    sentence text not null,
    detail text not null default '',
    to_do text not null default '',
    opened_at timestamptz not null,
    told_at timestamptz,
    told_mail_id bigint references mail,
    ended_at timestamptz,
    end_sentence text not null default '',
    ended_told_at timestamptz,
    check ((told_at is null) = (told_mail_id is null)),
    check (ended_told_at is null or (told_at is not null and ended_at is not null))
);
create unique index operator_condition_open on operator_condition (kind, platform, place, vantage)
    where ended_at is null;
create index operator_condition_end_untold on operator_condition (ended_at)
    where ended_at is not null and told_at is not null and ended_told_at is null;
create index operator_condition_told on operator_condition (greatest(told_at, ended_told_at));
comment on table operator_condition is
    'An issue of the monitor itself, since when, and whether the operators were notified. It is noticed, reported and '
    'ended once; an issue that comes back is a new row.';
comment on column operator_condition.condition_id is 'Number of the issue.';
comment on column operator_condition.kind is 'What is wrong.';
comment on column operator_condition.platform is 'The platform. Empty: it is about none.';
comment on column operator_condition.place is 'Which server. Empty: it is about none.';
comment on column operator_condition.vantage is 'The vantage point. Empty: the installation''s own connection.';
comment on column operator_condition.since is 'Since when it is so.';
comment on column operator_condition.sentence is 'What is wrong, in a sentence.';
comment on column operator_condition.detail is 'What else is known. Empty: nothing.';
comment on column operator_condition.to_do is 'What an operator can do. Empty: nothing.';
comment on column operator_condition.opened_at is 'When it was noticed.';
comment on column operator_condition.told_at is 'When the operators were notified. Null: they were not.';
comment on column operator_condition.told_mail_id is 'The mail that notified them. Null: there is none.';
comment on column operator_condition.ended_at is 'When it was noticed to be over. Null: it is not.';
comment on column operator_condition.end_sentence is 'How things are instead. Empty while it is not over.';
comment on column operator_condition.ended_told_at is
    'When the operators were notified of its end. Null: they were not.';

create table watchdog_run (
    one_row boolean primary key default true check (one_row),
    at timestamptz not null
);
comment on table watchdog_run is
    'When a notifier last looked for issues of the monitor itself: one row. Without a look, no issue is not known.';
comment on column watchdog_run.one_row is 'True: there is one row.';
comment on column watchdog_run.at is 'When it looked last.';

create table backup_log (
    backup_id bigint generated always as identity primary key,
    created_at timestamptz not null,
    verified_at timestamptz not null check (verified_at >= created_at),
    made_by text not null,
    host text not null,
    file text not null,
    bytes bigint not null,
    is_signed boolean not null
);
create index backup_log_created_at on backup_log (created_at);
comment on table backup_log is
    'Backups that the command backup made. Each was read back before it was recorded; whether its file still exists is '
    'not known.';
comment on column backup_log.backup_id is 'Number of the backup.';
comment on column backup_log.created_at is 'The backup has the database as it was then.';
comment on column backup_log.verified_at is 'When its file had been read back and found whole.';
comment on column backup_log.made_by is 'The user of the machine who ran the command.';
comment on column backup_log.host is 'The machine.';
comment on column backup_log.file is 'The path of its file on that machine.';
comment on column backup_log.bytes is 'The size of its file.';
comment on column backup_log.is_signed is 'Whether it was signed with the setting backup_key.';
create trigger backup_log_append_only before update or delete on backup_log
    for each row execute function refuse_rewriting();
create trigger backup_log_no_truncate before truncate on backup_log
    for each statement execute function refuse_rewriting();
