"""Pure: a file of other rules: alert rules, confirmation thresholds, or both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from jobs.alerting.rules_file import FileRule, read_rules
from jobs.detect.confirmation import ConfirmationRule
from storage.model.alerts.rule_codec import duration_text
from storage.model.tables.csv_rows import TableError
from storage.model.tables.toml_tables import read_document
from storage.model.text.units import parse_duration

_TABLE = "confirmation"
_KEYS = ("rereads", "strong_readings", "weak_readings", "cohort_window", "cohort_discount")


class _Fault(Exception):
    """What is wrong with one key, as a clause."""

    def __init__(self, key: str | None, said: str) -> None:
        super().__init__(said)
        self.key = key


@dataclass(frozen=True, slots=True)
class OtherRules:
    """What a file says. None means the rules or thresholds in force."""

    rules: tuple[FileRule, ...] | None = None
    confirmation: ConfirmationRule | None = None


def thresholds_toml(rule: ConfirmationRule) -> str:
    """Write thresholds as a file that `read_other_rules` reads."""
    rereads = ", ".join(f'"{duration_text(o)}"' for o in rule.offsets[1:])
    return f"""\
# When a change is confirmed. Times count from the first reading that shows it.
[confirmation]
rereads = [{rereads}]
strong_readings = {rule.strong_readings}
weak_readings = {rule.weak_readings}
cohort_window = "{duration_text(rule.cohort_window)}"
cohort_discount = {rule.cohort_discount}
"""


def read_other_rules(content: bytes, name: str) -> OtherRules:
    """The rules in a file called `name`: tables under [[rules]], the thresholds under [confirmation].

    Raises TableError for the first fault, with its line.
    """
    text, document = read_document(content, name)
    confirmation = _confirmation(text, document[_TABLE], name) if _TABLE in document else None
    if confirmation is not None and set(document) == {_TABLE}:
        return OtherRules(None, confirmation)
    parsed = read_rules(content, name, beside=_TABLE)
    if parsed.problems:
        raise parsed.problems[0]
    return OtherRules(parsed.rows, confirmation)


def _confirmation(text: str, table: object, name: str) -> ConfirmationRule:
    if not isinstance(table, dict):
        raise TableError(
            name, _line(text, None), "confirmation must be a table, under a line [confirmation]."
        )
    try:
        return _rule(cast("dict[str, Any]", table))
    except _Fault as fault:
        raise TableError(name, _line(text, fault.key), f"{fault}.") from None


def _rule(table: Mapping[str, object]) -> ConfirmationRule:
    if unknown := [key for key in table if key not in _KEYS]:
        raise _Fault(unknown[0], f"{unknown[0]} is not a threshold. Use {', '.join(_KEYS)}")
    plain = ConfirmationRule()
    offsets = plain.offsets
    if (rereads := table.get("rereads")) is not None:
        if not isinstance(rereads, list):
            raise _Fault("rereads", 'rereads must be a list of durations such as ["1m", "15m", "60m"]')
        offsets = (timedelta(0), *(_span(r, "rereads") for r in cast("list[object]", rereads)))
    window = table.get("cohort_window")
    try:
        return ConfirmationRule(
            offsets,
            _count(table, "strong_readings", plain.strong_readings, 1),
            _count(table, "weak_readings", plain.weak_readings, 1),
            plain.cohort_window if window is None else _span(window, "cohort_window"),
            _count(table, "cohort_discount", plain.cohort_discount, 0),
        )
    except ValueError as error:
        raise _Fault(None, f"[confirmation]: {error}") from error


def _count(table: Mapping[str, object], key: str, default: int, least: int) -> int:
    found = table.get(key, default)
    if not isinstance(found, int) or isinstance(found, bool) or found < least:
        raise _Fault(key, f"{key}: {found!r} is not a whole number of at least {least}")
    return found


def _span(value: object, key: str) -> timedelta:
    try:
        return parse_duration(value if isinstance(value, str) else repr(value))
    except ValueError as error:
        raise _Fault(key, f"{key}: {str(error).removesuffix('.')}") from error


def _line(text: str, key: str | None) -> int | None:
    """The line of a key under [confirmation], or else the line of [confirmation]."""
    lines = text.replace("\r\n", "\n").split("\n")
    header = re.compile(r"\s*\[\s*confirmation\s*\]")
    begins = next((n for n, line in enumerate(lines, 1) if header.match(line)), None)
    if begins is None or key is None:
        return begins
    wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    return next((n for n, line in enumerate(lines[begins:], begins + 1) if wanted.match(line)), begins)
