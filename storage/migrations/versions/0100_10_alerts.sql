-- Alerts: rules as data, a decision with its reason for every rule, incidents of several grouped alerts, and one mail
-- per recipient.

-- rules ---------------------------------------------------------------------------------------------------
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
    digested_to timestamptz not null,
    active_since timestamptz not null
);
create unique index alert_rule_name on alert_rule (name) where removed_at is null;
comment on table alert_rule is 'Who is notified of what. A rule is never deleted, since decisions point to it.';
comment on column alert_rule.rule_id is 'Number of the rule.';
comment on column alert_rule.name is 'Its name. The name of a rule that is gone may be given again.';
comment on column alert_rule.definition is 'The rule as blockline alerts export writes it.';
comment on column alert_rule.position is 'Rules are tried in this order.';
comment on column alert_rule.origin is 'Whether the settings name it or somebody made it.';
comment on column alert_rule.enabled is 'Whether it is on.';
comment on column alert_rule.created_at is 'When it was made.';
comment on column alert_rule.updated_at is 'When it was last edited.';
comment on column alert_rule.removed_at is 'When it was removed. Null: it is in use.';
comment on column alert_rule.digested_to is 'Up to when its digests were sent.';
comment on column alert_rule.active_since is
    'Since when it has been as it is about what it is about. It sends nothing that was confirmed before: a rule that is '
    'renamed or switched on again has nothing to say about last week.';

create table digest_refusal (
    rule_id bigint not null references alert_rule,
    recipient text not null,
    at timestamptz not null,
    primary key (rule_id, recipient)
);
comment on table digest_refusal is
    'Who wants no digests and catch-up digests of a rule. What it sends at once is not meant.';
comment on column digest_refusal.rule_id is 'The rule.';
comment on column digest_refusal.recipient is 'The mail address.';
comment on column digest_refusal.at is 'When they said so.';

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
comment on table mute is 'A time in which nothing is sent of an account, of a list, or at all.';
comment on column mute.mute_id is 'Number of the mute.';
comment on column mute.account_id is 'The account. Null: a list, or everything.';
comment on column mute.list_id is 'The list. Null: an account, or everything.';
comment on column mute.since is 'From when.';
comment on column mute.until is 'Until when. Null: until somebody ends it.';
comment on column mute.note is 'Why.';
comment on column mute.made_by is 'Who made it.';
comment on column mute.made_at is 'When it was made.';
comment on column mute.ended_at is 'When somebody ended it. Null: nobody did.';
comment on column mute.ended_by is 'Who ended it. Null: nobody did.';

-- incidents -----------------------------------------------------------------------------------------------
create table story (
    story_id bigint generated always as identity primary key,
    story_key text not null unique,
    rule_id bigint not null references alert_rule,
    list_id bigint references watch_list,
    recipients text[] not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledged_note text,
    acknowledged_wave int,
    reminders int not null default 0,
    reminded_at timestamptz,
    escalated_at timestamptz,
    escalated_steps int not null default 0,
    owner_id bigint,
    owned_since timestamptz,
    due_at timestamptz,
    note text,
    noted_at timestamptz,
    noted_by text,
    closed_at timestamptz,
    closed_by text,
    closed_reason text,
    closed_wave int,
    revision int not null default 0,
    check ((acknowledged_at is null) = (acknowledged_by is null)),
    check ((acknowledged_at is null) = (acknowledged_wave is null)),
    check ((owner_id is null) = (owned_since is null)),
    check (num_nulls(note, noted_at, noted_by) in (0, 3)),
    check (num_nulls(closed_at, closed_by, closed_reason, closed_wave) in (0, 4))
);
create index story_of_rule on story (rule_id, list_id);
comment on table story is
    'An incident: what one rule sends to the same people of one cohort, one grouped alert after another, in one thread '
    'of mails.';
