"""Hostile inputs, made from valid ones: by the structure of JSON, by lines and cells, and by bytes. Pure."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, cast

from hypothesis import strategies as st

from collectors.core.wire import is_array, is_object

Json: TypeAlias = Any

LARGEST: Final = 256 * 1024
"""Bytes of an input."""
TEXTS: Final = (
    *(
        "",
        " ",
        "\t",
        "\r",
        "\n",
        "\0",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\u202e",
        "\ufeff",
        "\ud800",
        "\U0010ffff",
    ),
    *(
        "0",
        "-1",
        "٣",
        "９",
        "²",
        "1e999",
        "NaN",
        "Infinity",
        "0x1f",
        "1_000",
        "9" * 19,
        "9" * 5000,
        "+1",
        "1.5",
    ),
    *("null", "true", "[]", "{}", "IN", "XX", "in", "IN TR", "IN,TR", "Ç", "ß", "İ", "a" * 300, "é" * 500),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2021-02-30", "2021-W01-1", "20210212"),
    *(
        "2021-02-12T08:00:00Z",
        "2021-02-12 08:00",
        "24:00",
        "2021-02-12T25:00:00",
        "1970-01-01T00:00:00.9999999Z",
    ),
    *("http://", "https://[::1", "https://[x]/", "http://a:99999/", "http://a:b@c/", "//x", "javascript:x"),
    *(
        "https://x.com/",
        "https://ｅxample.com/@a",
        "http://xn--/",
        "https://a..b/",
        "https://%00/",
        "acct:a@b",
    ),
    *(
        "did:plc:",
        "did:web:a%3A1",
        "at://did:plc:a/b/c",
        "at://",
        "@",
        "@a@b@c",
        "a@",
        "@@",
        "#",
        "?",
        "%",
        "%ZZ",
    ),
    *(
        "video:",
        "../../etc/passwd",
        "..",
        "/",
        "\\",
        "C:\\x",
        "=1+1",
        "'",
        '"',
        '""',
        ",",
        ";",
        "-",
        "--",
        "|",
    ),
    *(
        "P1D",
        "1d",
        "-1h",
        "99999999d",
        "1e9s",
        "Mon, 32 Jan 2021 00:00:00 GMT",
        "Thu, 01 Jan 0001 00:00:00 +2359",
    ),
)
"""Texts at which parsers stumble."""
NUMBERS: Final = (
    0,
    1,
    -1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**30,
    10**400,
    0.1,
    -0.0,
    1e308,
)
_SMALL: Final = ("null", "true", "false", "[]", "{}", '""', "NaN", "Infinity", "-Infinity")
_OPENING: Final = (b"[", b'{"a":', b"(", b"[[", b'"', b"<a>", b"a.", b"a=[", b"\x30\x80")
_DEPTHS: Final = (60, 400, 1100, 30_000)
_REPEATS: Final = (2, 10, 1000, 100_000)


def mutated(dice: random.Random, sample: bytes, others: Sequence[bytes]) -> bytes:
    """One input of at most `LARGEST` bytes; parts may come from `others`, which are further samples."""
    ways = [_changed_bytes, _changed_lines]
    document = _document(sample)
    if document is not None:
        ways += [_changed_json] * 4
    elif sample.count(b",") > 3 and b"\n" in sample:
        ways += [_changed_cells] * 4
    made = sample
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        made = dice.choice(ways)(dice, made, others)[:LARGEST]
    return made


def _document(sample: bytes) -> Json:
    try:
        document: Json = json.loads(sample)
    except (ValueError, RecursionError):
        return None
    return document if is_object(document) or is_array(document) else None


def _text(dice: random.Random) -> str:
    if dice.random() < 0.8:
        return dice.choice(TEXTS)
    return "".join(
        chr(dice.choice((dice.randrange(32, 127), dice.randrange(0x3000)))) for _ in range(dice.randrange(12))
    )


def _value(dice: random.Random, known: Sequence[Json]) -> Json:
    """Anything that JSON can hold, or a part of a sample."""
    match dice.randrange(8):
        case 0:
            return dice.choice(NUMBERS)
        case 1:
            return json.loads(dice.choice(_SMALL))
        case 2 | 3 if known:
            return dice.choice(known)
        case 4:
            return [_value(dice, known) for _ in range(dice.randrange(4))]
        case 5:
            return {_text(dice): _value(dice, known) for _ in range(dice.randrange(4))}
        case _:
            return _text(dice)


def _places(document: Json) -> list[tuple[Any, Any]]:
    """Every place in a document: the container, and the key in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting and len(found) < 5000:
        one: Any = waiting.pop()
        keys: Sequence[Any] = range(len(one)) if is_array(one) else list(cast("dict[str, Any]", one))
        for key in keys:
            value: Any = cast("Any", one)[key]
            found.append((one, key))
            if is_object(value) or is_array(value):
                waiting.append(value)
    return found


