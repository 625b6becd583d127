-- Changes: the truth, append-only; how they ended; and the spells that follow from them.

create table recording_order (
    is_only boolean primary key default true check (is_only),
    next_at timestamptz not null
);
comment on table recording_order is
    'What is recorded counts as known at moments in the order of the commits. One row; without it nothing was recorded '
    'yet.';
comment on column recording_order.is_only is 'Always true: there is one row.';
comment on column recording_order.next_at is
    'Nothing will be recorded any more that counts as known before this moment.';

create table evidence (
    sha256 bytea primary key,
    packed bytea,
    compressed boolean not null default false,
    purged_at timestamptz,
    constraint evidence_purged check ((packed is null) = (purged_at is not null))
);
comment on table evidence is
    'What is kept of the answers that changes rest on, each piece once. Purged evidence keeps its hash.';
comment on column evidence.sha256 is 'SHA-256 of the content.';
comment on column evidence.packed is 'The content. Null after a purge.';
comment on column evidence.compressed is 'Whether packed is compressed with zlib.';
comment on column evidence.purged_at is 'When the content was removed. Null: it is there.';

create table change (
    change_id bigint generated always as identity primary key,
    change_key text not null,
    account_id bigint not null references account,
    old_status text,
    old_withheld_in text[] not null default '{}',
    status text not null check (
        status in ('available', 'protected', 'withheld', 'suspended', 'deactivated', 'not_found')
    ),
    withheld_in text[] not null default '{}' check ((status = 'withheld') = (cardinality(withheld_in) > 0)),
    kind text not null check (
        kind in ('baseline', 'block', 'restoration', 'partial', 'protection', 'gone', 'return')
    ),
    strength text not null check (strength in ('strong', 'weak')),
    last_seen_old timestamptz,
    first_seen_new timestamptz not null,
    recorded_at timestamptz not null,
    source text not null,
    old_evidence bytea references evidence,
    new_evidence bytea references evidence,
    flags text[] not null default '{}',
    supersedes bigint references change,
    check (last_seen_old < first_seen_new)
);
create index change_account on change (account_id, first_seen_new desc);
create index change_first_seen on change (first_seen_new);
-- A source tells a fact once. A correction of it carries the same key, and says which row it supersedes.
create unique index change_told on change (change_key, source) where supersedes is null;
-- Not unique: a late reading may show that one change was two, and both are then told in its place.
create index change_supersedes on change (supersedes) where supersedes is not null;
-- Which changes rest on a piece of evidence: asked when it expires or is purged.
create index change_old_evidence on change (old_evidence) where old_evidence is not null;
create index change_new_evidence on change (new_evidence) where new_evidence is not null;
comment on table change is
    'An account went from one status, or set of countries, to another. Never updated: how it ended is in '
    'change_outcome, and a correction is a new row that supersedes this one.';
comment on column change.change_id is 'Number of the change.';
comment on column change.change_key is
    'The fact "this account was first seen in this state at this time", as a SHA-256: the same on every machine.';
comment on column change.account_id is 'The account.';
comment on column change.old_status is 'The status before. Null: nothing was known of it.';
comment on column change.old_withheld_in is 'The countries it was withheld in before. Empty: none.';
comment on column change.status is 'The status after.';
comment on column change.withheld_in is 'The countries it is withheld in after. Empty unless withheld.';
comment on column change.kind is 'What kind of change it is. Baseline: the first state that was seen.';
comment on column change.strength is
    'How good the evidence is. Strong: the platform says so; weak: it is concluded from what is missing.';
comment on column change.last_seen_old is
    'The last reading that bounds the change from below: it happened after. Null: no reading does.';
comment on column change.first_seen_new is 'The first reading with the new state: the change happened before.';
comment on column change.recorded_at is 'When it counts as known.';
comment on column change.source is 'Who says so: the platform for our own readings, else the record it came from.';
comment on column change.old_evidence is 'What is kept of the answer with the old state. Null: nothing.';
comment on column change.new_evidence is 'What is kept of the answer with the new state. Null: nothing.';
comment on column change.flags is
    'Side facts of the reading that showed the new state first; they say, for one, who suspended an account.';
comment on column change.supersedes is 'The change that this one corrects. Null: it corrects none.';
create trigger change_append_only before update or delete on change
    for each row execute function refuse_rewriting();
create trigger change_no_truncate before truncate on change
    for each statement execute function refuse_rewriting();