comment on column story.story_id is 'Number of the incident.';
comment on column story.story_key is 'What makes it this incident: the same changes give the same key again.';
comment on column story.rule_id is 'The rule.';
comment on column story.list_id is 'The list of the cohort. Null: accounts without a list.';
comment on column story.recipients is 'Everybody who was notified of it.';
comment on column story.acknowledged_at is 'When somebody acknowledged it. Null: nobody did.';
comment on column story.acknowledged_by is 'Who acknowledged it. Null: nobody did.';
comment on column story.acknowledged_note is 'What they wrote. Null: nothing.';
comment on column story.acknowledged_wave is
    'The newest grouped alert that was stored then: a later one is to be acknowledged again. Null: nobody did.';
comment on column story.reminders is 'How many reminders were sent.';
comment on column story.reminded_at is 'When the last reminder was sent. Null: none was.';
comment on column story.escalated_at is 'When it was last escalated. Null: it was not.';
comment on column story.escalated_steps is
    'How many steps of the escalation of its rule were sent about the grouped alert that was the newest then.';
comment on column story.owner_id is 'The person who works on it. Null: nobody has it.';
comment on column story.owned_since is 'Since when they have it. Null: nobody has it.';
comment on column story.due_at is 'When the work on it is due. Null: no time is set.';
comment on column story.note is 'The last hand-over note. Null: nobody wrote one.';
comment on column story.noted_at is 'When it was written. Null: nobody wrote one.';
comment on column story.noted_by is 'Who wrote it. Null: nobody did.';
comment on column story.closed_at is 'When somebody closed it. Null: nobody did, or it was reopened.';
comment on column story.closed_by is 'Who closed it. Null: nobody did.';
comment on column story.closed_reason is 'Why. Null: it is not closed.';
comment on column story.closed_wave is
    'The newest grouped alert that was stored then: a later one opens it again. Null: nobody closed it.';
comment on column story.revision is
    'How often people, or a grouped alert that was sent at once, have changed it. Who acts on an earlier revision is '
    'refused, and is shown what was done.';

create table story_wave (
    story_id bigint not null references story,
    wave int not null,
    closed_at timestamptz not null,
    as_of timestamptz not null,
    told jsonb not null,
    in_round_up boolean not null default false,
    primary key (story_id, wave)
);
create index story_wave_closed on story_wave (closed_at);
comment on table story_wave is 'A grouped alert of an incident: changes that belong together and went out at once.';
comment on column story_wave.story_id is 'The incident.';
comment on column story_wave.wave is 'Which grouped alert of it, from 1.';
comment on column story_wave.closed_at is 'When it was complete, which follows from the times of its changes.';
comment on column story_wave.as_of is 'When its newest change was confirmed.';
comment on column story_wave.told is 'How many accounts it reported, by kind of change.';
comment on column story_wave.in_round_up is 'True: a catch-up digest reported it, and nobody has to acknowledge it.';

-- alerts --------------------------------------------------------------------------------------------------
create table alert (
    alert_id bigint generated always as identity primary key,
    change_id bigint not null references change,
    created_at timestamptz not null,
    decision text,
    decided_at timestamptz,
    stage text not null default 'confirmed' check (
        stage in ('provisional', 'confirmed', 'withdrawn', 'unresolved')
    ),
    constraint alert_once unique (change_id, stage)
);
create index alert_open on alert (alert_id) where decided_at is null;
comment on table alert is
    'What there is to report of a change, written in the transaction that records it: once per stage.';
comment on column alert.alert_id is 'Number of the alert.';
comment on column alert.change_id is 'The change.';
comment on column alert.created_at is 'When it was written.';
comment on column alert.decision is 'What became of it as a whole. Null: not decided yet.';
comment on column alert.decided_at is 'When every rule had decided. Null: at least one is open.';
comment on column alert.stage is
    'Whether the change was provisional, was confirmed, was withdrawn, or is left unresolved: whoever was notified of a '
    'change learns what became of it.';

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
create index alert_decision_story on alert_decision (story_id) where story_id is not null;
comment on table alert_decision is 'What each rule did with an alert, and why.';
comment on column alert_decision.alert_id is 'The alert.';
comment on column alert_decision.rule_id is 'The rule. Null: no rule matched.';
comment on column alert_decision.decision is 'What was decided, as one word that says why.';
comment on column alert_decision.until is 'Until when it waits. Null: it waits for nothing that has a time.';
comment on column alert_decision.decided_at is 'When it was decided. Null: it is open.';
comment on column alert_decision.story_id is 'The incident that it became part of. Null: none.';
comment on column alert_decision.mute_id is 'The mute that kept it back. Null: none.';

