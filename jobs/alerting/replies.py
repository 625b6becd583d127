"""What became of a change, for those who were told of it and whom no rule tells the end. Pure.

Whoever was told of a change hears what became of it, whatever has happened since to the rule that told it,
to its recipients, or to the account: it was switched off, edited, muted, or is about others now. Such a reply
holds nothing but what is owed to its recipient.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.alerts.alerts import AlertDecision, AlertRow, Cohort
from storage.model.alerts.quiet_hours import quiet_until
from storage.model.alerts.rules import Digest, Severity, StoredRule


class ReplyReason(StrEnum):
    """Why the rule that told somebody of a change does not tell what became of it by itself."""

    RULE_OFF = "rule_off"
    """It is switched off or removed."""
    RECIPIENT_LEFT = "recipient_left"
    """It tells others now."""
    NOT_MATCHED = "not_matched"
    """It is not about the account or the change any more."""
    GATHERED = "gathered"
    """It gathers for a digest now, and told this at once."""
    MUTED = "muted"
    FLAPPING = "flapping"
    """The account goes back and forth, and the rule says no more of it."""
    SILENT = "silent"
    """It decided before to say nothing."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One change whose end is owed to recipients of one rule."""

    alert: AlertRow
    recipients: tuple[str, ...]
    reasons: frozenset[ReplyReason]


@dataclass(frozen=True, slots=True)
class Reply:
    """What one mail each tells these recipients, and no other ones."""

    stored: StoredRule
    """The rule that told them."""
    recipients: tuple[str, ...]
    cohort: Cohort | None
    alerts: tuple[AlertRow, ...]
    reasons: frozenset[ReplyReason]
    due: datetime
    undecided: tuple[int, ...]
    """The alerts about which the rule itself says nothing: to have told them is its decision."""


def owed(
    alert: AlertRow,
    reached: Collection[str],
    silences: Mapping[int, AlertDecision],
    rules: Mapping[int, StoredRule],
) -> dict[int, Owed]:
    """By rule, to whom the end of a change is owed beside those whom rules reach.

    `silences`: the decisions of the rules that are about the change and tell nobody. What only digests told
    is not owed to whoever refused these since.
    """
    people: dict[int, dict[str, ReplyReason]] = {}
    for recipient, word in alert.owed.items():
        stored = rules.get(word.rule_id)
        if stored is None or recipient in reached or (word.by_digest and recipient in stored.refused):
            continue
        people.setdefault(word.rule_id, {})[recipient] = _reason(alert, stored, recipient, silences)
    return {
        rule_id: Owed(alert, tuple(reasons), frozenset(reasons.values()))
        for rule_id, reasons in people.items()
    }


def _reason(
    alert: AlertRow, stored: StoredRule, recipient: str, silences: Mapping[int, AlertDecision]
) -> ReplyReason:
    if not stored.enabled:
        return ReplyReason.RULE_OFF
    if recipient not in stored.rule.recipients:
        return ReplyReason.RECIPIENT_LEFT
    if AlertDecision.FLAPPING in silences.values():
        return ReplyReason.FLAPPING
    if {AlertDecision.MUTED, AlertDecision.MAINTENANCE} & set(silences.values()):
        return ReplyReason.MUTED
    if stored.rule.digest is not Digest.NONE:
        return ReplyReason.GATHERED
    return ReplyReason.SILENT if stored.rule_id in alert.done else ReplyReason.NOT_MATCHED


def due_at(stored: StoredRule, members: Sequence[Owed]) -> tuple[datetime, AlertDecision]:
    """When one mail tells all of this, and why only then: like a wave, it waits until nothing joins it."""
    rule, times = stored.rule, [m.alert.created_at for m in members]
    due = min(max(times) + rule.settle, min(times) + rule.settle * rule.growth_limit)
    if rule.severity is not Severity.CRITICAL and (awake := quiet_until(due, rule.quiet, rule.zone)) > due:
        return awake, AlertDecision.QUIET
    return due, AlertDecision.WAITING


def replies(
    stored: StoredRule,
    cohort: Cohort | None,
    members: Sequence[Owed],
    due: datetime,
    undecided: Collection[int],
) -> list[Reply]:
    """The mails that tell this: recipients to whom the same is owed get the same one."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for recipient in dict.fromkeys(r for m in members for r in m.recipients):
        mine = tuple(n for n, m in enumerate(members) if recipient in m.recipients)
        alike.setdefault(mine, []).append(recipient)
    return [
        Reply(
            stored,
            tuple(recipients),
            cohort,
            tuple(members[n].alert for n in mine),
            frozenset[ReplyReason]().union(*(members[n].reasons for n in mine)),
            due,
            tuple(i for n in mine if (i := members[n].alert.alert_id) in undecided),
        )
        for mine, recipients in alike.items()
    ]
