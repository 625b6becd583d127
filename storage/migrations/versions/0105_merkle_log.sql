-- The Merkle tree of RFC 6962 over the entries of the hash chain: a leaf is sha256(0x00 || entry), an inner node
-- sha256(0x01 || left || right). A node of level L with the number N, from 0, covers the 2^L leaves from N * 2^L on.
-- Only perfect nodes are stored, each with the last entry that it covers, so none ever changes.
-- `storage/model/evidence/merkle_tree.py` makes roots and proofs of them.

-- Until this is done, no entry is added.
lock table chain in share row exclusive mode;

create table chain_node (
    seq bigint primary key,
    hashes bytea not null
);

insert into chain_node (seq, hashes)
select k.seq, sha256('\x01'::bytea || sha256('\x00'::bytea || p.entry) || sha256('\x00'::bytea || k.entry))
from chain k join chain p on p.seq = k.seq - 1 where k.seq % 2 = 0;
analyze chain_node;
do $$
begin
    for level in 1 .. 62 loop
        update chain_node r
        set hashes = r.hashes
            || sha256('\x01'::bytea || substr(l.hashes, 32 * level - 31) || substr(r.hashes, 32 * level - 31))
        from chain_node l
        where r.seq % (2::bigint << level) = 0 and l.seq = r.seq - (1::bigint << level)
            and length(l.hashes) = 32 * level and length(r.hashes) = 32 * level;
        exit when not found;
    end loop;
end
$$;
-- Above an entry that is missing there is no node.
delete from chain_node where seq & -seq <> 1::bigint << (length(hashes) / 32);

alter table chain_node add check (
    length(hashes) > 0 and length(hashes) % 32 = 0 and seq & -seq = 1::bigint << (length(hashes) / 32)
);
comment on table chain_node is
    'The inner nodes of the Merkle tree over the chain. Only a trigger writes it, with the rights of the owner.';
comment on column chain_node.seq is 'The last entry of the chain that the nodes cover. An odd one has none.';
comment on column chain_node.hashes is 'The hashes of the perfect nodes that end with this entry, from level 1 up.';
create trigger chain_node_append_only before update or delete on chain_node
    for each row execute function refuse_rewriting();
create trigger chain_node_no_truncate before truncate on chain_node
    for each statement execute function refuse_rewriting();

create table chain_checkpoint (
    checkpoint_id bigint generated always as identity primary key,
    size bigint not null check (size > 0),
    root bytea not null check (length(root) = 32),
    signer text not null,
    note text not null,
    at timestamptz not null,
    unique (size, signer)
);
comment on table chain_checkpoint is 'Signed roots of the Merkle tree over the chain (C2SP tlog-checkpoint).';
comment on column chain_checkpoint.checkpoint_id is 'Number of the checkpoint.';
comment on column chain_checkpoint.size is 'How many entries the tree had.';
comment on column chain_checkpoint.root is 'The root of the tree of these entries.';
comment on column chain_checkpoint.signer is 'The public key that verifies the signature (C2SP signed-note).';
comment on column chain_checkpoint.note is 'The signed note.';
comment on column chain_checkpoint.at is 'When it was signed.';
create trigger chain_checkpoint_append_only before update or delete on chain_checkpoint
    for each row execute function refuse_rewriting();
create trigger chain_checkpoint_no_truncate before truncate on chain_checkpoint
    for each statement execute function refuse_rewriting();

alter table chain_anchor add column checkpoint_id bigint references chain_checkpoint;
alter table chain_anchor drop constraint chain_anchor_seq_authority_key;
alter table chain_anchor add constraint chain_anchor_once unique nulls not distinct (seq, authority, checkpoint_id);
comment on table chain_anchor is
    'Checkpoints and, from earlier versions, entries of the chain that a timestamp authority has put a time on.';
comment on column chain_anchor.seq is 'The newest entry that the time stamp covers.';
comment on column chain_anchor.checkpoint_id is
    'The checkpoint whose note was stamped. Null: the hash of the entry was.';

create function chain_subtree(level int, n bigint) returns bytea stable language plpgsql as $$
begin
    if level = 0 then
        return (select sha256('\x00'::bytea || entry) from chain where seq = n + 1);
    end if;
    return coalesce(
        (select substr(hashes, 32 * level - 31, 32) from chain_node where seq = (n + 1) << level),
        sha256('\x01'::bytea || chain_subtree(level - 1, 2 * n) || chain_subtree(level - 1, 2 * n + 1))
    );
end
$$;
comment on function chain_subtree is
    'The hash of a perfect node: as stored, or computed from the entries if it is missing. Null: an entry is missing.';

-- The entries complete their nodes. A left neighbour is read only if it ends before these entries.
create function chain_nodes() returns trigger security definer language plpgsql as $$
declare
    one record;
    level int;
    node bytea;
    beside bytea;
    hashes bytea;
    newest bytea[] := '{}';  -- by level, the newest node that these entries completed
    node_seqs bigint[] := '{}';
    node_hashes bytea[] := '{}';
begin
    for one in select seq, entry from added order by seq loop
        node := sha256('\x00'::bytea || one.entry);
        hashes := '';
        level := 0;
        while (one.seq >> level) % 2 = 0 loop
            beside := coalesce(newest[level], chain_subtree(level, (one.seq >> level) - 2));
            newest[level] := node;
            node := sha256('\x01'::bytea || beside || node);
            hashes := hashes || node;
            level := level + 1;
        end loop;
        newest[level] := node;
        -- Where an entry is missing there is no node: a change is recorded all the same.
        if level > 0 and hashes is not null then
            node_seqs := array_append(node_seqs, one.seq);
            node_hashes := array_append(node_hashes, hashes);
        end if;
    end loop;
    insert into chain_node (seq, hashes) select * from unnest(node_seqs, node_hashes);
    return null;
end
$$;
comment on function chain_nodes is 'Stores the nodes of the Merkle tree that new entries complete.';
do $$
begin
    execute format('alter function chain_nodes() set search_path = %I, pg_temp', current_schema());
end
$$;
create trigger chain_tree after insert on chain
    referencing new table as added for each statement execute function chain_nodes();

create or replace function grant_running(role_name text) returns void language plpgsql as $$
declare
    this record;
begin
    execute format('grant usage on schema %I to %I', current_schema(), role_name);
    execute format('grant execute on function ensure_coverage_month(date) to %I', role_name);
    execute format('grant execute on function chain_audit_head(timestamptz) to %I', role_name);
    for this in
        select c.oid::regclass as name, c.relname, c.relkind from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
            and not c.relispartition and pg_has_role(c.relowner, 'usage')
    loop
        execute format('revoke all on %s from %I', this.name, role_name);
        execute format('grant select on %s to %I', this.name, role_name);
        if this.relkind = 'S' then
            execute format('grant usage on sequence %s to %I', this.name, role_name);
        elsif this.relkind in ('r', 'p') and this.relname not in (
            'alembic_version', 'audit_chain', 'chain', 'chain_node', 'coverage_aside', 'purged_change', 'purged_cause'
        ) then
            execute format('grant insert on %s to %I', this.name, role_name);
            if this.relname not in (
                'change', 'change_outcome', 'pending_step', 'cause', 'chain_anchor', 'chain_checkpoint',
                'coverage_row', 'purge_log', 'retention_log', 'audit_log', 'list_thresholds', 'backup_log'
            ) then
                execute format('grant update, delete on %s to %I', this.name, role_name);
            end if;
        end if;
    end loop;
end
$$;
do $$
begin
    execute format('alter function grant_running(text) set search_path = %I, pg_temp', current_schema());
end
$$;