-- mails ---------------------------------------------------------------------------------------------------
create table mail (
    mail_id bigint generated always as identity primary key,
    message_id text not null unique,
    recipients text[] not null,
    subject text not null,
    text_body text not null,
    html_body text not null,
    created_at timestamptz not null,
    state text not null check (state in ('queued', 'sent', 'dead', 'merged')),
    attempts int not null default 0,
    next_attempt_at timestamptz,
    sent_at timestamptz,
    last_error text,
    kind text not null default 'wave' check (
        kind in (
            'wave', 'digest', 'reminder', 'escalation', 'operator', 'test', 'engagement', 'reply', 'labels',
            'networks'
        )
    ),
    story_id bigint references story,
    wave int,
    in_reply_to text,
    reference_ids text[] not null default '{}',
    urgent boolean not null default false,
    picture bytea,
    payload text,
    unsubscribe_url text,
    given_up_seen_at timestamptz,
    uncertain_offers int not null default 0 check (uncertain_offers >= 0),
    merged_into bigint references mail,
    constraint mail_merged check ((state = 'merged') = (merged_into is not null))
);
create index mail_queued on mail (next_attempt_at) where state = 'queued';
create index mail_story on mail (story_id) where story_id is not null;
create index mail_given_up on mail (given_up_seen_at) where state = 'dead';
create index mail_merged_into on mail (merged_into) where merged_into is not null;
comment on table mail is 'The outbox: what one recipient is sent, by mail or another channel, and whether it went out.';
comment on column mail.mail_id is 'Number of the mail.';
comment on column mail.message_id is
    'Its Message-ID, derived from the ids of its changes. A repeat carries the same one.';
comment on column mail.recipients is 'The mail address, or the channel by its name: one.';
comment on column mail.subject is 'The subject.';
comment on column mail.text_body is 'The body as plain text.';
comment on column mail.html_body is 'The body as HTML.';
comment on column mail.created_at is 'When it was composed.';
comment on column mail.state is
    'Queued, sent (a server accepted it), dead (failed permanently), or merged into a later mail.';
comment on column mail.attempts is 'How often it was tried.';
comment on column mail.next_attempt_at is 'When it is tried next. Null: it is not queued.';
comment on column mail.sent_at is 'When a server accepted it. Null: none did.';
comment on column mail.last_error is 'What went wrong the last time. Null: nothing.';
comment on column mail.kind is 'What it is.';
comment on column mail.story_id is 'The incident. Null: it belongs to none.';
comment on column mail.wave is 'Which grouped alert of the incident it reports. Null: none.';
comment on column mail.in_reply_to is 'The Message-ID that it answers. Null: it begins a thread.';
comment on column mail.reference_ids is 'The Message-IDs of its thread, the oldest first.';
comment on column mail.urgent is 'Whether it is marked as urgent.';
comment on column mail.picture is 'A PNG that html_body shows as cid:picture. Null: there is none.';
comment on column mail.payload is 'The same as JSON, for a webhook. Null: it goes to no webhook.';
comment on column mail.unsubscribe_url is 'Where the recipient unsubscribes. Null: there is nothing to.';
comment on column mail.given_up_seen_at is 'When it was noticed that it failed permanently. Null: it did not.';
comment on column mail.uncertain_offers is
    'How often it was handed over, and it is not known that no server accepted it. Each claim counts until it failed '
    'for certain. At 0 it may be merged.';
comment on column mail.merged_into is 'The later mail that says what this one said too. Null unless merged.';

