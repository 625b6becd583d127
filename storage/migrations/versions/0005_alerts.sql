-- Schema 5, alerts: rules as data, stories of several waves, a decision with its reason for every rule, one mail
-- a recipient, people who acknowledge and mute, and a log of who did what.

-- What a rule may match beside lists: what the team itself says of an account.
alter table account add column tags text[] not null default '{}';
alter table account add column followers bigint check (followers >= 0);
-- A number without its day says nothing.
alter table account add column followers_at timestamptz;
alter table account add constraint account_followers_dated check ((followers is null) = (followers_at is null));

-- rules ---------------------------------------------------------------------------------------------------
-- `definition` is the rule as `blockline alerts export` writes it. Rules are tried in the order of `position`.
-- A rule is never deleted, since decisions point to it. The name of a rule that is gone may be given again.
create table alert_rule (
    rule_id bigint generated always as identity primary key,
    name text not null,
    definition jsonb not null,
    position int not null,
    origin text not null check (origin in ('settings', 'hand')),
    enabled boolean not null default true,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    removed_at timestamptz,
    -- Up to when its digests were told.
    digested_to timestamptz not null
);
create unique index alert_rule_name on alert_rule (name) where removed_at is null;

-- Who wants no digests and round-ups of a rule. What it tells at once is not meant.
create table digest_refusal (
    rule_id bigint not null references alert_rule,
    recipient text not null,
    at timestamptz not null,
    primary key (rule_id, recipient)
);

create table mute (
    mute_id bigint generated always as identity primary key,
    account_id bigint references account,
    list_id bigint references watch_list,
    since timestamptz not null,
    until timestamptz,
    note text not null,
    made_by text not null,
    made_at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    check (num_nonnulls(account_id, list_id) <= 1),
    check (until > since),
    check ((ended_at is null) = (ended_by is null))
);
create index mute_running on mute (since) where ended_at is null;

-- stories -------------------------------------------------------------------------------------------------
-- What one rule tells the same people of one cohort, wave after wave: the mails of one thread.
create table story (
    story_id bigint generated always as identity primary key,
    story_key text not null unique,
    rule_id bigint not null references alert_rule,
    list_id bigint references watch_list,
    recipients text[] not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledged_note text,
    -- The newest wave that was on record when somebody acknowledged: a later one is to be acknowledged anew.
    acknowledged_wave int,
    reminders int not null default 0,
    reminded_at timestamptz,
    escalated_at timestamptz,
    check ((acknowledged_at is null) = (acknowledged_by is null)),
    check ((acknowledged_at is null) = (acknowledged_wave is null))
);
create index story_of_rule on story (rule_id, list_id);

create table story_wave (
    story_id bigint not null references story,
    wave int not null,
    -- When it was complete, which follows from the times of its changes, and when its newest was confirmed.
    closed_at timestamptz not null,
    as_of timestamptz not null,
    -- How many accounts it told of, by kind of change.
    told jsonb not null,
    -- A round-up told it: nobody has to acknowledge that.
    in_round_up boolean not null default false,
    primary key (story_id, wave)
);
create index story_wave_closed on story_wave (closed_at);

-- alerts --------------------------------------------------------------------------------------------------
alter table alert add column stage text not null default 'confirmed'
    check (stage in ('provisional', 'confirmed', 'withdrawn'));
alter table alert drop constraint alert_change_id_key;
alter table alert add constraint alert_once unique (change_id, stage);

-- What each rule did with an alert, and why. An open one has no `decided_at` and may say until when it waits.
create table alert_decision (
    alert_id bigint not null references alert on delete cascade,
    rule_id bigint references alert_rule,
    decision text not null,
    until timestamptz,
    decided_at timestamptz,
    story_id bigint references story,
    mute_id bigint references mute,
    unique nulls not distinct (alert_id, rule_id)
);

-- mails: one a recipient ----------------------------------------------------------------------------------
alter table mail add column kind text not null default 'wave'
    check (kind in ('wave', 'digest', 'reminder', 'escalation', 'operator', 'test'));
alter table mail add column story_id bigint references story;
alter table mail add column wave int;
alter table mail add column in_reply_to text;
alter table mail add column reference_ids text[] not null default '{}';
alter table mail add column urgent boolean not null default false;
alter table mail add column picture bytea;
alter table mail add column payload text;
alter table mail add column unsubscribe_url text;
create index mail_story on mail (story_id) where story_id is not null;

create table mail_alert (
    mail_id bigint not null references mail,
    alert_id bigint not null references alert on delete cascade,
    primary key (mail_id, alert_id)
);
create index mail_alert_alert on mail_alert (alert_id);
insert into mail_alert (mail_id, alert_id) select mail_id, alert_id from alert where mail_id is not null;
alter table alert drop column mail_id;
update alert set decision = 'no_rule' where decision = 'kind_not_mailed';

-- Each recipient of a mail that waits gets one of his own. The first keeps the Message-ID, in case it went out.
insert into mail (
    message_id, recipients, subject, text_body, html_body, created_at, state, attempts, next_attempt_at, last_error
)
select '<' || encode(sha256(convert_to(m.message_id || r.recipient, 'UTF8')), 'hex') || '@blockline.invalid>',
    array[r.recipient], m.subject, m.text_body, m.html_body, m.created_at, m.state, m.attempts,
    m.next_attempt_at, m.last_error
from mail m cross join lateral unnest(m.recipients) with ordinality as r (recipient, position)
where m.state = 'queued' and r.position > 1;
update mail set recipients = recipients[1:1] where state = 'queued' and cardinality(recipients) > 1;

-- people --------------------------------------------------------------------------------------------------
create table audit_log (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    detail jsonb not null default '{}'
);
create trigger audit_log_append_only before update or delete on audit_log
    for each row execute function refuse_rewriting();
create trigger audit_log_no_truncate before truncate on audit_log
    for each statement execute function refuse_rewriting();

-- What signs the links in mails. Whoever has it can acknowledge.
create table installation_key (
    name text primary key,
    key bytea not null
);

-- As before, and the log of who did what is only added to.
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
        elsif this.relkind in ('r', 'p') and this.relname not in ('alembic_version', 'chain', 'purged_change') then
            execute format('grant insert on %s to %I', this.name, role_name);
            if this.relname not in (
                'change', 'change_outcome', 'pending_step', 'chain_anchor', 'coverage', 'purge_log', 'retention_log',
                'audit_log'
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
