"""Pure: the proof that a repository has a record, or has none, as the server of its owner sends it.

One commit, and one node of the tree with the record or with nothing (documented: ipld.io/specs/transport/car/
carv1, ipld.io/specs/codecs/dag-cbor/spec, atproto.com/specs/repository). The signature proves nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from collectors.core.wire import is_array, is_object

CAR: Final = "application/vnd.ipld.car"

_CID: Final = b"\x01\x71\x12\x20"


class BlockAddress(bytes):
    """The address of a block."""


def proof(did: str, path: str, record: Mapping[str, object] | None) -> bytes:
    """A CAR file with the proof; without `record` nothing is at `path`."""
    blocks: dict[BlockAddress, bytes] = {}
    entries: list[object] = []
    if record is not None:
        entries = [{"p": 0, "k": path.encode(), "v": put(blocks, record), "t": None}]
    root = put(blocks, {"l": None, "e": entries})
    rev, sig = "3jxtb5w2hkt2m", bytes(64)
    commit = put(blocks, {"did": did, "version": 3, "data": root, "rev": rev, "prev": None, "sig": sig})
    return car(commit, blocks)


def car(root: BlockAddress, blocks: Mapping[BlockAddress, bytes]) -> bytes:
    """Blocks with their addresses, and the address of the first to look at."""
    header = encoded({"roots": [root], "version": 1})
    parts = (header, *(link + block for link, block in blocks.items()))
    return b"".join(_varint(len(part)) + part for part in parts)


def put(blocks: dict[BlockAddress, bytes], value: object) -> BlockAddress:
    """Add a block, and return its address."""
    block = encoded(value)
    link = BlockAddress(_CID + hashlib.sha256(block).digest())
    blocks[link] = block
    return link


def encoded(value: object) -> bytes:
    """A value as DAG-CBOR."""
    if is_array(value):
        return _head(4, len(value)) + _joined(value)
    if is_object(value):
        names = sorted(value, key=lambda name: (len(name), name))
        return _head(5, len(names)) + _joined(part for name in names for part in (name, value[name]))
    match value:
        case None:
            return b"\xf6"
        case BlockAddress():
            return b"\xd8\x2a" + _head(2, len(value) + 1) + b"\0" + value
        case int():
            return _head(0, value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            raw = value.encode()
            return _head(3, len(raw)) + raw
        case _:
            raise ValueError(f"cannot be encoded: {value!r}")


def _joined(values: Iterable[object]) -> bytes:
    return b"".join(map(encoded, values))


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = next(one for one in (1, 2, 4, 8) if number < 1 << 8 * one)
    return bytes([kind << 5 | 23 + size.bit_length()]) + number.to_bytes(size)


def _varint(number: int) -> bytes:
    parts: list[int] = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
