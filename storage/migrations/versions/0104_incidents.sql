alter table mail drop constraint mail_kind_check;
alter table mail add constraint mail_kind_check check (
    kind in (
        'wave', 'digest', 'reminder', 'escalation', 'operator', 'test', 'engagement', 'reply', 'labels',
        'networks', 'end'
    )
);
create index mail_paged on mail (story_id) where recipients[1] like 'pagerduty:%';

create view incident_account as
select told.story_id, told.account_id, told.is_post, told.was_away, coalesce(now.is_back, false) as is_back,
    case when now.is_back then now.since end as back_at
from (
    select d.story_id, c.account_id, k.platform, k.is_post,
        bool_or(c.status not in ('available', 'protected')) as was_away,
        (array_agg(a.stage order by a.alert_id desc))[1] in ('confirmed', 'withdrawn') as is_certain
    from alert_decision d
    join alert a using (alert_id) join change c using (change_id) join account k using (account_id)
    where d.story_id is not null group by d.story_id, c.account_id, k.platform, k.is_post
) told
left join lateral (
    select lower(s.valid) as since,
        told.is_certain and not s.before_change and s.status in ('available', 'protected')
            and c.source = told.platform
            and not exists (select from pending_change p where p.account_id = told.account_id) as is_back
    from spells_now() s join change c using (change_id) where s.account_id = told.account_id
) now on true;
comment on view incident_account is
    'The accounts of each incident: whether it reported one as blocked or gone, whether a reading of ours showed it '
    'back, and since when. An account with a change that is provisional or unresolved is not known to be back.';
comment on column incident_account.story_id is 'The incident.';
comment on column incident_account.account_id is 'The account or post.';
comment on column incident_account.is_post is 'Whether it is a post.';
comment on column incident_account.was_away is 'Whether the incident reported it as blocked or gone.';
comment on column incident_account.is_back is 'Whether a reading of ours showed it back.';
comment on column incident_account.back_at is 'Since when it is known to be back. Null: it is not known to be.';

create view incident_back as
select b.*, coalesce(b.was_away and b.back = b.accounts and b.accounts >= b.reported, false) as is_resolved
from (
    select s.story_id, count(k.account_id) as accounts, count(*) filter (where k.is_post) as posts,
        count(*) filter (where k.is_back) as back, max(k.back_at) as back_at, bool_or(k.was_away) as was_away,
        max(w.reported) as reported, bool_or(w.reported_a_block) as reported_a_block
    from story s
    left join incident_account k using (story_id)
    cross join lateral (
        -- What was counted when it was sent: a purge takes accounts away, and not these. Changes of posts have
        -- kinds of their own: jobs.alerting.waves.count_by_kind.
        select coalesce(max(t.n::int) filter (where t.kind not like '% of posts'), 0)
                + coalesce(max(t.n::int) filter (where t.kind like '% of posts'), 0) as reported,
            coalesce(bool_or(t.kind !~ '\m(restoration|return|protection)\M'), false) as reported_a_block
        from story_wave v cross join jsonb_each_text(v.told) as t (kind, n) where v.story_id = s.story_id
    ) w
    group by s.story_id
) b;
comment on view incident_back is
    'How many accounts each incident has, and how many of them are back. It is resolved if it reported an account as '
    'blocked or gone and all are back. An account that was purged since is not known to be back.';
comment on column incident_back.story_id is 'The incident.';
comment on column incident_back.accounts is 'How many accounts and posts it has that were not purged.';
comment on column incident_back.posts is 'How many of them are posts.';
comment on column incident_back.back is 'How many of them are known to be back.';
comment on column incident_back.back_at is 'Since when the last of them is back. Null: none is known to be.';
comment on column incident_back.was_away is 'Whether one of them was reported as blocked or gone. Null: none is left.';
comment on column incident_back.reported is
    'How many it certainly reported: the largest number of one kind of change of accounts, and of posts, in one alert.';
comment on column incident_back.reported_a_block is
    'Whether it reported an account or post as blocked or gone, at any stage, also one that was purged since.';
comment on column incident_back.is_resolved is 'Whether it is resolved.';

create or replace function waiting_stories(since timestamptz)
returns table (story_id bigint, wave int, closed_at timestamptz)
stable language sql as $$
    select s.story_id, w.wave, w.closed_at
    from (
        select distinct on (v.story_id) v.story_id, v.wave, v.closed_at
        from story_wave v where v.closed_at > $1 and not v.in_round_up order by v.story_id, v.wave desc
    ) w
    join story s using (story_id)
    left join person p on p.person_id = s.owner_id and p.disabled_at is null
    where coalesce(s.acknowledged_wave, 0) < w.wave and coalesce(s.closed_wave, 0) < w.wave
        and p.person_id is null
        and not (select b.is_resolved from incident_back b where b.story_id = s.story_id)
$$;
drop function story_back(bigint);
drop function story_accounts(bigint);
