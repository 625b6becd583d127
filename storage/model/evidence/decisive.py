"""Pure: a raw answer made readable, and in it the parts that decide the status.

Which fields decide is declared by the platform (`PlatformDeclaration.decisive`). Nothing is judged again: the
status was read from the same fields when the answer came.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

MOST_LINES = 2_000
"""Lines of one answer that are shown; the file has all."""
LONGEST_PART = 160
"""Characters of one decisive part in a sentence."""
MOST_PARTS = 6


@dataclass(frozen=True, slots=True)
class Decisive:
    """The fields of a platform's answers on which the status rests."""

    keys: Collection[str]
    """Fields that decide wherever they stand in what the answer says about an account. Of a list of objects,
    such as labels, their own fields decide.
    """
    absent: Mapping[str, str]
    """A field, and the one whose absence beside it decides: an X user without `withheld`, for example."""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One line of a readable answer."""

    text: str
    is_decisive: bool


def readable(content: bytes, decisive: Decisive) -> list[AnswerLine]:
    """Return the lines of a stored answer, indented; the decisive ones are marked.

    Content that is not JSON is returned as it is, without a mark.
    """
    document = _parsed(content)
    if document is None:
        texts = content.decode("ascii", "backslashreplace").split("\n")
        return [AnswerLine(text, is_decisive=False) for text in texts]
    return list(_lines(document, decisive, "", "", marked=False, about=False))


def decisive_words(content: bytes, decisive: Decisive) -> list[str]:
    """Return what each stored answer says that decides the status, in the platform's own fields and words:
    `HTTP 200: "withheld": {"country_codes": ["IN"]}`.

    Empty if the content is not a stored answer. An answer in which no field decides is told by its HTTP
    status alone, on which its reading then rests.
    """
    document = _parsed(content)
    if not _is_array(document):
        return []
    found: list[str] = []
    for item in document:
        if not _is_object(item) or "about" not in item:
            continue
        parts = list(dict.fromkeys(_parts(item["about"], decisive)))
        more = f"; and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
        said = f": {'; '.join(parts[:MOST_PARTS])}{more}" if parts else ""
        found.append(f"HTTP {json.dumps(item.get('http_status'))[:20]}{said}")
    return list(dict.fromkeys(found))


def _parsed(content: bytes) -> object | None:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _parts(value: object, decisive: Decisive) -> Iterator[str]:
    if _is_array(value):
        for item in value:
            yield from _parts(item, decisive)
    elif _is_object(value):
        for key, inner in value.items():
            if key in decisive.keys and not _holds_objects(inner):
                yield _cut(f"{_json(key)}: {_json(inner)}")
            else:
                yield from _parts(inner, decisive)
            if (missing := _missing(key, value, decisive)) is not None:
                yield f"no {_json(missing)}"


def _missing(key: str, fields: Mapping[str, object], decisive: Decisive) -> str | None:
    """The field whose absence beside `key` decides; None if it is there, or if its absence means nothing."""
    missing = decisive.absent.get(key)
    return missing if missing is not None and missing not in fields else None


def _lines(
    value: object, decisive: Decisive, indent: str, before: str, *, marked: bool, about: bool, end: str = ""
) -> Iterator[AnswerLine]:
    """The lines of `value`, the first after `before`. Only what is `about` an account can decide."""
    if _is_object(value) and value:
        yield AnswerLine(f"{indent}{before}{{", marked)
        last = len(value) - 1
        for n, (key, inner) in enumerate(value.items()):
            is_key = key in decisive.keys and not _holds_objects(inner)
            decides = about and (is_key or _missing(key, value, decisive) is not None)
            yield from _lines(
                inner,
                decisive,
                f"{indent}  ",
                f"{_json(key)}: ",
                marked=marked or decides or (not about and key == "http_status"),
                about=about or key == "about",
                end="," if n < last else "",
            )
        yield AnswerLine(f"{indent}}}{end}", marked)
    elif _is_array(value) and value:
        yield AnswerLine(f"{indent}{before}[", marked)
        for n, inner in enumerate(value):
            comma = "," if n < len(value) - 1 else ""
            yield from _lines(inner, decisive, f"{indent}  ", "", marked=marked, about=about, end=comma)
        yield AnswerLine(f"{indent}]{end}", marked)
    else:
        yield AnswerLine(f"{indent}{before}{_json(value)}{end}", marked)


def _holds_objects(value: object) -> bool:
    return _is_array(value) and any(map(_is_object, value))


def _json(value: object) -> str:
    """JSON on one line, whose letters are readable and whose other characters cannot disturb the page."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_PART else f"{text[: LONGEST_PART - 1]}…"


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _is_array(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
