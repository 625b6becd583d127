"""The alert rules as they stood at every time, told from the rules and the log of who changed them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from asyncpg import Record

from storage.alerts.rules import about, gathers
from storage.model.alerts.rule_codec import from_table
from storage.model.alerts.rules import AlertRule, RuleId, StoredRule
from storage.model.bitemporal.alert_inputs import RulesSince
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class _Version:
    at: datetime
    position: int
    stored: StoredRule | None
    """None: it was removed."""


async def rules_since(conn: Conn) -> list[RulesSince]:
    """Every state in which the rules ever were, oldest first.

    A rule of which no change is on record is as it is now since it was made. Those that cannot be read are
    left out, as they tell nobody; those that were removed come last, switched off.
    """
    rows = await conn.fetch(
        """
        select rule_id, name, definition::text as definition, enabled, origin, position, created_at,
            removed_at, array(
                select recipient from digest_refusal r where r.rule_id = alert_rule.rule_id
            ) as refused
        from alert_rule order by position, rule_id
        """
    )
    acts = await conn.fetch(
        """
        select at, action, subject, detail::text as detail from audit_log
        where action in ('rule added', 'rule changed', 'rule removed', 'rules ordered') order by audit_id
        """
    )
    versions = {r["rule_id"]: _versions(r, acts) for r in rows}
    orders = [(a["at"], json.loads(a["detail"])["before"]) for a in acts if a["action"] == "rules ordered"]
    times = sorted({v.at for theirs in versions.values() for v in theirs} | {at for at, _ in orders})
    return [RulesSince(at, _at(at, versions.values(), orders)) for at in times]


def _versions(r: Record, acts: Sequence[Record]) -> list[_Version]:
    mine = [
        a
        for a in acts
        if a["subject"] == r["name"]
        and a["at"] >= r["created_at"]
        and (r["removed_at"] is None or a["at"] <= r["removed_at"])
        and a["action"] in {"rule added", "rule changed"}
    ]
    versions: list[tuple[datetime, Any, bool]] = []
    for a in mine:
        detail = json.loads(a["detail"])
        versions.append((a["at"], detail["rule"], detail["enabled"]))
    if not versions:
        versions = [(r["created_at"], json.loads(r["definition"]), r["enabled"])]
    out: list[_Version] = []
    last: StoredRule | None = None
    for at, definition, enabled in versions:
        rule = _read(definition)
        if rule is None:
            last = None
            out.append(_Version(at, r["position"], None))
            continue
        active = digested = at
        if last is not None and last.enabled:
            active = at if about(last.rule) != about(rule) else last.active_since
            digested = at if gathers(last.rule) != gathers(rule) else last.digested_to
        last = StoredRule(
            RuleId(r["rule_id"]),
            rule,
            enabled,
            r["origin"] == "settings",
            active,
            digested,
            frozenset(r["refused"]),
        )
        out.append(_Version(at, r["position"], last))
    if r["removed_at"] is not None:
        gone = None if last is None else replace(last, enabled=False)
        out.append(_Version(r["removed_at"], 1_000_000, gone))
    return out


def _read(definition: object) -> AlertRule | None:
    try:
        return from_table(definition)  # pyright: ignore[reportArgumentType] - it says itself what is wrong
    except ValueError:
        return None


def _at(
    at: datetime, rules: Iterable[Sequence[_Version]], orders: Sequence[tuple[datetime, list[str]]]
) -> tuple[StoredRule, ...]:
    in_force = [
        last for theirs in rules if (last := _last(theirs, at)) is not None and last.stored is not None
    ]
    order = next((names for when, names in orders if when > at), None)

    def place(v: _Version) -> tuple[int, int]:
        stored = v.stored
        if order is None or stored is None or stored.from_settings or stored.rule.name not in order:
            return v.position, 0
        return 1_000, order.index(stored.rule.name)

    return tuple(v.stored for v in sorted(in_force, key=place) if v.stored is not None)


def _last(versions: Sequence[_Version], at: datetime) -> _Version | None:
    return next((v for v in reversed(versions) if v.at <= at), None)
