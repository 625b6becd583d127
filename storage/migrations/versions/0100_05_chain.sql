-- The hash chain: every change, outcome and cause gets an entry that depends on all entries before it. Now and then
-- the head of the chain over the audit log (0100_11_people.sql) gets one, so that a head of this chain covers both.
-- entry = sha256(previous entry || leaf), leaf = sha256(statement); the first previous entry is 32 zero bytes.
-- A statement is what `chain_statement` makes of the row: one JSON object without white space, its keys in the
-- order below, its times in UTC to the microsecond. `storage/model/evidence/hash_chain.py` makes the same bytes.

create table chain (
    seq bigint primary key,
    kind text not null check (kind in ('change', 'outcome', 'cause', 'audit head')),
    change_id bigint,
    cause_id bigint unique,
    audit_seq bigint unique,
    leaf bytea not null,
    entry bytea not null,
    at timestamptz not null,
    check (num_nonnulls(change_id, cause_id, audit_seq) = 1),
    check ((kind = 'cause') = (cause_id is not null) and (kind = 'audit head') = (audit_seq is not null))
);
create unique index chain_change on chain (change_id, kind);
create index chain_at on chain (at);
comment on table chain is
    'The hash chain: one entry per change, outcome and cause, and heads of the audit log. Only triggers and '
    'chain_audit_head write it, with the rights of the owner.';
comment on column chain.seq is 'Number of the entry, from 1 and without a gap.';
comment on column chain.kind is 'Whether the entry attests a change, an outcome, a cause or a head of the audit log.';
comment on column chain.change_id is
    'The change. It is not a foreign key: the entry stays when the change itself is purged. Null: a cause, or a head '
    'of the audit log.';
comment on column chain.cause_id is
    'The cause. It is not a foreign key, as with changes. Null: something else is attested.';
comment on column chain.audit_seq is
    'The number of the entry of audit_chain that was its head. Null: something else is attested.';
comment on column chain.leaf is 'SHA-256 of the statement.';
comment on column chain.entry is 'SHA-256 of the previous entry and the leaf.';
comment on column chain.at is 'When what it attests counts as known.';
create trigger chain_append_only before update or delete on chain
    for each row execute function refuse_rewriting();
create trigger chain_no_truncate before truncate on chain
    for each statement execute function refuse_rewriting();

create table chain_anchor (
    anchor_id bigint generated always as identity primary key,
    seq bigint not null references chain,
    authority text not null,
    token bytea not null,
    at timestamptz not null,
    unique (seq, authority)
);
comment on table chain_anchor is 'Heads of the chain that a timestamp authority has put a time on.';
comment on column chain_anchor.anchor_id is 'Number of the anchor.';
comment on column chain_anchor.seq is 'The entry that was the head.';
comment on column chain_anchor.authority is 'The address of the authority.';
comment on column chain_anchor.token is 'The answer of the authority as it came (RFC 3161, DER).';
comment on column chain_anchor.at is
    'When the answer came, by our own clock. The time of the authority is in the token.';
create trigger chain_anchor_append_only before update or delete on chain_anchor
    for each row execute function refuse_rewriting();
create trigger chain_anchor_no_truncate before truncate on chain_anchor
    for each statement execute function refuse_rewriting();

create function chain_time(t timestamptz) returns text stable language sql as $$
    select to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
comment on function chain_time is 'A time as statements have it.';

create function chain_statement(c change) returns text stable language sql as $$
    select row_to_json(s)::text from (
        select 'change' as statement,
            c.change_id,
            c.supersedes,
            a.platform,
            a.native_id as account,
            c.old_status,
            c.old_withheld_in,
            c.status,
            c.withheld_in,
            c.flags,
            c.kind,
            c.strength,
            chain_time(c.last_seen_old) as last_seen_old,
            chain_time(c.first_seen_new) as first_seen_new,
            chain_time(c.recorded_at) as recorded_at,
            c.source,
            encode(c.old_evidence, 'hex') as old_evidence,
            encode(c.new_evidence, 'hex') as new_evidence
        from account a where a.account_id = c.account_id
    ) s
