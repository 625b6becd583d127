"""Alert rules as the text that a person writes; and one of them back."""

import re
import tomllib
from collections.abc import Iterable
from typing import cast

from storage.model.alerts.rule_codec import Table, from_table, to_table
from storage.model.alerts.rules import AlertRule

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

_PREAMBLE = "# Alert rules of Blockline, in the order in which they are tried.\n"


def to_toml(rules: Iterable[tuple[AlertRule, bool]]) -> str:
    """The file that holds these rules, each with whether it is enabled."""
    return _PREAMBLE + "".join(
        f"\n[[rules]]\n{toml_of(rule)}" + ("" if enabled else "enabled = false\n") for rule, enabled in rules
    )


def toml_of(rule: AlertRule) -> str:
    """The rule as it stands below [[rules]] in a settings file; `rule_of` gives it back."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in to_table(rule).items())


def rule_of(text: str) -> AlertRule:
    """The one rule that a text describes, with or without [[rules]] above it.

    Raises ValueError with one clause that names the line or the key.
    """
    refuse_long_keys(text)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"this is not TOML: {str(error).rstrip('.')}") from error
    except RecursionError as error:
        raise ValueError("this is nested too deeply for a rule") from error
    rule = from_table(_only(table["rules"]) if set(table) == {"rules"} else table)
    if any("\0" in name for name in (*rule.match.lists, *rule.match.orders, *rule.match.tags)):
        raise ValueError("a name contains a character that is not allowed in names")
    return rule


def refuse_long_keys(text: str) -> None:
    """Raise ValueError if a key has too many parts: tomllib takes minutes for one with thousands of dots."""
    if _LONG_KEY.search(_NO_KEY.sub("k", text)):
        raise ValueError(f"a key has more than {_MOST_PARTS} parts with dots between them")


def _only(rules: object) -> Table:
    found = cast("list[object]", rules) if isinstance(rules, list) else []
    if len(found) != 1 or not isinstance(found[0], dict):
        raise ValueError("write only one rule, either its keys or one table under [[rules]]")
    return cast("Table", found[0])


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(_value(part) for part in cast('list[object]', value))}]"
        case _:
            raise TypeError(f"a rule cannot contain a value of type {type(value).__name__}")


def _text(text: str) -> str:
    """A basic string of TOML. What cannot be seen is written as its number."""
    return f'"{"".join(_char(char) for char in text)}"'


def _char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"
