"""Replies: the outcome of a change for recipients whom no rule notifies of that outcome. Pure.

Every recipient who was notified of a change is notified of its outcome. This holds even if the rule has since
been disabled, edited or muted, or no longer covers the recipient or the account. A reply contains only the
outcomes that are owed to its recipient.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.alerts.alerts import AlertDecision, AlertRow, Cohort
from storage.model.alerts.quiet_hours import quiet_until
from storage.model.alerts.rules import Digest, Severity, StoredRule


class ReplyReason(StrEnum):
    """Why the rule that reported a change does not itself report its outcome to a recipient."""

    RULE_OFF = "rule_off"
    """The rule is disabled or was removed."""
    RECIPIENT_LEFT = "recipient_left"
    """The rule now has other recipients."""
    NOT_MATCHED = "not_matched"
    """The rule no longer matches the account or the change."""
    GATHERED = "gathered"
    """The rule sent this change at once, and has been changed to a digest since."""
    MUTED = "muted"
    FLAPPING = "flapping"
    """The account is flapping, and the rule sends no more about it for now."""
    SILENT = "silent"
    """The rule decided earlier not to send it."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One change whose outcome is owed to recipients of one rule."""

    alert: AlertRow
    recipients: tuple[str, ...]
    reasons: frozenset[ReplyReason]


@dataclass(frozen=True, slots=True)
class Reply:
    """The content of a reply. Each recipient gets it in one email."""

    stored: StoredRule
    """The rule that notified the recipients of the change."""
    recipients: tuple[str, ...]
    cohort: Cohort | None
    alerts: tuple[AlertRow, ...]
    reasons: frozenset[ReplyReason]
    due: datetime
    undecided: tuple[int, ...]
    """The ids of the alerts that the rule itself does not send. For these alerts, the reply is recorded as
    the rule's decision.
    """


def owed(
    alert: AlertRow,
    reached: Collection[str],
    silences: Mapping[int, AlertDecision],
    rules: Mapping[int, StoredRule],
) -> dict[int, Owed]:
    """Return, for each rule, the recipients who are owed the outcome of a change and whom no rule notifies of
    that outcome.

    `reached` holds the recipients whom some rule notifies. `silences` holds the decision of each rule that
    matches the alert and notifies no recipient. A recipient is owed nothing if only a digest reported the
    change, and the recipient has since unsubscribed from the rule's digests.
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
    """Return when a reply with all these outcomes is due, and the reason for waiting until then. Like a group
    of changes, a reply waits until no further outcome joins it.
    """
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
    """Build the replies with these outcomes. Recipients who are owed the same outcomes share one reply."""
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
