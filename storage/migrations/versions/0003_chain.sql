-- Schema 3, chain: every change and every outcome gets an entry that depends on all entries before it.
-- entry = sha256(previous entry || leaf), leaf = sha256(statement); the first previous entry is 32 zero bytes.

create table chain (
    seq bigint primary key,
    kind text not null check (kind in ('change', 'outcome')),
    -- The change that is told of. Not a foreign key: the entry stays when the change itself is purged.
    change_id bigint not null,
    leaf bytea not null,
    entry bytea not null,
    at timestamptz not null
);
create unique index chain_change on chain (change_id, kind);
create index chain_at on chain (at);

create function chain_time(t timestamptz) returns text immutable language sql as $$
    select to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- What an entry attests, as text: one JSON object whose keys stand in this order.
create function chain_statement(wanted text, id bigint) returns text stable language sql as $$
    select case wanted
        when 'change' then (
            select json_build_object(
                'statement', 'change',
                'change_id', c.change_id,
                'supersedes', c.supersedes,
                'platform', a.platform,
                'account', a.native_id,
                'old_status', c.old_status,
                'old_withheld_in', c.old_withheld_in,
                'status', c.status,
                'withheld_in', c.withheld_in,
                'flags', c.flags,
                'kind', c.kind,
                'strength', c.strength,
                'last_seen_old', chain_time(c.last_seen_old),
                'first_seen_new', chain_time(c.first_seen_new),
                'recorded_at', chain_time(c.recorded_at),
                'source', c.source,
                'old_evidence', encode(c.old_evidence, 'hex'),
                'new_evidence', encode(c.new_evidence, 'hex')
            )::text
            from change c join account a using (account_id) where c.change_id = id
        )
        when 'outcome' then (
            select json_build_object(
                'statement', 'outcome',
                'change_id', o.change_id,
                'outcome', o.outcome,
                'reason', o.reason,
                'readings', o.readings,
                'last_agreeing_at', chain_time(o.last_agreeing_at),
                'decided_at', chain_time(o.decided_at)
            )::text
            from change_outcome o where o.change_id = id
        )
    end
$$;

-- The lock is the one of `announce`, so that a transaction takes one lock for both, in any order.
create function chain_append(wanted text, ids bigint[]) returns void language plpgsql as $$
declare
    last_seq bigint;
    head bytea;
    this record;
    this_leaf bytea;
begin
    perform pg_advisory_xact_lock(hashtext('blockline live_event'));
    select seq, entry into last_seq, head from chain order by seq desc limit 1;
    last_seq := coalesce(last_seq, 0);
    head := coalesce(head, decode(repeat('00', 32), 'hex'));
    for this in
        select u.id, chain_statement(wanted, u.id) as said,
            case wanted
                when 'change' then (select recorded_at from change where change_id = u.id)
                else (select decided_at from change_outcome where change_id = u.id)
            end as at
        from unnest(ids) with ordinality as u (id, n) order by u.n
    loop
        this_leaf := sha256(convert_to(this.said, 'UTF8'));
        last_seq := last_seq + 1;
        head := sha256(head || this_leaf);
        insert into chain (seq, kind, change_id, leaf, entry, at)
        values (last_seq, wanted, this.id, this_leaf, head, this.at);
    end loop;
end
$$;

create function chain_rows() returns trigger language plpgsql as $$
begin
    perform chain_append(tg_argv[0], (select array_agg(change_id order by change_id) from added));
    return null;
end
$$;
create trigger change_chain after insert on change
    referencing new table as added for each statement execute function chain_rows('change');
create trigger change_outcome_chain after insert on change_outcome
    referencing new table as added for each statement execute function chain_rows('outcome');
create trigger chain_append_only before update or delete on chain
    for each row execute function refuse_rewriting();
create trigger chain_no_truncate before truncate on chain
    for each statement execute function refuse_rewriting();

-- What was recorded before there was a chain, in the order in which it was recorded.
do $$
declare
    this record;
begin
    for this in
        select 'change' as kind, change_id, recorded_at as at from change
        union all select 'outcome', change_id, decided_at from change_outcome
        order by at, kind, change_id
    loop
        perform chain_append(this.kind, array[this.change_id]);
    end loop;
end
$$;

-- A head that somebody outside has put a time on.
create table chain_anchor (
    anchor_id bigint generated always as identity primary key,
    seq bigint not null references chain,
    authority text not null,
    -- The answer of the authority as it came (RFC 3161, DER).
    token bytea not null,
    at timestamptz not null
);