def _changed_json(dice: random.Random, sample: bytes, others: Sequence[bytes]) -> bytes:
    document = _document(sample)
    if document is None:
        return _changed_bytes(dice, sample, others)
    donor = _document(dice.choice(others)) if others else None
    donated = _places(document if donor is None else donor)
    known = [container[key] for container, key in dice.sample(donated, min(8, len(donated)))]
    for _ in range(dice.choice((1, 1, 2, 3, 10))):
        places = _places(document)
        if not places:
            break
        _change_place(dice, *dice.choice(places), known)
    try:
        return json.dumps(document, ensure_ascii=dice.random() < 0.7).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # a number of too many digits, or a document inside of itself
        return sample


def _change_place(dice: random.Random, container: Any, key: Any, known: Sequence[Json]) -> None:
    match dice.randrange(8):
        case 0:
            del container[key]
        case 1 if isinstance(container, list):
            items = cast("list[Json]", container)
            items.extend([items[key]] * dice.choice((1, 2, 200)))
        case 1 | 2 if isinstance(container, dict):
            container[_text(dice) if dice.random() < 0.5 else key.upper()] = container[key]
        case 3:
            container[key] = dice.choice(
                ([container[key]], {"is": container[key]}, {str(key): container[key]})
            )
        case 4 if isinstance(container[key], str):
            at = dice.randrange(len(container[key]) + 1)
            container[key] = container[key][:at] + _text(dice) + container[key][at:]
        case 5 if isinstance(container, dict):
            container[dice.choice(list(cast("dict[str, Json]", container)))] = container[key]
        case _:
            container[key] = _value(dice, known)


def _changed_cells(dice: random.Random, sample: bytes, _: Sequence[bytes]) -> bytes:
    """Another cell in a table; a whole column, now and then, since one wrong line hides the others."""
    lines = sample.split(b"\n")
    row = dice.randrange(len(lines))
    cells = lines[row].split(b",")
    column = dice.randrange(len(cells))
    put = _text(dice).encode("utf-8", "surrogatepass")
    if dice.random() < 0.3:
        put = b'"' + put.replace(b'"', b'""') + b'"'
    if dice.random() < 0.3:
        one = dice.choice(lines).split(b",")
        put = one[column] if column < len(one) else put
    match dice.randrange(6):
        case 0:
            lines.insert(row, lines[row])
        case 1:
            cells.insert(column, put)
            lines[row] = b",".join(cells)
        case 2:
            lines = [_with_cell(line, column, put) if i else line for i, line in enumerate(lines)]
        case _:
            lines[row] = _with_cell(lines[row], column, put)
    return b"\n".join(lines)


def _with_cell(line: bytes, column: int, put: bytes) -> bytes:
    cells = line.split(b",")
    if column < len(cells):
        cells[column] = put
    return b",".join(cells)


