"""Pure: DAG-CBOR, in which repositories, labels and event streams are written and signed.

Documented: ipld.io/specs/codecs/dag-cbor/spec. One value has one encoding, so that its hash can be signed.
"""

from collections.abc import Iterable
from typing import Final

from collectors.core.wire import is_array, is_object

_DEEPEST: Final = 16
_CID_TAG: Final = 42
_SIMPLE_VALUES: Final = {20: False, 21: True}
"""Every other simple value, and every float, is read as None: nothing that is read here depends on one."""
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}


class Cid(bytes):
    """The address of a block."""


def decode(data: bytes) -> object:
    """The one value in `data`. Raises ValueError for anything else."""
    values = decode_all(data)
    if len(values) != 1:
        raise ValueError("not one value")
    return values[0]


def decode_all(data: bytes) -> list[object]:
    """The values that stand one after the other in `data`. Raises ValueError."""
    values: list[object] = []
    at = 0
    while at < len(data):
        try:
            value, at = _item(data, at, 0)
        except (KeyError, IndexError, OverflowError) as e:
            raise ValueError("not DAG-CBOR") from e
        values.append(value)
    return values


def encode(value: object) -> bytes:
    """The encoding of a value. Raises ValueError for what has none here, such as a float."""
    if is_array(value):
        return _head(4, len(value)) + _joined(value)
    if is_object(value):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return _head(5, len(names)) + _joined(part for name in names for part in (name, value[name]))
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case Cid():
            return b"\xd8\x2a" + _head(2, len(value) + 1) + b"\0" + value
        case bytes():
            return _head(2, len(value)) + value
        case str():
            raw = value.encode()
            return _head(3, len(raw)) + raw
        case _:
            raise ValueError(f"cannot be encoded: {type(value).__name__}")


def _item(data: bytes, at: int, depth: int) -> tuple[object, int]:
    """One value, and where it ends."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    kind, number, at = _read_head(data, at)
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
            return Cid(value[1:]), at
        case _:
            return _SIMPLE_VALUES.get(number), at


def _read_head(data: bytes, at: int) -> tuple[int, int, int]:
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


def _joined(values: Iterable[object]) -> bytes:
    return b"".join(map(encode, values))


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = next((one for one in (1, 2, 4, 8) if number < 1 << 8 * one), None)
    if size is None:
        raise ValueError("a number of more than 64 bits")
    return bytes([kind << 5 | 23 + size.bit_length()]) + number.to_bytes(size)
