"""Pure: the tables of an answer as typed columns, which a browser takes in without parsing every number.

    u32 length of the head | head (JSON) | columns, each at a multiple of 8 bytes | what was appended

Numbers are little-endian. A column of whole numbers says how far each is above a base, in the smallest type
that holds it; the largest number of that type stands for a missing one. (Times too far apart for four bytes
are doubles, missing ones NaN.) Any other column has its different values in the head, and which it is as a
column.
"""

import json
import sys
from array import array
from collections.abc import Hashable, Mapping, Sequence
from math import nan
from types import NoneType
from typing import cast

TABLES = ("accounts", "spells", "changes", "signals", "quiet")
"""The parts of the first answer of the live page that are tables: columns of one length by name. The last is
there only if so many accounts are watched that the quiet ones come as groups.
"""

_TYPES = (("u8", "B", 0xFF), ("u16", "H", 0xFFFF), ("u32", "I", 0xFFFF_FFFF))
"""Name, code, and the number that stands for a missing one."""

Column = dict[str, object]
"""Where it is (`at`), of what `type`, how long (`n`), its `base`, whether some are `missing`; its `words`."""


def pack(body: Mapping[str, object], names: Sequence[str] = TABLES) -> bytes:
    """The answer with its tables as columns. The browser's `unpack` gives back what came in."""
    area = bytearray()
    tables: dict[str, dict[str, Column]] = {}
    for name in names:
        if name not in body:
            continue
        columns = cast("Mapping[str, Sequence[object]]", body[name])
        tables[name] = {column: _put(area, values) for column, values in columns.items()}
    rest = {name: part for name, part in body.items() if name not in names}
    text = {**rest, "tables": tables, "size": len(area)}
    head = json.dumps(text, separators=(",", ":")).encode()
    head += b" " * (-(len(head) + 4) % 8)
    return len(head).to_bytes(4, "little") + head + area


def _put(area: bytearray, values: Sequence[object]) -> Column:
    types = set(map(type, values))
    if types <= {int, NoneType}:
        return _put_numbers(area, cast("Sequence[int | None]", values), is_missing=NoneType in types)
    keys = cast("Sequence[Hashable]", [_key(v) for v in values] if list in types else values)
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    places = list(map(numbers.__getitem__, keys))
    return {**_put_numbers(area, places, is_missing=False), "words": list(numbers)}


def _key(value: object) -> Hashable:
    return cast("Hashable", tuple(cast("list[object]", value)) if isinstance(value, list) else value)


def _put_numbers(area: bytearray, values: Sequence[int | None], *, is_missing: bool) -> Column:
    known = [v for v in values if v is not None] if is_missing else cast("Sequence[int]", values)
    base = min(known, default=0)
    most = max(known, default=0) - base
    fitting = next(((name, code, none) for name, code, none in _TYPES if most < none), None)
    if fitting is None:
        name, base = "f64", 0
        column = array("d", [nan if v is None else v for v in values])
    else:
        name, code, none = fitting
        if base or is_missing:
            column = array(code, [none if v is None else v - base for v in values])
        else:
            column = array(code, known)
    if sys.byteorder == "big":
        column.byteswap()
    area.extend(bytes(-len(area) % 8))
    at = len(area)
    area.extend(column.tobytes())
    return {"type": name, "at": at, "n": len(values), "base": base, "missing": is_missing}
