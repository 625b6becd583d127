alter table mail drop constraint mail_kind_check;
alter table mail add constraint mail_kind_check check (
    kind in (
        'wave', 'digest', 'reminder', 'escalation', 'operator', 'test', 'engagement', 'reply', 'labels',
        'networks', 'end'
    )
);
create index mail_paged on mail (story_id) where recipients[1] like 'pagerduty:%';
