"""An alert rule as a table of TOML or JSON, and back: what is written in settings, exported and stored."""

import re
from collections.abc import Callable, Mapping
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, TypeVar, cast

from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import ASK_FOR, AlertRule, Digest, EscalationStep, Match, RuleFault, Severity
from storage.model.core.accounts import Platform, TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.core.labels import LabelStep

Table = dict[str, Any]
_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)
_DURATION = re.compile(r"(\d{1,6})\s*(ms|s|m|h|d)")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
MATCH = [
    "lists",
    "orders",
    "targets",
    "platforms",
    "countries",
    "kinds",
    "tags",
    "min_followers",
    "executives",
    "provisional",
]
MANNER = [
    "name",
    "recipients",
    "zone",
    "severity",
    "quiet",
    "digest",
    "digest_at",
    "remind_every",
    "escalation",
    "engagement",
    "labels",
    "networks",
    "not_if_unreachable",
    "settle",
    "update_after",
    "flapping_changes",
    "flapping_period",
]


EARLIER = ("escalate_after", "escalate_to")
"""Keys of the one step that a rule had earlier. Both together are read as a step."""
_EXAMPLE = '[{ after = "6h", to = ["editor@example.org"] }]'


def to_table(rule: AlertRule) -> Table:
    """The rule with everything that is not as it is by default; `from_table` gives it back."""
    plain, match, nothing = AlertRule(()), rule.match, Match()
    values: dict[str, tuple[object, object]] = {
        "lists": (sorted(match.lists), []),
        "orders": (sorted(match.orders), []),
        "targets": (sorted(t.value for t in match.targets), []),
        "platforms": (sorted(p.value for p in match.platforms), []),
        "countries": (sorted(match.countries), []),
        "kinds": (sorted(k.value for k in match.kinds), sorted(k.value for k in nothing.kinds)),
        "tags": (sorted(match.tags), []),
        "min_followers": (match.min_followers, None),
        "executives": (match.executives, False),
        "provisional": (match.provisional, False),
        "zone": (rule.zone, plain.zone),
        "severity": (rule.severity.value, plain.severity.value),
        "quiet": (rule.quiet and f"{rule.quiet.begins:%H:%M}-{rule.quiet.ends:%H:%M}", None),
        "digest": (rule.digest.value, plain.digest.value),
        "digest_at": (f"{rule.digest_at:%H:%M}", f"{plain.digest_at:%H:%M}"),
        "remind_every": (rule.remind_every and duration_text(rule.remind_every), None),
        "escalation": (
            [{"after": duration_text(step.after), "to": list(step.to)} for step in rule.escalation],
            [],
        ),
        "engagement": (rule.engagement, False),
        "labels": (sorted(step.value for step in rule.labels), []),
        "networks": (rule.networks, False),
        "not_if_unreachable": (rule.not_if_unreachable, False),
        "settle": (duration_text(rule.settle), duration_text(plain.settle)),
        "update_after": (duration_text(rule.update_after), duration_text(plain.update_after)),
        "flapping_changes": (rule.flapping_changes, plain.flapping_changes),
        "flapping_period": (duration_text(rule.flapping_period), duration_text(plain.flapping_period)),
    }
    changed = {name: value for name, (value, usual) in values.items() if value != usual}
    return {"name": rule.name, "recipients": list(rule.recipients), **changed}