def _changed_lines(dice: random.Random, sample: bytes, others: Sequence[bytes]) -> bytes:
    """Lines left out, doubled, swapped, or taken from another sample."""
    lines = sample.split(b"\n")
    at = dice.randrange(len(lines))
    match dice.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[at]] * dice.choice(_REPEATS[:3])
        case 2:
            other = dice.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3 if others:
            lines.insert(at, dice.choice(dice.choice(others).split(b"\n")))
        case _:
            lines[at] = lines[at] + _text(dice).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _changed_bytes(dice: random.Random, sample: bytes, others: Sequence[bytes]) -> bytes:
    at, end = sorted(dice.randrange(len(sample) + 1) for _ in range(2))
    return dice.choice(_OF_BYTES)(dice, sample, at, end, others)


_Change = Callable[[random.Random, bytes, int, int, Sequence[bytes]], bytes]


def _flip(dice: random.Random, sample: bytes, at: int, _: int, __: Sequence[bytes]) -> bytes:
    return sample[:at] + bytes((dice.randrange(256),)) + sample[at + 1 :]


def _cut(_: random.Random, sample: bytes, at: int, __: int, ___: Sequence[bytes]) -> bytes:
    return sample[:at]


def _remove(dice: random.Random, sample: bytes, at: int, end: int, _: Sequence[bytes]) -> bytes:
    return sample[:at] + sample[min(end, at + dice.randrange(1, 40)) :]


def _insert(dice: random.Random, sample: bytes, at: int, _: int, __: Sequence[bytes]) -> bytes:
    return sample[:at] + _text(dice).encode("utf-8", "surrogatepass") + sample[at:]


def _random(dice: random.Random, sample: bytes, at: int, _: int, __: Sequence[bytes]) -> bytes:
    return sample[:at] + dice.randbytes(dice.randrange(1, 30)) + sample[at:]


def _repeat(dice: random.Random, sample: bytes, at: int, end: int, _: Sequence[bytes]) -> bytes:
    """What is quadratic shows in many repetitions."""
    part = sample[at : min(end, at + dice.choice((1, 2, 8, 200)))] or b"a"
    return sample[:at] + part * min(dice.choice(_REPEATS), LARGEST // len(part)) + sample[at:]


def _nest(dice: random.Random, sample: bytes, at: int, _: int, __: Sequence[bytes]) -> bytes:
    opening = dice.choice(_OPENING)
    return sample[:at] + opening * dice.choice(_DEPTHS) + sample[at:]


def _splice(dice: random.Random, sample: bytes, at: int, _: int, others: Sequence[bytes]) -> bytes:
    other = dice.choice(others) if others else sample
    return sample[:at] + other[dice.randrange(len(other) + 1) :]


_OF_BYTES: Final[tuple[_Change, ...]] = (
    _flip,
    _flip,
    _cut,
    _remove,
    _insert,
    _insert,
    _random,
    _repeat,
    _nest,
    _splice,
)


def any_json(words: st.SearchStrategy[str]) -> st.SearchStrategy[Json]:
    """Documents of any shape, in which `words` are likely as names and as values."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | words,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=4), inner, max_size=5)
        ),
        max_leaves=20,
    )


@st.composite
def broken(draw: st.DrawFn, valid: Sequence[Json], parts: st.SearchStrategy[Json]) -> Json:
    """A valid document in which one to three values were replaced by one of `parts`, removed or repeated."""
    document = json.loads(json.dumps(draw(st.sampled_from(valid))))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while place:
            named = is_object(place)
            key: Any = draw(st.sampled_from(list(place)) if named else st.integers(0, len(place) - 1))
            if place[key] and isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
                continue
            act = draw(st.sampled_from(["replace", "remove", "repeat"]))
            if act == "remove":
                del place[key]
            elif act == "repeat" and not named:
                place.append(place[key])
            else:
                place[key] = draw(parts)
            break
    return document
