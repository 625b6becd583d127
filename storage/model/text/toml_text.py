"""Pure: values as TOML text that can be read back, and texts that take too long to parse."""

import re
from datetime import UTC, datetime
from typing import cast

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_MOST_PARTS = 20
_NO_KEY = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|'
    r"'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'|#[^\n]*",
    re.DOTALL,
)
"""Strings and comments. A string may be a part of a key, whatever stands in it."""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{_MOST_PARTS}}}")


def refuse_long_keys(text: str) -> None:
    """Raise ValueError if a key has too many parts: tomllib takes minutes for one with thousands of dots."""
    if _LONG_KEY.search(_NO_KEY.sub("k", text)):
        raise ValueError(f"a key has more than {_MOST_PARTS} parts with dots between them")


def toml_value(value: object) -> str:
    """Return a value as TOML. A time is written in UTC. Raises TypeError for a type that TOML has not."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _text(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case dict():
            pairs = cast("dict[str, object]", value).items()
            return f"{{ {', '.join(f'{key} = {toml_value(part)}' for key, part in pairs)} }}"
        case list():
            return f"[{', '.join(toml_value(part) for part in cast('list[object]', value))}]"
        case _:
            raise TypeError(f"TOML cannot contain a value of type {type(value).__name__}")


def _text(text: str) -> str:
    """A basic string of TOML. What cannot be seen is written as its number."""
    return f'"{"".join(_char(char) for char in text)}"'


def _char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"
