"""The Merkle tree over the hash chain, as the database holds it: roots, proofs, and signed checkpoints.

Entries are only added, so the tree of the first `size` entries never changes, whatever is recorded meanwhile.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.evidence.merkle_tree import (
    EMPTY_ROOT,
    TreeNode,
    TreeSpan,
    consistency_spans,
    hashes_of,
    inclusion_spans,
    is_consistent,
)
from storage.model.evidence.packs import CheckpointStamp, LoggedCheckpoint, LoggedEntry, PackLog
from storage.postgres.errors import StorageError
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed root of the tree of the first `size` entries."""

    checkpoint_id: int
    size: int
    root: bytes
    signer: str
    """The public key that verifies the note, as C2SP signed-note writes it."""
    note: str
    at: datetime


class EntryMissing(StorageError):
    """An entry of the hash chain is missing, so the tree has no root."""

    def __init__(self) -> None:
        super().__init__(
            "An entry of the hash chain is missing. The command “blockline evidence chain” names it."
        )


async def tree_root(conn: Conn, size: int) -> bytes:
    """The root of the tree of the first `size` entries; `EMPTY_ROOT` for 0. Raises EntryMissing."""
    if size == 0:
        return EMPTY_ROOT
    (root,) = await _roots(conn, [TreeSpan(0, size)])
    return root


async def inclusion_proof(conn: Conn, seq: int, size: int) -> list[bytes]:
    """The proof that entry `seq` is one of the first `size`. Raises EntryMissing."""
    return await _roots(conn, inclusion_spans(seq - 1, size))


async def consistency_proof(conn: Conn, old: int, new: int) -> list[bytes]:
    """The proof that the first `new` entries begin with the first `old`. Raises EntryMissing."""
    return await _roots(conn, consistency_spans(old, new))


async def tree_edge(conn: Conn, size: int) -> list[bytes]:
    """The hashes of the perfect nodes that the root of the first `size` entries is made of.

    Raises EntryMissing.
    """
    nodes = TreeSpan(0, size).nodes
    found = await _hashes(conn, nodes)
    return [found[node] for node in nodes]


async def _roots(conn: Conn, spans: Sequence[TreeSpan]) -> list[bytes]:
    found = await _hashes(conn, [node for span in spans for node in span.nodes])
    return hashes_of(spans, found.__getitem__)


async def _hashes(conn: Conn, nodes: Sequence[TreeNode]) -> dict[TreeNode, bytes]:
    rows = await conn.fetch(
        """
        select u.level, u.number, chain_subtree(u.level, u.number) as hash
        from unnest($1::int[], $2::bigint[]) as u (level, number)
        """,
        [node.level for node in nodes],
        [node.number for node in nodes],
    )
    if any(row["hash"] is None for row in rows):
        raise EntryMissing()
    return {TreeNode(row["level"], row["number"]): row["hash"] for row in rows}


async def begins_with(conn: Conn, size: int, root: bytes, newest: int, newest_root: bytes) -> bool:
    """Whether the log of `newest` entries with this root begins with that of `size` entries and `root`.

    False also if the log is shorter. Raises EntryMissing.
    """
    if size > newest:
        return False
    proof = await consistency_proof(conn, size, newest)
    return is_consistent(size, newest, root, newest_root, proof)


