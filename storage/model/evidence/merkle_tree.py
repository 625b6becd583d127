"""The Merkle tree of RFC 6962 and RFC 9162 (SHA-256) over a log: roots, proofs of inclusion and consistency.

A proof is a list of hashes: about one per doubling of the log. Entries are counted from 0 here: the entry of
the hash chain with the number `seq` is entry `seq - 1`. A node is perfect if it covers 2^level entries. Only
perfect nodes are stored, and all others are computed from them.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root of a log without entries."""

Proof = Sequence[bytes]
"""Hashes from the leaves towards the root."""


class TreeNode(NamedTuple):
    """A perfect node: it covers the entries from `number * 2^level` to before `(number + 1) * 2^level`."""

    level: int
    number: int


class TreeSpan(NamedTuple):
    """The entries from `begin` to before `end`. Proofs consist of roots of such parts of a log."""

    begin: int
    end: int

    @property
    def nodes(self) -> list[TreeNode]:
        """The perfect nodes that the root of these entries is made of, from left to right."""
        out: list[TreeNode] = []
        begin = self.begin
        while begin < self.end:
            level = (self.end - begin).bit_length() - 1
            out.append(TreeNode(level, begin >> level))
            begin += 1 << level
        return out

    @property
    def middle(self) -> int:
        """Where the two halves meet: at the largest power of two that is less than the length."""
        return self.begin + (1 << (self.end - self.begin - 1).bit_length() - 1)


def leaf_hash(content: bytes) -> bytes:
    """The leaf of an entry."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root of a part of the log, from the hashes of its perfect nodes. `EMPTY_ROOT` for none."""
    if not hashes:
        return EMPTY_ROOT
    *before, root = hashes
    for left in reversed(before):
        root = node_hash(left, root)
    return root


def inclusion_spans(index: int, size: int) -> list[TreeSpan]:
    """The parts whose roots prove that entry `index` is in a log of `size` entries."""
    if not 0 <= index < size:
        raise ValueError(f"a log of {size} entries has no entry {index}")
    out: list[TreeSpan] = []
    rest = TreeSpan(0, size)
    while rest.end - rest.begin > 1:
        left, right = TreeSpan(rest.begin, rest.middle), TreeSpan(rest.middle, rest.end)
        rest, beside = (left, right) if index < left.end else (right, left)
        out.append(beside)
    return out[::-1]


def consistency_spans(old: int, new: int) -> list[TreeSpan]:
    """The parts whose roots prove that a log of `new` entries begins with its first `old` entries."""
    if not 0 <= old <= new:
        raise ValueError(f"a log of {new} entries does not begin with one of {old}")
    if old in {0, new}:
        return []
    out: list[TreeSpan] = []
    rest = TreeSpan(0, new)
    while rest.end != old:
        left, right = TreeSpan(rest.begin, rest.middle), TreeSpan(rest.middle, rest.end)
        rest, beside = (left, right) if old <= left.end else (right, left)
        out.append(beside)
    return [*([rest] if rest.begin else []), *out[::-1]]


def is_included(index: int, size: int, leaf: bytes, root: bytes, proof: Proof) -> bool:
    """Whether a proof shows that a leaf is entry `index` of the log with this size and root.

    As in RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(one, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, one)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Proof) -> bool:
    """Whether a proof shows that the log of `new` entries with this root begins with that of `old` entries.

    As in RFC 9162, 2.1.4.2. Every log begins with the empty one.
    """
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    # A perfect old log is itself the first part, which its proof therefore leaves out.
    first, *rest = (proof if at else (old_root, *proof)) or (b"",)
    found_old = found_new = first
    for one in rest:
        if last == 0:
            return False
        if at & 1 or at == last:
            found_old, found_new = node_hash(one, found_old), node_hash(one, found_new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found_new = node_hash(found_new, one)
        at, last = at >> 1, last >> 1
    return last == 0 and found_old == old_root and found_new == new_root


class GrowingTree:
    """The perfect nodes at the right edge of a log, as entries are added to it."""

    def __init__(self, size: int, edge: Sequence[bytes]) -> None:
        """`edge` are the hashes of `TreeSpan(0, size).nodes`."""
        self.size = size
        self._edge = list(edge)

    @property
    def root(self) -> bytes:
        return root_of(self._edge)

    def add(self, content: bytes) -> list[bytes]:
        """Add an entry. Returns the hashes of the nodes that it completes, from level 1 up."""
        done: list[bytes] = []
        found, full = leaf_hash(content), self.size
        while full & 1:
            found = node_hash(self._edge.pop(), found)
            done.append(found)
            full >>= 1
        self._edge.append(found)
        self.size += 1
        return done


def hashes_of(spans: Sequence[TreeSpan], hash_of: Callable[[TreeNode], bytes]) -> list[bytes]:
    """The roots of parts of a log, which make a proof, from the hashes of its perfect nodes."""
    return [root_of([hash_of(node) for node in span.nodes]) for span in spans]
