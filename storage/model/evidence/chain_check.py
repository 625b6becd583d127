"""The check of one entry of a hash chain, and the result of a check of many."""

from dataclasses import dataclass
from enum import StrEnum

from storage.model.evidence.hash_chain import StatementKind, entry_of, leaf_of


class ChainFault(StrEnum):
    """A kind of fault in a hash chain."""

    LEAF = "leaf"
    """The content of the row does not match the entry."""
    LINK = "link"
    """The hash of the entry does not match the previous entry."""
    GONE = "gone"
    """The row of the entry was removed without a recorded purge."""
    NUMBER = "number"
    """Entries before this one are missing."""
    TIME = "time"
    """The entry and its row have different times."""
    UNCHAINED = "unchained"
    """A recorded row has no entry."""
    HEAD = "head"
    """The chain of changes holds another head of the audit log with this number."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first fault that a check found. `seq` is the number of the entry; None if a row has no entry."""

    fault: ChainFault
    seq: int | None
    kind: StatementKind
    number: int
    """The number of what the entry attests: of the change, the entry of the audit log, or its head."""


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """The result of a check. `purged` counts the entries whose rows a purge removed. These entries are not
    faults.
    """

    entries: int
    purged: int
    broken: Broken | None
    node: int | None = None
    """The first entry whose nodes of the Merkle tree are missing or do not follow from the entries; None if
    those of all checked entries do, or if the chain has no tree.
    """


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as the database has it."""

    seq: int
    leaf: bytes
    entry: bytes


def entry_fault(
    stored: StoredEntry, previous: bytes, seq: int, statement: bytes | None, *, purged: bool = False
) -> ChainFault | None:
    """Compare an entry with the previous one, the number that it should have, and its statement as it is
    computed again. `statement` None means that its row is no longer stored. Returns None if all match.
    """
    if stored.seq != seq:
        return ChainFault.NUMBER
    if stored.entry != entry_of(previous, stored.leaf):
        return ChainFault.LINK
    if statement is None:
        return None if purged else ChainFault.GONE
    return None if leaf_of(statement) == stored.leaf else ChainFault.LEAF
