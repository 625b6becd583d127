"""An alert rule as the text that a person writes, and back."""

import json
import tomllib
from typing import Any, cast

from storage.model.rule_form import Table, from_table, to_table
from storage.model.rules import AlertRule


def toml_of(rule: AlertRule) -> str:
    """The rule as it stands below [[rules]] in a settings file; `rule_of` gives it back."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in to_table(rule).items())


def rule_of(text: str) -> AlertRule:
    """The one rule that a text describes, with or without [[rules]] above it.

    Raises ValueError with one clause that names the line or the key.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"this is not TOML: {str(error).rstrip('.')}") from error
    except RecursionError as error:
        raise ValueError("this is nested deeper than any rule") from error
    rule = from_table(_only(table["rules"]) if set(table) == {"rules"} else table)
    if any("\0" in name for name in (*rule.match.lists, *rule.match.orders, *rule.match.tags)):
        raise ValueError("a name holds a character that no name has")
    return rule


def _only(rules: object) -> Table:
    found = cast("list[object]", rules) if isinstance(rules, list) else []
    if len(found) != 1 or not isinstance(found[0], dict):
        raise ValueError("one rule at a time: write its keys, or one table under [[rules]]")
    return cast("Table", found[0])


def _value(value: Any) -> str:
    # Strings of JSON are strings of TOML, but for one character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
