"""Alert rules in the database, the one source of truth: read, changed, and every change on record.

Who wants no digests of a rule is stored here too: said behind a signed link in the mail, and taken back by
people.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from storage.model.alerts.conditions import UnreadableRule
from storage.model.alerts.rule_codec import from_table, to_table
from storage.model.alerts.rules import AbsentNames, AlertRule, Digest, RuleId, StoredRule
from storage.model.text.near_names import unknown_name
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused


async def load_rules(conn: Conn, gone: Collection[int] = ()) -> list[StoredRule]:
    """All rules that are not removed, in the order in which they are tried; those switched off included.

    And those of `gone` that are removed: switched off, and tried last. Without those of `unreadable_rules`:
    one of them must not keep the others from telling.
    """
    rows = await conn.fetch(
        """
        select rule_id, definition::text as definition, enabled, origin, active_since, digested_to,
            array(select recipient from digest_refusal r where r.rule_id = alert_rule.rule_id) as refused
        from alert_rule where removed_at is null or rule_id = any($1::bigint[])
        order by removed_at is not null, position, rule_id
        """,
        list(gone),
    )
    return [
        StoredRule(
            RuleId(r["rule_id"]),
            rule,
            r["enabled"],
            r["origin"] == "settings",
            r["active_since"],
            r["digested_to"],
            frozenset(r["refused"]),
        )
        for r in rows
        if isinstance(rule := _read(r["definition"]), AlertRule)
    ]


async def unreadable_rules(conn: Conn) -> list[UnreadableRule]:
    """The enabled rules that were written by a newer version, or with what this machine does not know (such
    as a time zone): they tell nobody until they are written anew.
    """
    rows = await conn.fetch(
        """
        select name, origin, definition::text as definition
        from alert_rule where removed_at is null and enabled order by position, rule_id
        """
    )
    return [
        UnreadableRule(r["name"], r["origin"] == "settings", why)
        for r in rows
        if isinstance(why := _read(r["definition"]), str)
    ]


class NamesForRules(NamedTuple):
    """What rules can name: lists by name, newest orders first."""

    lists: list[str]
    """Those in use."""
    archived: list[str]
    """Archived lists, which a stored rule can still name."""
    orders: list[str]
    """References."""


async def names_for_rules(conn: Conn) -> NamesForRules:
    row = await conn.fetchrow(
        """
        select array(select name from watch_list where archived_at is null order by name) as lists,
            array(select name from watch_list where archived_at is not null order by name) as archived,
            array(select reference from legal_order order by issued_at desc, reference) as orders
        """
    )
    if row is None:
        raise LookupError("a query without a table returned no row")
    return NamesForRules(row["lists"], row["archived"], row["orders"])


async def absent_names(conn: Conn, rules: Iterable[AlertRule]) -> AbsentNames:
    """The lists and orders that these rules name and that are not on file."""
    matches = [rule.match for rule in rules]
    row = await conn.fetchrow(
        """
        select array(
            select name from unnest($1::text[]) as u (name)
            where not exists (select from watch_list l where l.name = u.name)
        ) as lists,
        array(
            select name from unnest($2::text[]) as u (name)
            where not exists (select from legal_order o where o.reference = u.name)
        ) as orders
        """,
        list({name for match in matches for name in match.lists}),
        list({name for match in matches for name in match.orders}),
    )
    return AbsentNames() if row is None else AbsentNames(frozenset(row["lists"]), frozenset(row["orders"]))


def _read(definition: str) -> AlertRule | str:
    """The rule, or why it cannot be read."""
    try:
        return from_table(json.loads(definition))
    except ValueError as error:
        return str(error)


async def save_rule(conn: Conn, rule: AlertRule, actor: str, now: datetime, *, enabled: bool = True) -> bool:
    """Add a rule, or put it in the place of the one with its name. False when it stands so already.

    Raises Refused for a rule that belongs to the settings.
    """
    await _lock(conn)
    return await _save(conn, rule, actor, now, "hand", enabled=enabled)


async def remove_rule(conn: Conn, name: str, actor: str, now: datetime) -> None:
    """Take a rule away; what it decided stays. Raises Refused for an unknown one or one of the settings."""
    await _lock(conn)
    await _definition_by_hand(conn, name)
    await _remove(conn, name, actor, now)


async def enable_rule(conn: Conn, name: str, actor: str, now: datetime, *, enabled: bool) -> None:
    """Switch a rule on or off. Raises Refused for an unknown or unreadable one or one of the settings."""
    await _lock(conn)
    rule = _read(await _definition_by_hand(conn, name))
    if isinstance(rule, str):
        raise Refused(f"The rule {name!r} cannot be read ({rule}): save it again, or remove it.")
    await _save(conn, rule, actor, now, "hand", enabled=enabled)


async def edit_rule(conn: Conn, rule: AlertRule, actor: str, now: datetime) -> None:
    """Put a rule in the place of the one with its name, which stays off if it is, or add it.

    Raises Refused for a rule that belongs to the settings.
    """
    await _lock(conn)
    known = await conn.fetchval(
        "select enabled from alert_rule where name = $1 and removed_at is null", rule.name
    )
    await _save(conn, rule, actor, now, "hand", enabled=known is not False)


async def add_rule(conn: Conn, rule: AlertRule, actor: str, now: datetime) -> StoredRule:
    """Add a rule, tried last. Raises Refused if there is one with its name."""
    await _lock(conn)
    if await conn.fetchval(
        "select exists (select from alert_rule where name = $1 and removed_at is null)", rule.name
    ):
        raise Refused(f"There is a rule {rule.name!r} already. Choose another name.")
    await _save(conn, rule, actor, now, "hand")
    return next(s for s in await load_rules(conn) if s.rule.name == rule.name)


async def change_rule(
    conn: Conn, rule_id: int, shown: AlertRule, rule: AlertRule, actor: str, now: datetime
) -> bool:
    """Put `rule` in the place of the one with that number, which stays off if it is. False: nothing changes.

    `shown` is the rule that the editor saw. Raises Refused if another one is stored meanwhile, for another
    name, and for a rule of the settings.
    """
    await _lock(conn)
    stored = next((s for s in await load_rules(conn) if s.rule_id == rule_id), None)
    if stored is None:
        raise Refused(f"The rule {shown.name!r} was removed meanwhile. Save it as a new rule.")
    if rule.name != stored.rule.name:
        raise Refused(
            f"The name of a stored rule stays: {stored.rule.name!r}. Duplicate it for another name."
        )
    if stored.rule not in (shown, rule):
        raise Refused(
            f"The rule {rule.name!r} was changed by somebody else meanwhile. Load the page again to see it."
        )
    return await _save(conn, rule, actor, now, "hand", enabled=stored.enabled)


async def move_rule(conn: Conn, name: str, actor: str, now: datetime, *, up: bool) -> bool:
    """Have a rule tried one place earlier or later. False if it is the first or last of those made by hand.

    Raises Refused for an unknown rule or one of the settings: those stay first.
    """
    await _lock(conn)
    await _definition_by_hand(conn, name)
    rows = await conn.fetch(
        "select name from alert_rule where origin = 'hand' and removed_at is null order by position, rule_id"
    )
    names = [r["name"] for r in rows]
    place = names.index(name)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(names):
        return False
    names[place], names[other] = names[other], names[place]
    return await put_in_order(conn, names, actor, now)


async def put_in_order(conn: Conn, names: Sequence[str], actor: str, now: datetime) -> bool:
    """Have the rules that were made by hand tried in this order, which names each of them. False when they
    are already.
    """
    await _lock(conn)
    rows = await conn.fetch(
        "select name from alert_rule where origin = 'hand' and removed_at is null order by position, rule_id"
    )
    was = [r["name"] for r in rows]
    if was == list(names):
        return False
    await conn.execute(
        """
        update alert_rule r set position = 1000 + u.n, updated_at = $2
        from unnest($1::text[]) with ordinality as u (name, n)
        where r.name = u.name and r.origin = 'hand' and r.removed_at is null
        """,
        names,
        now,
    )
    await log(conn, now, actor, "rules ordered", "rules by hand", {"before": was, "order": list(names)})
    return True


async def keep_to_settings(conn: Conn, rules: Sequence[AlertRule], now: datetime) -> None:
    """Bring the rules that stand in the settings into the database, first ones first, and drop those that do
    not stand there any more. Raises Refused when one has the name of a rule that was made by hand.
    """
    await _lock(conn)
    there = {
        r["name"]
        for r in await conn.fetch(
            "select name from alert_rule where origin = 'settings' and removed_at is null"
        )
    }
    for name in sorted(there - {r.name for r in rules}):
        await _remove(conn, name, "settings", now)
    for rule in rules:
        await _save(conn, rule, "settings", now, "settings")


async def set_digested(conn: Conn, rule_id: int, since: datetime, until: datetime) -> bool:
    """Say up to when the digests of a rule were told. False when another notifier told this one."""
    return bool(
        await conn.fetchval(
            """
            update alert_rule set digested_to = $3 where rule_id = $1 and digested_to = $2 returning true
            """,
            rule_id,
            since,
            until,
        )
    )


async def _lock(conn: Conn) -> None:
    """Rules are changed by one at a time: their order is counted."""
    await conn.execute("select pg_advisory_xact_lock(hashtext('blockline alert rules'))")


async def _definition_by_hand(conn: Conn, name: str) -> str:
    """What is stored of the rule of that name. Raises Refused without one, or for one of the settings."""
    row = await conn.fetchrow(
        """
        select origin, definition::text as definition from alert_rule
        where name = $1 and removed_at is null
        """,
        name,
    )
    if row is None:
        rows = await conn.fetch("select name from alert_rule where removed_at is null order by position")
        raise Refused(unknown_name("rule", name, [r["name"] for r in rows]))
    _refuse_settings(name, row["origin"])
    return row["definition"]


async def _save(
    conn: Conn, rule: AlertRule, actor: str, now: datetime, origin: str, *, enabled: bool = True
) -> bool:
    definition = to_table(rule)
    stored = json.dumps(definition, sort_keys=True)
    before = await conn.fetchrow(
        """
        select rule_id, origin, definition::text as definition, enabled
        from alert_rule where name = $1 and removed_at is null
        """,
        rule.name,
    )
    if before is None:
        # Rules of the settings are tried before those that were made by hand.
        await conn.execute(
            """
            insert into alert_rule (
                name, definition, position, origin, enabled, created_at, updated_at, digested_to, active_since
            )
            select $1, $2::text::jsonb,
                coalesce(max(position), case when $3 = 'settings' then 0 else 1000 end) + 1,
                $3, $5, $4, $4, $4, $4
            from alert_rule where origin = $3
            """,
            rule.name,
            stored,
            origin,
            now,
            enabled,
        )
        await log(conn, now, actor, "rule added", rule.name, {"rule": definition, "enabled": enabled})
        return True
    if before["origin"] != origin:
        if origin == "hand":
            _refuse_settings(rule.name, before["origin"])
        raise Refused(
            f"Rule {rule.name!r} exists both in the settings and by hand. Remove or rename one of them."
        )
    was, old = json.loads(before["definition"]), _read(before["definition"])
    if was == definition and before["enabled"] == enabled:
        return False
    await conn.execute(
        """
        update alert_rule set definition = $2::text::jsonb, enabled = $3, updated_at = $4,
            digested_to = case when $5 then $4 else digested_to end,
            active_since = case when $6 then $4 else active_since end
        where rule_id = $1
        """,
        before["rule_id"],
        stored,
        enabled,
        now,
        enabled and (not before["enabled"] or gathers(old) != gathers(rule)),
        enabled and (not before["enabled"] or isinstance(old, str) or about(old) != about(rule)),
    )
    detail = {"before": was, "rule": definition, "enabled": enabled}
    await log(conn, now, actor, "rule changed", rule.name, detail)
    return True


async def _remove(conn: Conn, name: str, actor: str, now: datetime) -> None:
    definition = await conn.fetchval(
        """
        update alert_rule set removed_at = $2, enabled = false
        where name = $1 and removed_at is null returning definition::text
        """,
        name,
        now,
    )
    await log(conn, now, actor, "rule removed", name, {"rule": json.loads(definition)})


def about(rule: AlertRule) -> tuple[object, ...]:
    """What decides what a rule is about: what came before this changed is no news to it."""
    return rule.match, rule.engagement, rule.labels, rule.networks


def gathers(rule: AlertRule | str) -> tuple[object, ...]:
    """What decides which changes wait for its digests: of the time before this changed, none can speak.

    A rule that could not be read gathered nothing.
    """
    if isinstance(rule, str):
        return ()
    return rule.match, rule.digest is not Digest.NONE, bool(rule.recipients)


def _refuse_settings(name: str, origin: str) -> None:
    if origin == "settings":
        raise Refused(f"The rule {name!r} is defined in the settings. Change it in the settings.")


async def refuse_digests(conn: Conn, rule_name: str, recipient: str, now: datetime) -> bool:
    """Send this recipient no more digests and round-ups of a rule. What the rule tells at once goes on.

    False when it was so already. Raises Refused when there is no such rule.
    """
    made = await conn.fetchval(
        """
        insert into digest_refusal (rule_id, recipient, at) values ($1, $2, $3)
        on conflict do nothing returning true
        """,
        await _rule_id(conn, rule_name),
        recipient,
        now,
    )
    if made is None:
        return False
    await log(conn, now, f"mail to {recipient}", "digests refused", rule_name, {"recipient": recipient})
    return True


async def _rule_id(conn: Conn, rule_name: str) -> int:
    rows = await conn.fetch("select rule_id, name from alert_rule where removed_at is null order by position")
    numbers = {r["name"]: r["rule_id"] for r in rows}
    if rule_name not in numbers:
        raise Refused(unknown_name("rule", rule_name, numbers))
    return numbers[rule_name]