create view standing_change as
select c.* from change c
where not exists (select from change later where later.supersedes = c.change_id);
comment on view standing_change is 'The changes that nothing supersedes: the present knowledge.';
comment on column standing_change.change_id is 'Number of the change.';
comment on column standing_change.change_key is 'The fact that it states, as a SHA-256.';
comment on column standing_change.account_id is 'The account.';
comment on column standing_change.old_status is 'The status before. Null: nothing was known of it.';
comment on column standing_change.old_withheld_in is 'The countries it was withheld in before. Empty: none.';
comment on column standing_change.status is 'The status after.';
comment on column standing_change.withheld_in is 'The countries it is withheld in after. Empty unless withheld.';
comment on column standing_change.kind is 'What kind of change it is.';
comment on column standing_change.strength is 'How good the evidence is: strong or weak.';
comment on column standing_change.last_seen_old is
    'The change happened after this reading. Null: no reading bounds it.';
comment on column standing_change.first_seen_new is 'The change happened before this reading.';
comment on column standing_change.recorded_at is 'When it counts as known.';
comment on column standing_change.source is 'Who says so: the platform for our own readings, else a record.';
comment on column standing_change.old_evidence is 'What is kept of the answer with the old state. Null: nothing.';
comment on column standing_change.new_evidence is 'What is kept of the answer with the new state. Null: nothing.';
comment on column standing_change.flags is 'Side facts of the reading that showed the new state first.';
comment on column standing_change.supersedes is 'The change that this one corrects. Null: it corrects none.';

create table change_outcome (
    change_id bigint primary key references change,
    outcome text not null check (outcome in ('confirmed', 'not_confirmed')),
    reason text not null,
    decided_at timestamptz not null,
    readings int not null,
    last_agreeing_at timestamptz not null
);
create index change_outcome_decided on change_outcome (decided_at);
comment on table change_outcome is
    'How a provisional change ended: a row of its own, so that the change itself is never updated.';
comment on column change_outcome.change_id is 'The change.';
comment on column change_outcome.outcome is 'Whether it was confirmed.';
comment on column change_outcome.reason is 'Why it ended so.';
comment on column change_outcome.decided_at is 'When the outcome counts as known.';
comment on column change_outcome.readings is 'How many readings agreed.';
comment on column change_outcome.last_agreeing_at is 'The last reading that agreed.';
create trigger change_outcome_append_only before update or delete on change_outcome
    for each row execute function refuse_rewriting();
create trigger change_outcome_no_truncate before truncate on change_outcome
    for each statement execute function refuse_rewriting();

create table pending_change (
    account_id bigint primary key references account,
    change_id bigint not null unique references change,
    agreeing int not null,
    next_read_at timestamptz not null,
    last_agreeing_at timestamptz not null
);
create index pending_change_due on pending_change (next_read_at);
comment on table pending_change is
    'The provisional changes that still need readings. A work table: the outcome of a change removes its row.';
comment on column pending_change.account_id is 'The account, which has one provisional change at most.';
comment on column pending_change.change_id is 'The change.';
comment on column pending_change.agreeing is 'How many readings agreed so far.';
comment on column pending_change.next_read_at is 'When the account is to be read again.';
comment on column pending_change.last_agreeing_at is 'The last reading that agreed.';

create table pending_step (
    change_id bigint not null references change,
    recorded_at timestamptz not null,
    agreeing int not null,
    last_agreeing_at timestamptz not null,
    primary key (change_id, recorded_at)
);
comment on table pending_step is
    'How a provisional change came nearer to confirmation, so that what was known then can be shown later.';
comment on column pending_step.change_id is 'The change.';
comment on column pending_step.recorded_at is 'When the step counts as known.';
comment on column pending_step.agreeing is 'How many readings agreed by then.';
comment on column pending_step.last_agreeing_at is 'The last reading that agreed by then.';
create trigger pending_step_append_only before update or delete on pending_step
    for each row execute function refuse_rewriting();
create trigger pending_step_no_truncate before truncate on pending_step
    for each statement execute function refuse_rewriting();

create function step_moment(wanted bigint, now timestamptz) returns timestamptz stable language sql as $$
    select greatest(now, max(recorded_at) + interval '1 microsecond') from pending_step where change_id = wanted
$$;
comment on function step_moment is
    'When the next step of a change counts as known: clocks differ, and no two steps are of one instant.';

