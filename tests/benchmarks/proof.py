"""How large a proof is and how long it takes: the Merkle log beside the links of the hash chain."""

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from jobs.base.event_loop import run
from jobs.evidence.checkpoint import is_signed_by, key_of, read_checkpoint, signed_checkpoint
from jobs.evidence.pack import CHAIN, LOG, CheckpointFile, LogFile, written
from jobs.evidence.pack_files import zipped
from storage.model.evidence.hash_chain import entry_of
from storage.model.evidence.merkle_tree import (
    GrowingTree,
    TreeNode,
    TreeSpan,
    consistency_spans,
    hashes_of,
    inclusion_spans,
    is_consistent,
    is_included,
    leaf_hash,
)
from storage.model.evidence.packs import LoggedEntry, Segment
from storage.postgres.pool import open_pool, transaction
from tests.benchmarks.measuring import Figure, scratch_database

ENTRIES: Final = 10_000_000
APART: Final = 1_000_000
"""Entries between a change and the time stamp that it is led to: the most that packs of format 2 had."""
DAY: Final = 30_000
"""Entries between two checkpoints."""
APPENDED, AT_ONCE, ROUNDS = 20_000, 50, 2
ORIGIN, SEED = "log.example/blockline", bytes(32)


def figures() -> Iterator[Figure]:
    """Sizes in a log of ten million entries, and the time to append one."""
    yield from _sizes()
    yield from _appending()


def _entry(n: int) -> bytes:
    return hashlib.sha256(n.to_bytes(8, "big")).digest()


def _sizes() -> Iterator[Figure]:
    change, outcome = ENTRIES - APART, ENTRIES - APART + 7
    olds = [change // DAY * DAY, change // DAY * DAY + DAY, ENTRIES - DAY]
    entries = {index: inclusion_spans(index, ENTRIES) for index in (change, outcome)}
    logs = {old: consistency_spans(old, ENTRIES) for old in olds}
    wanted = {node for spans in (*entries.values(), *logs.values()) for span in spans for node in span.nodes}
    wanted |= {node for old in olds for node in TreeSpan(0, old).nodes}
    found: dict[TreeNode, bytes] = {}
    tree = GrowingTree(0, [])
    for index in range(ENTRIES):
        content = _entry(index)
        done = tree.add(content)
        for level, hash_ in enumerate(done, 1):
            if (node := TreeNode(level, index >> level)) in wanted:
                found[node] = hash_
        if TreeNode(0, index) in wanted:
            found[TreeNode(0, index)] = leaf_hash(content)
    new = signed_checkpoint(ORIGIN, ENTRIES, tree.root, SEED)
    proofs = {index: hashes_of(spans, found.__getitem__) for index, spans in entries.items()}
    paths = {old: hashes_of(spans, found.__getitem__) for old, spans in logs.items()}
    roots = {old: hashes_of([TreeSpan(0, old)], found.__getitem__)[0] for old in olds}
    key = key_of(ORIGIN, SEED)

    links = [_entry(index) for index in range(change, ENTRIES)]
    chain = written(Segment(change, bytes(32).hex(), tuple(one.hex() for one in links)))
    included = written(LoggedEntry(change + 1, _hex(proofs[change])))
    consistent = written(CheckpointFile("checkpoints/1.txt", str(key), _hex(paths[olds[1]])))
    note = len(new.note.encode())
    yield Figure("inclusion_checkpoint_bytes", len(included) + note, "B", "lower", len(chain))
    yield Figure("consistency_checkpoint_bytes", len(consistent) + note, "B", "lower", len(chain))

    log = LogFile(
        "",
        CheckpointFile("checkpoints/4.txt", str(key), ()),
        tuple(LoggedEntry(index + 1, _hex(proof)) for index, proof in proofs.items()),
        tuple(
            CheckpointFile(f"checkpoints/{n}.txt", str(key), _hex(paths[old])) for n, old in enumerate(olds)
        ),
        (),
    )
    whole = len(zipped({LOG: written(log)}))
    yield Figure("log_json_zip_bytes", whole, "B", "lower", len(zipped({CHAIN: chain})))

    started = time.perf_counter()
    is_right = (
        is_signed_by(read_checkpoint(new.note), key)
        and is_included(change, ENTRIES, leaf_hash(_entry(change)), tree.root, proofs[change])
        and is_consistent(olds[1], ENTRIES, roots[olds[1]], tree.root, paths[olds[1]])
    )
    verified = time.perf_counter() - started
    if not is_right:
        raise AssertionError("the proofs do not verify")
    started, head = time.perf_counter(), bytes(32)
    for leaf in links:
        head = entry_of(head, leaf)
    yield Figure("verify_ms", verified * 1000, "ms", "lower", (time.perf_counter() - started) * 1000)


def _hex(proof: list[bytes]) -> tuple[str, ...]:
    return tuple(one.hex() for one in proof)


def _appending() -> Iterator[Figure]:
    """Time per entry, singly and in statements of many, beside the same without the tree."""
    for name, at_once in (("append_us_per_entry", 1), (f"append_us_per_entry_{AT_ONCE}", AT_ONCE)):
        best = {True: float("inf"), False: float("inf")}
        for _ in range(ROUNDS):
            for with_tree in best:
                with scratch_database() as dsn:
                    took = run(partial(_measured, dsn, at_once, with_tree=with_tree))
                best[with_tree] = min(best[with_tree], took)
        yield Figure(name, best[True], "µs", "lower", best[False])


async def _measured(dsn: str, at_once: int, *, with_tree: bool) -> float:
    """Microseconds per entry, in statements that append so many."""
    at = datetime(2021, 2, 1, tzinfo=UTC)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        if not with_tree:
            await conn.execute("drop trigger chain_tree on chain")
        started = time.perf_counter()
        for first in range(1, APPENDED, at_once):
            ids = list(range(first, first + at_once))
            leaves = [_entry(n) for n in ids]
            await conn.execute(
                "select chain_append($1, $2, $3, $4)", ["change"] * at_once, ids, leaves, [at] * at_once
            )
        return (time.perf_counter() - started) / APPENDED * 1_000_000
