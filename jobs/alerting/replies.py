"""Replies: emails that report the outcome of a change to recipients whom no rule notifies of the outcome.
Pure.

Every recipient who was notified of a change is notified of its outcome. This is so even if the rule was
disabled, edited or muted since, or no longer matches. A recipient's reply contains only outcomes of changes
that the recipient was sent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.alerts.alerts import AlertDecision, AlertRow, Cohort
from storage.model.alerts.quiet_hours import quiet_until
from storage.model.alerts.rules import Digest, Severity, StoredRule


class ReplyReason(StrEnum):
    """Why the rule that reported a change does not report the outcome to a recipient. The recipient is sent a
    reply instead.
    """

    RULE_OFF = "rule_off"
    """The rule is disabled or was removed."""
    RECIPIENT_LEFT = "recipient_left"
    """The rule now has other recipients."""
    NOT_MATCHED = "not_matched"
    """The rule no longer matches the account or the change."""
    GATHERED = "gathered"
    """The rule sent this change at once, and has been changed to a digest since."""
    MUTED = "muted"
    UNREACHABLE = "unreachable"
    """The networks of the change's countries do not reach the platform, and the rule sends none meanwhile."""
    FLAPPING = "flapping"
    """The account is flapping, so the rule does not send the outcome."""
    SILENT = "silent"
    """The rule decided earlier not to send the outcome."""


@dataclass(frozen=True, slots=True)
class Owed:
    """The outcome of one change, and the recipients of one rule who get a reply about it."""

    alert: AlertRow
    recipients: tuple[str, ...]
    reasons: frozenset[ReplyReason]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. Each recipient is sent a separate email with the same content."""

    stored: StoredRule
    """The rule that notified the recipients of the change."""
    recipients: tuple[str, ...]
    cohort: Cohort | None
    alerts: tuple[AlertRow, ...]
    reasons: frozenset[ReplyReason]
    due: datetime
    undecided: tuple[int, ...]
    """The ids of the `alerts` that the rule itself does not send. For these, `AlertDecision.ANSWERED` is
    stored as the rule's decision.
    """


def owed(
    alert: AlertRow,
    reached: Collection[str],
    silences: Mapping[int, AlertDecision],
    rules: Mapping[int, StoredRule],
) -> dict[int, Owed]:
    """Return the recipients who get a reply about this alert, by the id of the rule that reported the change.

    Recipients in `reached` get no reply: a rule notifies them of the outcome. If only digests reported the
    change, recipients who unsubscribed from the rule's digests get no reply either. `silences` holds the
    decisions of the rules that match the alert but do not send it.
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
    if silences.get(stored.rule_id) is AlertDecision.UNREACHABLE:
        return ReplyReason.UNREACHABLE
    if stored.rule.digest is not Digest.NONE:
        return ReplyReason.GATHERED
    return ReplyReason.SILENT if stored.rule_id in alert.done else ReplyReason.NOT_MATCHED


def due_at(stored: StoredRule, members: Sequence[Owed]) -> tuple[datetime, AlertDecision]:
    """Return when a reply with these outcomes is due, and the reason for waiting until then. The reply waits
    for further outcomes, like a group of changes, and for the end of the quiet hours.
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
    """Return the replies with these outcomes. Recipients of the same outcomes share one reply."""
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