def from_table(table: Mapping[str, Any]) -> AlertRule:
    """The rule that a table describes. Raises ValueError with one clause that names the key: RuleFault when
    that key is in the table.
    """
    table = _with_steps(table)
    for key in table:
        if key not in MATCH and key not in MANNER:
            raise RuleFault(key, f"{key} is not a key of a rule; use {', '.join((*MANNER, *MATCH))}")
    for key in ("name", "recipients"):
        if key not in table:
            raise ValueError(f"{key} is missing")
    usual, nothing = AlertRule(()), Match()

    def get(key: str, read: Callable[[Any], _T], default: _T) -> _T:
        if key not in table:
            return default
        try:
            return read(table[key])
        except ValueError as error:
            raise RuleFault(key, f"{key}: {error}") from error

    match = Match(
        lists=get("lists", _names, nothing.lists),
        orders=get("orders", _names, nothing.orders),
        targets=get("targets", lambda v: _members(v, TargetKind), nothing.targets),
        platforms=get("platforms", lambda v: _members(v, Platform), nothing.platforms),
        countries=get("countries", _names, nothing.countries),
        kinds=get("kinds", lambda v: _members(v, ChangeKind), nothing.kinds),
        tags=get("tags", _names, nothing.tags),
        min_followers=get("min_followers", _count, nothing.min_followers),
        executives=get("executives", _flag, nothing.executives),
        provisional=get("provisional", _flag, nothing.provisional),
    )
    return AlertRule(
        recipients=get("recipients", _texts, ()),
        name=get("name", _text, ""),
        match=match,
        zone=get("zone", _text, usual.zone),
        severity=get("severity", lambda v: _member(v, Severity), usual.severity),
        quiet=get("quiet", _quiet, None),
        digest=get("digest", lambda v: _member(v, Digest), usual.digest),
        digest_at=get("digest_at", _clock, usual.digest_at),
        remind_every=get("remind_every", duration_of, None),
        escalation=get("escalation", _steps, ()),
        engagement=get("engagement", _flag, default=False),
        labels=get("labels", lambda v: _members(v, LabelStep), usual.labels),
        networks=get("networks", _flag, default=False),
        not_if_unreachable=get("not_if_unreachable", _flag, default=False),
        settle=get("settle", duration_of, usual.settle),
        update_after=get("update_after", duration_of, usual.update_after),
        flapping_changes=get("flapping_changes", _whole, usual.flapping_changes),
        flapping_period=get("flapping_period", duration_of, usual.flapping_period),
    )


def duration_text(span: timedelta) -> str:
    """A span as it is written in a rule: in its largest whole unit."""
    for unit in ("d", "h", "m", "s"):
        if span and not span % _UNITS[unit]:
            return f"{span // _UNITS[unit]}{unit}"
    return f"{round(span / _UNITS['ms'])}ms"


def duration_of(value: object) -> timedelta:
    """The span that a rule means by a text such as 10m. Raises ValueError."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not a duration such as 90s, 10m, 6h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def _with_steps(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The table of a rule with its earlier keys for one step of escalation written as a step."""
    earlier = [key for key in EARLIER if key in table]
    if not earlier:
        return table
    if "escalation" in table:
        raise RuleFault(earlier[0], f"{earlier[0]} is the earlier way to write escalation; remove it")
    if len(earlier) < len(EARLIER):
        raise RuleFault(earlier[0], f"instead of {earlier[0]}, write escalation, such as {_EXAMPLE}")
    rest = {key: value for key, value in table.items() if key not in EARLIER}
    after = table["escalate_after"]
    try:  # These keys took up to a year, but nothing was sent after three days.
        is_longer = duration_of(after) > ASK_FOR
    except ValueError:
        is_longer = False
    step = {"after": duration_text(ASK_FOR) if is_longer else after, "to": table["escalate_to"]}
    return {**rest, "escalation": [step]}


def _steps(value: object) -> tuple[EscalationStep, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{value!r} is not a list of steps such as {_EXAMPLE}")  # noqa: TRY004
    return tuple(_step(step) for step in cast("list[object]", value))


def _step(value: object) -> EscalationStep:
    step = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if set(step) != {"after", "to"}:
        raise ValueError(f"{value!r} is not a step such as {_EXAMPLE[1:-1]}")
    return EscalationStep(duration_of(step["after"]), _texts(step["to"]))


def _clock(value: object) -> time:
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not a time of day such as 08:00")
    return time(int(found[1]), int(found[2]))


def _quiet(value: object) -> QuietHours:
    begins, dash, ends = value.partition("-") if isinstance(value, str) else ("", "", "")
    if not dash:
        raise ValueError(f"{value!r} is not a time range such as 22:00-07:00")
    return QuietHours(_clock(begins.strip()), _clock(ends.strip()))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")  # noqa: TRY004
    if "\0" in value:
        raise ValueError(f"{value!r} contains a character that is not allowed")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{value!r} is not a list of texts")  # noqa: TRY004
    return tuple(_text(part) for part in cast("list[object]", value))


def _names(value: object) -> frozenset[str]:
    return frozenset(_texts(value))


def _member(value: object, kind: type[_E]) -> _E:
    try:
        return kind(_text(value))
    except ValueError:
        raise ValueError(f"{value!r} is not one of {', '.join(kind)}") from None


def _members(value: object, kind: type[_E]) -> frozenset[_E]:
    return frozenset(_member(part, kind) for part in _texts(value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is not a whole number")  # noqa: TRY004
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a number of followers")
    return value
