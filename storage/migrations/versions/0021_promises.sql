-- Schema 21: whoever was told of a change hears what became of it.
alter table alert drop constraint alert_stage_check;
alter table alert add constraint alert_stage_check check (
    stage in ('provisional', 'confirmed', 'withdrawn', 'unresolved')
);
alter table mail drop constraint mail_kind_check;
alter table mail add constraint mail_kind_check check (
    kind in ('wave', 'digest', 'reminder', 'escalation', 'operator', 'test', 'engagement', 'reply')
);

-- The rows that tell the same fact as a change: itself, those that began with the same reading, and those that
-- they supersede. What was superseded by one that began earlier or later belongs to that one, unless another
-- row tells it again. `wanted_id` is the change that was asked about.
create function fact_rows(wanted bigint[]) returns table (wanted_id bigint, change_id bigint)
stable language sql as $$
    with recursive told as (
        select c.change_id as wanted_id, c.* from change c where c.change_id = any($1)
        union
        select told.wanted_id, near.*
        from told cross join lateral (
            select before.* from change before
            where before.change_id = told.supersedes and not exists (
                select from standing_change again
                where again.account_id = before.account_id and again.first_seen_new = before.first_seen_new
                    and again.change_key = before.change_key and again.source = before.source
                    and again.change_key <> told.change_key
            )
            union all
            -- By account and time, for which there is an index: the key is made of them.
            select same.* from change same
            where same.account_id = told.account_id and same.first_seen_new = told.first_seen_new
                and same.change_key = told.change_key and same.source = told.source
        ) near
    )
    select wanted_id, change_id from told
$$;

-- Every mail about the fact of a change, by recipient: at which stage it told it, and by which rule.
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
