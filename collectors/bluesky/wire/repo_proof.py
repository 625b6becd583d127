"""Pure: whether a repository has a record, by the proof that its server gives.

A server answers for a record that it took down as for a deleted one: not found (documented: the source of
the reference server, getRecord.ts). The proof tells them apart. `com.atproto.sync.getRecord`
sends the blocks of the repository's tree on the way to the record's key, whether or not it is there
(documented: its lexicon, and atproto.com/specs/repository). Hashes are checked and signatures are not: the
proof is the server's own statement.
"""

import hashlib
from typing import Final

from collectors.bluesky.wire.dag_cbor import Cid, decode
from collectors.bluesky.wire.errors import error_of, fault_of
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_array, is_object
from storage.model.core.availability import MissedReason

_CID: Final = b"\x01\x71\x12\x20"
"""How the address of every block of a repository begins: version 1, DAG-CBOR, SHA-256 (documented)."""
_CID_BYTES: Final = len(_CID) + 32


def read_proof(answer: Exchange, did: str, path: str) -> bool | WireFault | None:
    """Whether the record at `path` (collection and key) is in the repository of `did`, by the proof in the
    answer to `com.atproto.sync.getRecord`. None: it says without proof that there is none. Never raises.
    """
    if answer.http_status != 200:
        error = error_of(answer)
        return None if error is not None and error[0] == "RecordNotFound" else fault_of(answer)
    try:
        return _holds(answer.body, did, path.encode())
    except (ValueError, KeyError, IndexError, OverflowError):
        return WireFault(MissedReason.MALFORMED, "the proof of a record cannot be read")


def _holds(car: bytes, did: str, key: bytes) -> bool:
    """Whether the tree has the key. Raises ValueError, KeyError, IndexError or OverflowError for bytes that
    are not a proof.
    """
    root, blocks = _opened(car)
    commit = _object(decode(blocks[root]))
    below = commit.get("data")
    if commit.get("did") != did or not isinstance(below, Cid):
        raise ValueError("not the repository that was asked for")
    while isinstance(below, Cid):
        # Each block is used once, so that a tree with a circle ends.
        node = _object(decode(blocks.pop(below)))
        entries, at, below = node.get("e"), b"", node["l"]
        if not is_array(entries):
            raise ValueError("a node without entries")
        for entry in map(_object, entries):
            kept, rest = entry.get("p"), entry.get("k")
            if not isinstance(kept, int) or not isinstance(rest, bytes) or not 0 <= kept <= len(at):
                raise ValueError("an entry without a key")
            at = at[:kept] + rest
            if at == key:
                return True
            if at > key:
                break
            below = entry["t"]
    if below is not None:
        raise ValueError("a link that is not an address")
    return False


def _opened(car: bytes) -> tuple[Cid, dict[Cid, bytes]]:
    """The address of the commit, and all blocks (documented: ipld.io/specs/transport/car/carv1)."""
    size, at = _varint(car, 0)
    roots = _object(decode(car[at : at + size])).get("roots")
    if not is_array(roots) or not roots or not isinstance(root := roots[0], Cid):
        raise ValueError("no root")
    at += size
    blocks: dict[Cid, bytes] = {}
    while at < len(car):
        size, at = _varint(car, at)
        cid, block = Cid(car[at : at + _CID_BYTES]), car[at + _CID_BYTES : at + size]
        if len(cid) + len(block) != size or cid != _CID + hashlib.sha256(block).digest():
            raise ValueError("a block that is not what its address says")
        blocks[cid] = block
        at += size
    return root, blocks


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 63:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError("a number without end")


def _object(value: object) -> dict[str, object]:
    if not is_object(value):
        raise ValueError("not an object")
    return value
