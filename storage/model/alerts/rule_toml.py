"""Alert rules as the text that a person writes; and one of them back."""

import tomllib
from collections.abc import Iterable
from typing import cast

from storage.model.alerts.rule_codec import Table, from_table, to_table
from storage.model.alerts.rules import AlertRule
from storage.model.text.toml_text import refuse_long_keys, toml_value

_PREAMBLE = "# Alert rules of Blockline, in the order in which they are tried.\n"


def to_toml(rules: Iterable[tuple[AlertRule, bool]]) -> str:
    """The file that holds these rules, each with whether it is enabled."""
    return _PREAMBLE + "".join(
        f"\n[[rules]]\n{toml_of(rule)}" + ("" if enabled else "enabled = false\n") for rule, enabled in rules
    )


def toml_of(rule: AlertRule) -> str:
    """The rule as it stands below [[rules]] in a settings file; `rule_of` gives it back."""
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in to_table(rule).items())


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


def _only(rules: object) -> Table:
    found = cast("list[object]", rules) if isinstance(rules, list) else []
    if len(found) != 1 or not isinstance(found[0], dict):
        raise ValueError("write only one rule, either its keys or one table under [[rules]]")
    return cast("Table", found[0])
