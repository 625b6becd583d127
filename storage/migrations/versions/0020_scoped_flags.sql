-- Schema 20: who took an account down is a side fact with its own interval. What is said of a state takes it
-- from the newest look, of those in the state and recorded by then.
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
