"""What a rule would have sent, read from the database. Nothing is written."""

from datetime import datetime, timedelta

from jobs.replay.rule_preview import preview_rule, rules_on_trial, wants_provisional
from storage.alerts.rules import load_rules
from storage.model.alerts.rule_preview import RulePreview
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Conn, open_pool
from storage.postgres.replica import snapshot
from storage.readings.coverage import was_read
from storage.replay import alert_inputs


async def load_rule_preview(conn: Conn, rule: AlertRule, since: datetime, until: datetime) -> RulePreview:
    """Return what a rule would have sent from `since` until before `until`, beside the stored rules.

    The rule need not be stored. If one with its name is, it takes that one's place.
    """
    rules = rules_on_trial(await load_rules(conn), rule)
    lookback = max((s.rule.lookback for s in rules), default=timedelta(0))
    networks = any(s.rule.not_if_unreachable for s in rules)
    stored = await alert_inputs.load(conn, since, until, (), lookback, networks=networks)
    seen = await alert_inputs.seen_changes(conn, since, until) if wants_provisional(rules) else []
    facts = await alert_inputs.account_facts(conn, {one.change.account_id for one in seen})
    read = await was_read(conn, since, until)
    return preview_rule(stored, seen, facts, rules, rule.name, since, until, was_read=read)


async def preview_stored(dsn: str, rule: AlertRule, since: datetime, until: datetime) -> RulePreview:
    """The same over a connection of its own, at one moment of the database."""
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        return await load_rule_preview(conn, rule, since, until)
