"""Roots and proofs are those of RFC 6962, which stands here a second time in its recursive words."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.evidence.merkle_tree import (
    EMPTY_ROOT,
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

SIZES = st.integers(1, 40)


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def naive_root(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if not entries:
        return sha(b"")
    if len(entries) == 1:
        return sha(b"\x00" + entries[0])
    k = split(len(entries))
    return sha(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:]))


def naive_path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(m: int, entries: Sequence[bytes], *, is_whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2."""
    if m == len(entries):
        return [] if is_whole else [naive_root(entries)]
    k = split(len(entries))
    if m <= k:
        return [*naive_subproof(m, entries[:k], is_whole=is_whole), naive_root(entries[k:])]
    return [*naive_subproof(m - k, entries[k:], is_whole=False), naive_root(entries[:k])]


def log_of(size: int) -> list[bytes]:
    return [b"entry %d" % n for n in range(size)]


def hash_in(entries: Sequence[bytes], node: TreeNode) -> bytes:
    """A node as a store of perfect nodes would give it."""
    begin = node.number << node.level
    assert begin + (1 << node.level) <= len(entries), "only perfect nodes are asked for"
    return naive_root(entries[begin : begin + (1 << node.level)])


def inclusion(entries: Sequence[bytes], index: int) -> list[bytes]:
    return hashes_of(inclusion_spans(index, len(entries)), lambda node: hash_in(entries, node))


def consistency(entries: Sequence[bytes], old: int) -> list[bytes]:
    return hashes_of(consistency_spans(old, len(entries)), lambda node: hash_in(entries, node))


@given(size=SIZES, data=st.data())
def test_a_proof_of_inclusion_is_that_of_the_rfc_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    entries = log_of(size)
    proof = inclusion(entries, index)
    assert proof == naive_path(index, entries)
    assert is_included(index, size, leaf_hash(entries[index]), naive_root(entries), proof)


@given(size=SIZES, data=st.data())
def test_a_proof_of_consistency_is_that_of_the_rfc_and_verifies(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    entries = log_of(size)
    proof = consistency(entries, old)
    assert proof == naive_subproof(old, entries, is_whole=True)
    assert is_consistent(old, size, naive_root(entries[:old]), naive_root(entries), proof)


def damaged(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """The proof with one hash replaced, taken out, added, or moved."""
    at = data.draw(st.integers(0, len(proof)))
    how = data.draw(st.sampled_from(["add", *(["replace", "remove", "turn"] if at < len(proof) else [])]))
    if how == "add":
        return [*proof[:at], data.draw(st.sampled_from([*proof, bytes(32), b""])), *proof[at:]]
    if how == "turn":
        return [*proof[:at], *reversed(proof[at:])]
    return [*proof[:at], *([sha(proof[at])] if how == "replace" else []), *proof[at + 1 :]]


@given(size=SIZES, data=st.data())
def test_no_other_proof_of_inclusion_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    entries = log_of(size)
    root, leaf, proof = naive_root(entries), leaf_hash(entries[index]), inclusion(entries, index)
    other = damaged(proof, data)
    assert is_included(index, size, leaf, root, other) == (other == proof)
    elsewhere = data.draw(st.integers(-1, size + 1))
    assert not is_included(elsewhere, size, leaf, root, proof) or elsewhere == index
    assert not is_included(index, size, sha(leaf), root, proof)
    assert not is_included(index, size, leaf, sha(root), proof)


@given(size=SIZES, data=st.data())
def test_no_other_proof_of_consistency_verifies(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    entries = log_of(size)
    before, after, proof = naive_root(entries[:old]), naive_root(entries), consistency(entries, old)
    other = damaged(proof, data)
    assert is_consistent(old, size, before, after, other) == (other == proof)
    assert not is_consistent(old, size, sha(before), after, proof)
    assert not is_consistent(old, size, before, sha(after), proof)
    rewritten = [b"another", *entries[1:]]
    assert not is_consistent(old, size, before, naive_root(rewritten), consistency(rewritten, old))


def test_a_log_begins_with_the_empty_one_and_never_with_a_longer_one() -> None:
    root = naive_root(log_of(3))
    assert is_consistent(0, 3, EMPTY_ROOT, root, [])
    assert is_consistent(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not is_consistent(0, 3, root, root, [])
    assert not is_consistent(0, 3, EMPTY_ROOT, root, [root])
    assert not is_consistent(4, 3, root, root, [])
    assert not is_consistent(-1, 3, EMPTY_ROOT, root, [])
    assert not is_included(0, 0, root, root, [])
    for refused in (lambda: inclusion_spans(3, 3), lambda: consistency_spans(4, 3)):
        with pytest.raises(ValueError, match="a log of 3 entries"):
            refused()


@given(size=st.integers(0, 40), more=st.integers(0, 20))
def test_a_tree_that_grows_from_its_edge_completes_the_nodes_that_are_stored(size: int, more: int) -> None:
    entries = log_of(size + more)
    tree = GrowingTree(size, [hash_in(entries, node) for node in TreeSpan(0, size).nodes])
    for seq in range(size + 1, size + more + 1):
        done = tree.add(entries[seq - 1])
        levels = range(1, (seq & -seq).bit_length())
        assert done == [hash_in(entries, TreeNode(level, (seq >> level) - 1)) for level in levels]
    assert tree.root == naive_root(entries)
