"""Pure: the proof that a repository has a record, or has none, as the server of its owner sends it.

One commit, and one node of the tree with the record or with nothing (documented: ipld.io/specs/transport/car/
carv1, ipld.io/specs/codecs/dag-cbor/spec, atproto.com/specs/repository). The signature proves nothing.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from collectors.bluesky.wire.dag_cbor import Cid, encode

CAR: Final = "application/vnd.ipld.car"

_CID: Final = b"\x01\x71\x12\x20"


def proof(did: str, path: str, record: Mapping[str, object] | None) -> bytes:
    """A CAR file with the proof; without `record` nothing is at `path`."""
    blocks: dict[Cid, bytes] = {}
    entries: list[object] = []
    if record is not None:
        entries = [{"p": 0, "k": path.encode(), "v": put(blocks, record), "t": None}]
    root = put(blocks, {"l": None, "e": entries})
    rev, sig = "3jxtb5w2hkt2m", bytes(64)
    commit = put(blocks, {"did": did, "version": 3, "data": root, "rev": rev, "prev": None, "sig": sig})
    return car(commit, blocks)


def car(root: Cid, blocks: Mapping[Cid, bytes]) -> bytes:
    """Blocks with their addresses, and the address of the first to look at."""
    header = encode({"roots": [root], "version": 1})
    parts = (header, *(link + block for link, block in blocks.items()))
    return b"".join(_varint(len(part)) + part for part in parts)


def put(blocks: dict[Cid, bytes], value: object) -> Cid:
    """Add a block, and return its address."""
    block = encode(value)
    link = Cid(_CID + hashlib.sha256(block).digest())
    blocks[link] = block
    return link


def _varint(number: int) -> bytes:
    parts: list[int] = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