-- `recorded` may only be closed, never rewritten.
create table spell (
    spell_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    change_id bigint not null references change,
    status text not null,
    withheld_in text[] not null default '{}',
    onset_after timestamptz,
    valid tstzrange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    before_change boolean not null default false,
    constraint spell_overlap exclude using gist (account_id with =, valid with &&, recorded with &&)
);
create unique index spell_open on spell (account_id) include (status)
    where upper_inf(valid) and upper_inf(recorded);
create index spell_account on spell (account_id, lower(valid));
-- Times at which a state began or ended, in the present knowledge: counts over a range start from here.
create index spell_since on spell (lower(valid)) where upper_inf(recorded);
create index spell_until on spell (upper(valid)) where upper_inf(recorded) and not upper_inf(valid);
create index spell_blocked on spell (account_id) where status in ('withheld', 'suspended');
comment on table spell is
    'A status period: a maximal time with one status, of the confirmed changes, with when that was known. It can be '
    'made again from the changes.';
comment on column spell.spell_id is 'Number of the spell.';
comment on column spell.account_id is 'The account.';
comment on column spell.change_id is 'The change that it begins with; before_change says on which side.';
comment on column spell.status is 'The status in this time.';
comment on column spell.withheld_in is 'The countries it was withheld in. Empty unless withheld.';
comment on column spell.onset_after is
    'The onset lies between this and the beginning of valid. Null: nothing bounds it from below.';
comment on column spell.valid is 'When it was so. Open: it is so still.';
comment on column spell.recorded is 'When that was what was known. Open: it is the present knowledge.';
comment on column spell.before_change is
    'True: it is the state before its change, because another source had said a different one, and nobody recorded how '
    'it came back. The flags of the change are then not those of the spell.';

create function spells_now() returns setof spell stable parallel safe language sql as $$
    select * from spell where upper_inf(valid) and upper_inf(recorded)
$$;
comment on function spells_now is 'The present state of every account, as it is known now.';

create function spells_at(at timestamptz, known_at timestamptz) returns setof spell
stable parallel safe language sql as $$
    select * from spell where valid @> $1 and recorded @> coalesce($2, 'infinity')
$$;
comment on function spells_at is 'The state of every account at a time, as known at another (null: as known now).';

create function spells_known(known_at timestamptz) returns setof spell stable parallel safe language sql as $$
    select * from spell where case when $1 is null then upper_inf(recorded) else recorded @> $1 end
$$;
comment on function spells_known is 'The states of all times, as known at one (null: as known now).';

create function repeatedly_blocked(at timestamptz, known_at timestamptz) returns setof bigint
stable parallel safe language sql as $$
    select account_id
    from (
        select s.account_id, s.status in ('withheld', 'suspended') as is_blocked,
            lag(s.status in ('withheld', 'suspended'))
                over (partition by s.account_id order by lower(s.valid)) as was_blocked
        from spells_known($2) s
        where lower(s.valid) <= $1 and s.status in ('withheld', 'suspended', 'available', 'protected')
            -- Once is not enough: this leaves few accounts whose states are read in order.
            and s.account_id in (
                select account_id from spell where status in ('withheld', 'suspended')
                group by account_id having count(*) > 1
            )
            and not (s.status = 'suspended' and not s.before_change and exists (
                select from change c where c.change_id = s.change_id and 'suspended_or_deleted' = any(c.flags)
            ))
    ) shown
    where is_blocked and was_blocked is distinct from true
    group by account_id having count(*) > 1
$$;
comment on function repeatedly_blocked is
    'The accounts with two or more block periods up to a time, as known at another (null: as known now). Between two '
    'of them the platform showed the account: one that was gone in between may have been blocked all the time, and a '
    'change of countries ends no block. Suspended or deleted, where the platform does not say which, is no block.';

create table imported_span (
    account_id bigint not null references account,
    source text not null,
    status text not null check (
        status in ('available', 'protected', 'withheld', 'suspended', 'deactivated', 'not_found')
    ),
    withheld_in text[] not null default '{}',
    seen_from timestamptz not null,
    seen_to timestamptz not null check (seen_to > seen_from),
    recorded_at timestamptz not null,
    primary key (account_id, source, seen_from, seen_to)
);
comment on table imported_span is
    'Where an imported record says that one state lasted, and not only that it was seen twice. What the same record '
    'says otherwise of that time, in whatever file, contradicts it.';
