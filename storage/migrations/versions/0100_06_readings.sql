-- Every single reading, rebuilt from coverage and changes.

create function account_readings(
    account bigint, since timestamptz, until timestamptz, known_at timestamptz default 'infinity'
) returns table (
    at timestamptz, asked_at timestamptz, status text, withheld_in text[], strength text, flags text[],
    silent_on text[], roster_id int, vantage text, latency_ms int, recorded_at timestamptz, change_id bigint
) stable language sql as $$
    with own as materialized (
        select c.change_id, c.status, c.withheld_in, c.strength, c.flags, c.first_seen_new,
            o.outcome is not distinct from 'confirmed' as confirmed,
            coalesce(o.last_agreeing_at, p.last_agreeing_at) as last_agreeing_at
        from standing_change c
        join account a on a.account_id = c.account_id and a.platform = c.source
        left join change_outcome o using (change_id)
        left join pending_change p using (change_id)
        -- A change that was annulled showed nothing: other rows tell of its readings.
        where c.account_id = $1 and coalesce(o.reason, '') not in ('corrected', 'set_aside')
    ),
    shown as materialized (
        select change_id, tstzrange(first_seen_new, last_agreeing_at, '[]') as during
        from own where not confirmed
    ),
    held as (
        select change_id, tstzrange(
            first_seen_new, lead(first_seen_new) over (order by first_seen_new, change_id)
        ) as during
        from own where confirmed
    ),
    told as materialized (
        select change_id, during from shown
        union all
        select change_id, u.during
        from held cross join lateral unnest(
            tstzmultirange(held.during) - coalesce((select range_agg(during) from shown), '{}')
        ) as u (during)
    )
    select c.observed_at, c.observed_at - c.latency_ms * interval '1 millisecond', o.status, o.withheld_in,
        o.strength, o.flags, coalesce(c.silent, '{}'), c.roster_id, r.vantage, c.latency_ms, c.recorded_at,
        t.change_id
    from told t
    join own o using (change_id)
    cross join (
        select r.roster_id, r.vantage, array_position(r.account_ids, $1::int) as position
        from roster r where r.account_ids @> array[$1::int] and r.vantage = '' offset 0
    ) r
    -- "offset 0" keeps the planner from reading all coverage of a time first, and then looking who was asked.
    cross join lateral (
        select * from coverage c
        where c.roster_id = r.roster_id and c.outcome = 0 and c.recorded_at <= $4
            and c.observed_at >= greatest($2, lower(t.during)) and c.observed_at < $3
            and c.observed_at <= coalesce(upper(t.during), 'infinity')
        offset 0
    ) c
    where t.during @> c.observed_at and answered_at(c.answered, r.position)
$$;
comment on function account_readings is
    'What every answer of our own connection showed of an account, in any order (sort it by at): the state of the '
    'change that was not confirmed, or not yet, as long as readings agreed with it; else that of the last change that '
    'was confirmed. Strength and flags are those of that change. What was learned later does not alter a reading: '
    'known_at only leaves out those that were not stored then. What others published is no reading of ours.';

create function account_misses(account bigint, since timestamptz, until timestamptz)
returns table (
    at timestamptz, asked_at timestamptz, reason text, alone boolean, roster_id int, vantage text,
    recorded_at timestamptz
) stable language sql as $$
    select c.observed_at, c.observed_at - c.latency_ms * interval '1 millisecond',
        coalesce(
            case c.outcome
                when 0 then (
                    select e.reason from jsonb_each(c.missed) as e (reason, positions)
                    where e.positions @> to_jsonb(r.bit) limit 1
                )
                when 1 then c.missed_reason
                else 'held'
            end,
            'unclassified'
        ),
        c.outcome = 0, c.roster_id, r.vantage, c.recorded_at
    from (
        select r.roster_id, r.vantage, array_position(r.account_ids, $1::int) - 1 as bit
        from roster r where r.account_ids @> array[$1::int] and r.vantage = '' offset 0
    ) r
    cross join lateral (
        select * from coverage c
        where c.roster_id = r.roster_id and c.observed_at >= $2 and c.observed_at < $3
        offset 0
    ) c
    where c.outcome <> 0 or get_bit(c.answered, r.bit) = 0
$$;
comment on function account_misses is
    'Every attempt of our own connection that said nothing of an account, in any order. alone: others of the same '
    'request were answered, so that only this account failed.';

create function answers_between(after timestamptz, until timestamptz)
returns table (account_id int, observed_at timestamptz, recorded_at timestamptz)
stable parallel safe language sql as $$
    select m.account_id, c.observed_at, c.recorded_at
    from coverage c join roster r using (roster_id)
    cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
    where c.outcome = 0 and c.observed_at > $1 and c.observed_at <= $2 and r.vantage = ''
        and answered_at(c.answered, m.position)
$$;
comment on function answers_between is
    'Who gave a conclusive answer to our own connection after one time and up to another, once for each answer.';

create function last_answer(account bigint, until timestamptz, known_at timestamptz)
returns table (at timestamptz) stable parallel safe language sql as $$
    select max(e.observed_at)
    from (
        select roster_id, array_position(account_ids, $1::int) as position from roster
        where account_ids @> array[$1::int] and vantage = ''
    ) r
    cross join lateral (
        select observed_at from coverage
        where roster_id = r.roster_id and outcome = 0 and observed_at <= $2 and recorded_at <= $3
            and answered_at(answered, r.position)
        order by observed_at desc limit 1
    ) e
$$;
comment on function last_answer is
    'When an account last gave a conclusive answer to our own connection, up to a time and as known at another. '
    'Null: never.';