create table mail_alert (
    mail_id bigint not null references mail,
    alert_id bigint not null references alert on delete cascade,
    primary key (mail_id, alert_id)
);
create index mail_alert_alert on mail_alert (alert_id);
comment on table mail_alert is 'Which alerts a mail reports.';
comment on column mail_alert.mail_id is 'The mail.';
comment on column mail_alert.alert_id is 'The alert.';

create table engagement_told (
    signal_id bigint not null references signal on delete cascade,
    rule_id bigint not null references alert_rule on delete cascade,
    told_at timestamptz not null,
    primary key (rule_id, signal_id)
);
create index engagement_told_at on engagement_told (rule_id, told_at desc);
comment on table engagement_told is
    'Which engagements of executives with accounts that an order names a rule has reported, so that each is reported '
    'once, whatever is renamed or switched off and on again.';
comment on column engagement_told.signal_id is 'The engagement.';
comment on column engagement_told.rule_id is 'The rule.';
comment on column engagement_told.told_at is 'When it was reported.';

create table label_reported (
    label_id bigint not null references label on delete cascade,
    rule_id bigint not null references alert_rule on delete cascade,
    step text not null check (step in ('added', 'lifted')),
    reported_at timestamptz not null,
    primary key (rule_id, label_id, step)
);
create index label_reported_label on label_reported (label_id);
comment on table label_reported is 'Which labels, withdrawals and expiries a rule has reported, so that each is reported once.';
comment on column label_reported.label_id is 'The label that attaches, withdraws or expires.';
comment on column label_reported.rule_id is 'The rule.';
comment on column label_reported.step is 'Whether it was reported as added or as lifted: a label that expires is both.';
comment on column label_reported.reported_at is 'When it was reported.';

create table network_reported (
    rule_id bigint not null references alert_rule on delete cascade,
    country text not null,
    domain text not null,
    day date not null,
    reported_at timestamptz not null,
    reached_day date,
    reached_reported_at timestamptz,
    primary key (rule_id, country, domain, day),
    check ((reached_day is null) = (reached_reported_at is null))
);
comment on table network_reported is
    'Which domains a rule has reported as mostly unreachable from a country, and as reached again, so that each is '
    'reported once.';
comment on column network_reported.rule_id is 'The rule.';
comment on column network_reported.country is 'The country, as an ISO 3166 code of two letters.';
comment on column network_reported.domain is 'The domain.';
comment on column network_reported.day is 'The newest of the days in a row that were reported.';
comment on column network_reported.reported_at is 'When that was reported.';
comment on column network_reported.reached_day is
    'The first day of which it was reported that most measurements reached it. Null: none was.';
comment on column network_reported.reached_reported_at is 'When that was reported. Null: it was not.';

create function words_sent(wanted bigint[]) returns table (
    change_id bigint, alert_id bigint, stage text, recipient text, mail_id bigint, message_id text,
    story_id bigint, rule_id bigint, by_digest boolean
)
stable language sql as $$
    select f.wanted_id, a.alert_id, a.stage, r.recipient, m.mail_id, m.message_id, m.story_id,
        coalesce(s.rule_id, d.rule_id), m.kind = 'digest'
    from fact_rows($1) f
    join alert a on a.change_id = f.change_id
    join mail_alert t on t.alert_id = a.alert_id
    join mail m on m.mail_id = t.mail_id
    cross join lateral unnest(m.recipients) as r (recipient)
    left join story s on s.story_id = m.story_id
    left join lateral (
        select d.rule_id from alert_decision d join alert_rule known on known.rule_id = d.rule_id
        where d.alert_id = a.alert_id and d.decision in ('mailed', 'grouped', 'answered')
        order by d.decided_at = m.created_at desc, known.definition -> 'recipients' ? r.recipient desc, d.rule_id
        limit 1
    ) d on s.rule_id is null
$$;
comment on function words_sent is
    'Every mail about the fact of a change, by recipient: at which stage it reported it, and by which rule. rule_id is '
    'null where none is known.';
