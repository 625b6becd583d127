"""Logs with signed checkpoints, as anybody can make them who has a key of their own."""

from collections.abc import Sequence

from jobs.evidence.checkpoint import SignedCheckpoint, key_of, signed_checkpoint
from storage.model.evidence.merkle_tree import (
    GrowingTree,
    TreeNode,
    consistency_spans,
    hashes_of,
    inclusion_spans,
    leaf_hash,
    node_hash,
)
from storage.model.evidence.packs import LoggedCheckpoint, LoggedEntry, PackLog

ORIGIN = "log.example/blockline"
SEED = bytes(range(32))
OTHER_SEED = bytes(range(1, 33))


def checkpoint_of(entries: Sequence[bytes], seed: bytes = SEED, origin: str = ORIGIN) -> SignedCheckpoint:
    """The signed checkpoint of a log."""
    tree = GrowingTree(0, [])
    for one in entries:
        tree.add(one)
    return signed_checkpoint(origin, tree.size, tree.root, seed)


def log_of(
    entries: Sequence[bytes],
    seqs: Sequence[int],
    earlier: Sequence[int] = (),
    seed: bytes = SEED,
    origin: str = ORIGIN,
) -> PackLog:
    """The proofs for the entries `seqs` of a log, and for its first `earlier` entries."""

    def hash_of(node: TreeNode) -> bytes:
        if node.level == 0:
            return leaf_hash(entries[node.number])
        left, right = TreeNode(node.level - 1, 2 * node.number), TreeNode(node.level - 1, 2 * node.number + 1)
        return node_hash(hash_of(left), hash_of(right))

    size, key = len(entries), str(key_of(origin, seed))

    def checkpoint(n: int) -> LoggedCheckpoint:
        proof = hashes_of(consistency_spans(n, size), hash_of)
        note = checkpoint_of(entries[:n], seed, origin).note
        return LoggedCheckpoint(n, key, note, tuple(one.hex() for one in proof))

    proofs = [(seq, hashes_of(inclusion_spans(seq - 1, size), hash_of)) for seq in seqs]
    return PackLog(
        checkpoint(size),
        tuple(LoggedEntry(seq, tuple(one.hex() for one in proof)) for seq, proof in proofs),
        tuple(map(checkpoint, earlier)),
        (),
    )