comment on column imported_span.account_id is 'The account.';
comment on column imported_span.source is 'The record.';
comment on column imported_span.status is 'The status that lasted.';
comment on column imported_span.withheld_in is 'The countries it was withheld in. Empty unless withheld.';
comment on column imported_span.seen_from is 'From when.';
comment on column imported_span.seen_to is 'Until when.';
comment on column imported_span.recorded_at is 'When it counts as known.';

create function own_state(wanted bigint)
returns table (change_id bigint, status text, withheld_in text[], flags text[])
stable language sql as $$
    select c.change_id, c.status, c.withheld_in, c.flags
    from standing_change c
    join account a on a.account_id = c.account_id and a.platform = c.source
    join change_outcome o on o.change_id = c.change_id and o.outcome = 'confirmed'
    where c.account_id = wanted
    order by c.first_seen_new desc
    limit 1
$$;
comment on function own_state is
    'The state that our own readings hold of an account: the new one of its last confirmed change. No row: none was '
    'confirmed. What others published is no reading of ours: it neither opens nor ends anything here, and is in spell.';

create function scoped_flags(
    wanted bigint, wanted_status text, told text[], since timestamptz, until timestamptz, known_at timestamptz
)
returns table (flags text[])
stable language sql as $$
    select coalesce(
        (
            select array(
                select flag from unnest(told) as flag
                where flag not in ('host', 'app_view_only', 'scope_unanswered', 'scope_unknown', 'deleted')
                union all select f.kind
            )
            from fact f
            where f.account_id = wanted and f.observer = '' and f.kind = any(
                    case wanted_status
                        when 'suspended'
                            then array['host', 'app_view_only', 'scope_unanswered', 'scope_unknown']
                        when 'not_found' then array['deleted']
                    end
                )
                and f.first_seen < coalesce(until, 'infinity')
                and f.recorded_at <= coalesce(known_at, 'infinity')
                and (f.first_absent is null or f.first_absent > since)
            -- A look without an answer leaves what others told.
            order by f.kind = 'scope_unanswered', f.first_seen desc
            limit 1
        ),
        told
    )
$$;
comment on function scoped_flags is
    'The flags of a state, with who took the account down: a side fact with its own interval, taken from the newest '
    'look of those in the state and recorded by known_at. Null for until or known_at: without end.';

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
comment on function fact_rows is
    'The rows that state the same fact as a change: itself, those that began with the same reading, and those that '
    'they supersede. What was superseded by one that began earlier or later belongs to that one, unless another row '
    'states it again. wanted_id is the change that was asked about.';

create function changes_told(known_at timestamptz) returns table (
    change_id bigint, change_key text, supersedes bigint, account_id bigint, platform text, native_id text,
    handle text, post boolean, kind text, old_status text, old_withheld_in text[], status text,
    withheld_in text[], flags text[], strength text, last_seen_old timestamptz, first_seen_new timestamptz,
    recorded_at timestamptz, outcome text, reason text, readings int, last_agreeing_at timestamptz,
    decided_at timestamptz, source text, old_evidence text, new_evidence text
) stable parallel safe language sql as $$
    select c.change_id, c.change_key, c.supersedes, c.account_id, a.platform, a.native_id, a.handle, a.is_post,
        c.kind, c.old_status, case when c.old_status is not null then c.old_withheld_in end, c.status, c.withheld_in,
        c.flags, c.strength,
        c.last_seen_old, c.first_seen_new, c.recorded_at, coalesce(o.outcome, 'provisional'), o.reason,
        coalesce(o.readings, case when $1 is null then p.agreeing else coalesce(s.agreeing, 1) end),
        coalesce(o.last_agreeing_at, case when $1 is null then p.last_agreeing_at
            else coalesce(s.last_agreeing_at, c.first_seen_new) end),
        o.decided_at, c.source, encode(c.old_evidence, 'hex'), encode(c.new_evidence, 'hex')
    from change c
    join account a using (account_id)
    left join change_outcome o on o.change_id = c.change_id and o.decided_at <= coalesce($1, 'infinity')
    left join pending_change p on p.change_id = c.change_id
    left join lateral (
        select agreeing, last_agreeing_at from pending_step
        where change_id = c.change_id and recorded_at <= $1
        order by recorded_at desc limit 1
    ) s on true
    where c.recorded_at <= coalesce($1, 'infinity')
$$;
comment on function changes_told is
    'Changes as API and export tell them, superseded ones too, as they stood at a time (null: now): an outcome that '
    'was decided later is not told, and of a provisional change how many readings agreed by then.';
