-- Schema 5, operators: what is wrong with the monitor itself, since when, and whether the operators were told.
-- A condition is noticed, told and ended; a trouble that comes back is a new row.

create table operator_condition (
    condition_id bigint generated always as identity primary key,
    kind text not null,
    platform text not null default '' check (platform in ('', 'x', 'bluesky', 'mastodon')),
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

create trigger operator_condition_live after insert or update on operator_condition
    for each row execute function announce_row('collector', 'none');

-- When a mail was noticed to be given up. Those of before count as given up when they were written.
alter table mail add column given_up_seen_at timestamptz;
update mail set given_up_seen_at = created_at where state = 'dead';
create index mail_given_up on mail (given_up_seen_at) where state = 'dead';

-- Until now a stop was told once, by a row that named its mail: stops that last are not told anew.
insert into operator_condition (
    kind, platform, place, vantage, since, sentence, detail, opened_at, told_at, told_mail_id
)
select case s.reason when 'held' then 'control_accounts_held' else 'credentials_or_credits' end,
    s.platform, s.place, s.vantage, s.since, m.subject, s.detail, m.created_at, m.created_at, m.mail_id
from operator_mail o
join collector_state s using (platform, place, vantage, since)
join mail m using (mail_id)
where not s.healthy and s.reason in ('auth', 'credits', 'access', 'usage_capped', 'held');
drop table operator_mail;