async def lock_checkpoints(conn: Conn) -> None:
    """Wait until no other transaction signs a checkpoint. The lock lasts as long as that of the caller."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('blockline checkpoints', 0))")


async def log_origin(conn: Conn) -> str:
    """The name of this log: its first entry makes it unique. Raises EntryMissing."""
    entry: bytes | None = await conn.fetchval("select entry from chain where seq = 1")
    if entry is None:
        raise EntryMissing()
    return f"blockline/{entry[:8].hex()}"


async def newest_checkpoint(conn: Conn) -> StoredCheckpoint | None:
    """The checkpoint that was signed last; None if there is none."""
    row = await conn.fetchrow(
        """
        select checkpoint_id, size, root, signer, note, at from chain_checkpoint
        order by checkpoint_id desc limit 1
        """
    )
    return None if row is None else _checkpoint(row)


@dataclass(frozen=True, slots=True)
class CheckpointState:
    """The newest checkpoint, and whether the log still continues it."""

    size: int
    at: datetime
    is_continued: bool
    """False also if an entry is missing."""


async def checkpoint_state(conn: Conn) -> CheckpointState | None:
    """Compare the log with its newest checkpoint; None if there is none. Its signature is not checked."""
    newest = await newest_checkpoint(conn)
    if newest is None:
        return None
    size = await conn.fetchval("select coalesce(max(seq), 0) from chain")
    try:
        root = await tree_root(conn, size)
        is_continued = await begins_with(conn, newest.size, newest.root, size, root)
    except EntryMissing:
        is_continued = False
    return CheckpointState(newest.size, newest.at, is_continued)


async def is_stamped(conn: Conn, checkpoint_id: int, authority: str) -> bool:
    """Whether an authority has stamped a checkpoint."""
    return await conn.fetchval(
        "select exists (select from chain_anchor where checkpoint_id = $1 and authority = $2)",
        checkpoint_id,
        authority,
    )


async def stored_checkpoints(conn: Conn) -> list[StoredCheckpoint]:
    """All checkpoints in the order in which they were signed."""
    rows = await conn.fetch(
        "select checkpoint_id, size, root, signer, note, at from chain_checkpoint order by checkpoint_id"
    )
    return [_checkpoint(row) for row in rows]


async def add_checkpoint(
    conn: Conn, size: int, root: bytes, signer: str, note: str, now: datetime
) -> StoredCheckpoint:
    """Store a signed checkpoint."""
    row = await conn.fetchrow(
        """
        insert into chain_checkpoint (size, root, signer, note, at) values ($1, $2, $3, $4, $5)
        returning checkpoint_id, size, root, signer, note, at
        """,
        *(size, root, signer, note, now),
    )
    if row is None:
        raise LookupError("an insert returned no row")
    return _checkpoint(row)


async def pack_log(
    conn: Conn, seqs: Sequence[int], newest: StoredCheckpoint, held: Collection[StoredCheckpoint] = ()
) -> PackLog:
    """The proofs for these entries, which `newest` covers.

    Of the earlier checkpoints it has those that others are likely to know: the first one after each entry,
    the first one after it with a time stamp, the last one before all of them, and those that are `held`.
    Raises EntryMissing.
    """
    rows = await conn.fetch(
        """
        with wanted as (
            select a.checkpoint_id from unnest($1::bigint[]) as u (seq) cross join lateral (
                select checkpoint_id from chain_checkpoint
                where size >= u.seq order by size, checkpoint_id limit 1
            ) a
            union
            select s.checkpoint_id from unnest($1::bigint[]) as u (seq) cross join lateral (
                select checkpoint_id from chain_anchor where seq >= u.seq and checkpoint_id is not null
                order by seq, checkpoint_id limit 1
            ) s
            union
            select b.checkpoint_id from (
                select checkpoint_id from chain_checkpoint
                where size < $2 order by size desc, checkpoint_id limit 1
            ) b
        )
        select c.checkpoint_id, c.size, c.root, c.signer, c.note, c.at
        from wanted join chain_checkpoint c using (checkpoint_id)
        where c.size <= $3 and c.checkpoint_id <> $4 order by c.size, c.checkpoint_id
        """,
        list(seqs),
        min(seqs),
        newest.size,
        newest.checkpoint_id,
    )
    notes = {row["note"] for row in rows} | {newest.note}
    earlier = [*map(_checkpoint, rows), *(one for one in held if one.note not in notes)]
    stamps = await conn.fetch(
        """
        select anchor_id, checkpoint_id, authority, token from chain_anchor
        where checkpoint_id = any($1::bigint[]) order by anchor_id
        """,
        [newest.checkpoint_id, *(one.checkpoint_id for one in earlier)],
    )
    return PackLog(
        LoggedCheckpoint(newest.checkpoint_id, newest.signer, newest.note, ()),
        tuple([LoggedEntry(seq, _hex(await inclusion_proof(conn, seq, newest.size))) for seq in seqs]),
        tuple(
            [
                LoggedCheckpoint(
                    *(one.checkpoint_id, one.signer, one.note),
                    _hex(await consistency_proof(conn, one.size, newest.size)),
                )
                for one in earlier
            ]
        ),
        tuple(CheckpointStamp(**row) for row in stamps),
    )


def _hex(proof: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(one.hex() for one in proof)


def _checkpoint(row: Record) -> StoredCheckpoint:
    return StoredCheckpoint(**row)
