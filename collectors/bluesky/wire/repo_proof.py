"""Pure: whether a repository has a record, by the proof that its server gives.

A server answers for a record that it took down as for a deleted one: not found (documented: the source of
the reference server, getRecord.ts). The proof tells them apart. `com.atproto.sync.getRecord`
sends the blocks of the repository's tree on the way to the record's key, whether or not it is there
(documented: its lexicon, and atproto.com/specs/repository). Hashes are checked and signatures are not: the
proof is the server's own statement.
"""

import hashlib
from typing import Final

from collectors.bluesky.wire.errors import error_of, fault_of
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_array, is_object
from storage.model.core.availability import MissedReason

_CID: Final = b"\x01\x71\x12\x20"
"""How the address of every block of a repository begins: version 1, DAG-CBOR, SHA-256 (documented)."""
_CID_BYTES: Final = len(_CID) + 32
_DEEPEST: Final = 16
_CID_TAG: Final = 42
_SIMPLE_VALUES: Final = {20: False, 21: True}
"""Every other simple value, and every float, is read as None: no proof depends on one."""
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}


class _Cid(bytes):
    """The address of a block."""


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
    commit = _object(_value(blocks[root]))
    below = commit.get("data")
    if commit.get("did") != did or not isinstance(below, _Cid):
        raise ValueError("not the repository that was asked for")
    while isinstance(below, _Cid):
        # Each block is used once, so that a tree with a circle ends.
        node = _object(_value(blocks.pop(below)))
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


def _opened(car: bytes) -> tuple[_Cid, dict[_Cid, bytes]]:
    """The address of the commit, and all blocks (documented: ipld.io/specs/transport/car/carv1)."""
    size, at = _varint(car, 0)
    roots = _object(_value(car[at : at + size])).get("roots")
    if not is_array(roots) or not roots or not isinstance(root := roots[0], _Cid):
        raise ValueError("no root")
    at += size
    blocks: dict[_Cid, bytes] = {}
    while at < len(car):
        size, at = _varint(car, at)
        cid, block = _Cid(car[at : at + _CID_BYTES]), car[at + _CID_BYTES : at + size]
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


def _value(data: bytes) -> object:
    value, end = _item(data, 0, 0)
    if end != len(data):
        raise ValueError("more than one value")
    return value


def _item(data: bytes, at: int, depth: int) -> tuple[object, int]:
    """One value of DAG-CBOR, and where it ends (documented: ipld.io/specs/codecs/dag-cbor/spec)."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    kind, number, at = _head(data, at)
    match kind:
        case 0:
            return number, at
        case 1:
            return -1 - number, at
        case 2 | 3:
            raw = data[at : at + number]
            if len(raw) != number:
                raise ValueError("cut off")
            return (raw if kind == 2 else raw.decode()), at + number
        case 4:
            return _items(data, at, depth, number)
        case 5:
            items, at = _items(data, at, depth, 2 * number)
            return {str(name): value for name, value in zip(items[::2], items[1::2], strict=True)}, at
        case 6:
            value, at = _item(data, at, depth + 1)
            if number != _CID_TAG or not isinstance(value, bytes):
                raise ValueError("a tag other than that of a link")
            return _Cid(value[1:]), at
        case _:
            return _SIMPLE_VALUES.get(number), at


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """The kind of a value, the number that goes with it, and where that ends."""
    kind, number = data[at] >> 5, data[at] & 31
    at += 1
    if number < 24:
        return kind, number, at
    size = _SIZES[number]
    return kind, int.from_bytes(data[at : at + size]), at + size


def _items(data: bytes, at: int, depth: int, count: int) -> tuple[list[object], int]:
    values: list[object] = []
    for _ in range(count):
        value, at = _item(data, at, depth + 1)
        values.append(value)
    return values, at


def _object(value: object) -> dict[str, object]:
    if not is_object(value):
        raise ValueError("not an object")
    return value
