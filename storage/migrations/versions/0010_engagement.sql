-- Schema 10: which acts of executives toward accounts that an order names a rule has told, so that each is told
-- once, whatever is renamed or switched off and on again.
create table engagement_told (
    signal_id bigint not null references signal on delete cascade,
    rule_id bigint not null references alert_rule on delete cascade,
    told_at timestamptz not null,
    primary key (rule_id, signal_id)
);
create index engagement_told_at on engagement_told (rule_id, told_at desc);

-- What was first seen lately is looked for at each turn of the notifier.
create index signal_seen on signal (first_seen_at);

alter table mail drop constraint mail_kind_check;
alter table mail add constraint mail_kind_check check (
    kind in ('wave', 'digest', 'reminder', 'escalation', 'operator', 'test', 'engagement')
);
