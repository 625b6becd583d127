"""What each rule would do with the newest group of an incident: the verdicts of `alerts explain`, counted."""

from collections import Counter
from collections.abc import Sequence

from jobs.notify.alert_explanation import RuleVerdict, explain
from storage.alerts.history import alerts_of_wave, histories
from storage.alerts.rules import load_rules
from storage.model.alerts.group_explanation import (
    MOST_ALERTS,
    AlertsPerReason,
    GroupExplanation,
    RuleOutcome,
)
from storage.model.alerts.history import AlertHistory
from storage.model.alerts.rule_words import DECISION_WORDS
from storage.model.alerts.rules import StoredRule
from storage.postgres.pool import Conn


async def explain_incident(conn: Conn, story_key: str) -> GroupExplanation | None:
    """Explain the newest group of an incident; None if no group of it was sent."""
    group, alerts = await alerts_of_wave(conn, story_key)
    if not alerts:
        return None
    found = await histories(conn, alerts[:MOST_ALERTS])
    return explain_group(group, found, await load_rules(conn), len(alerts) - len(found))


def explain_group(
    group: int, alerts: Sequence[AlertHistory], rules: Sequence[StoredRule], left_out: int
) -> GroupExplanation:
    """Count the verdicts of every rule about the alerts of a group."""
    verdicts: list[list[RuleVerdict]] = [[] for _ in rules]
    for alert in alerts:
        # Verdicts of removed rules follow those of the stored ones.
        for said, verdict in zip(verdicts, explain(alert, rules).verdicts, strict=False):
            said.append(verdict)
    outcomes = tuple(_outcome(stored, said) for stored, said in zip(rules, verdicts, strict=True))
    return GroupExplanation(group, len(alerts), left_out, outcomes)


def _outcome(stored: StoredRule, verdicts: Sequence[RuleVerdict]) -> RuleOutcome:
    unmatched = Counter((v.unmatched.condition.value, v.unmatched.words) for v in verdicts if v.unmatched)
    decided = Counter(v.decided.decision.value for v in verdicts if v.decided)
    return RuleOutcome(
        stored.rule.name,
        stored.rule.recipients,
        sum(v.matches for v in verdicts),
        tuple(AlertsPerReason(reason, words, n) for (reason, words), n in unmatched.most_common()),
        tuple(AlertsPerReason(one, DECISION_WORDS[one], n) for one, n in decided.most_common()),
    )