$$;
comment on function chain_statement(change) is 'The statement of a change.';

create function chain_statement(o change_outcome) returns text stable language sql as $$
    select row_to_json(s)::text from (
        select 'outcome' as statement,
            o.change_id,
            o.outcome,
            o.reason,
            o.readings,
            chain_time(o.last_agreeing_at) as last_agreeing_at,
            chain_time(o.decided_at) as decided_at
    ) s
$$;
comment on function chain_statement(change_outcome) is 'The statement of an outcome.';

create function chain_leaf(statement text) returns bytea stable language sql as $$
    select sha256(convert_to(statement, 'UTF8'))
$$;
comment on function chain_leaf is 'The leaf of a statement.';

-- One writer at a time reads the head and puts entries after it; a transaction that is undone takes its entries
-- with it, so that numbers have no gap. The lock is the one of `announce`: a transaction takes one for both. It
-- is taken in a statement of its own, so that the head is read after whoever held it has committed.
create function chain_append(kinds text[], ids bigint[], leaves bytea[], times timestamptz[])
returns void language plpgsql as $$
declare
    last_seq bigint;
    head bytea;
    entries bytea[] := '{}';
    leaf bytea;
begin
    if coalesce(cardinality(ids), 0) = 0 then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('blockline live_event'));
    select seq, entry into last_seq, head from chain order by seq desc limit 1;
    head := coalesce(head, decode(repeat('00', 32), 'hex'));
    foreach leaf in array leaves loop
        head := sha256(head || leaf);
        entries := array_append(entries, head);
    end loop;
    insert into chain (seq, kind, change_id, cause_id, audit_seq, leaf, entry, at)
    select coalesce(last_seq, 0) + u.n, u.kind, case when u.kind in ('change', 'outcome') then u.id end,
        case when u.kind = 'cause' then u.id end, case when u.kind = 'audit head' then u.id end, u.leaf, u.entry, u.at
    from unnest(kinds, ids, leaves, entries, times) with ordinality as u (kind, id, leaf, entry, at, n);
end
$$;
comment on function chain_append is 'Puts entries after the head of the chain.';

-- The triggers act as the owner of the tables: who may record a change need not be able to write the chain.
create function chain_changes() returns trigger security definer language plpgsql as $$
begin
    perform chain_append(
        array_agg('change'::text order by c.change_id),
        array_agg(c.change_id order by c.change_id),
        array_agg(chain_leaf(chain_statement(c)) order by c.change_id),
        array_agg(c.recorded_at order by c.change_id)
    ) from added join change c using (change_id);
    return null;
end
$$;
comment on function chain_changes is 'Gives each change that was inserted its entry.';
create function chain_outcomes() returns trigger security definer language plpgsql as $$
begin
    perform chain_append(
        array_agg('outcome'::text order by o.change_id),
        array_agg(o.change_id order by o.change_id),
        array_agg(chain_leaf(chain_statement(o)) order by o.change_id),
        array_agg(o.decided_at order by o.change_id)
    ) from added join change_outcome o using (change_id);
    return null;
end
$$;
comment on function chain_outcomes is 'Gives each outcome that was inserted its entry.';
do $$
begin
    execute format('alter function chain_changes() set search_path = %I, pg_temp', current_schema());
    execute format('alter function chain_outcomes() set search_path = %I, pg_temp', current_schema());
end
$$;
revoke execute on function chain_append(text[], bigint[], bytea[], timestamptz[]) from public;
create trigger change_chain after insert on change
    referencing new table as added for each statement execute function chain_changes();
create trigger change_outcome_chain after insert on change_outcome
    referencing new table as added for each statement execute function chain_outcomes();
