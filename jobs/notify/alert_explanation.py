"""What each rule did with the alerts of a change, and why, as text and as JSON. Pure.

Past decisions are the stored ones. Whether a rule matches is computed with the present rules, lists and tags.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.alerting.mismatch_reasons import Unmatched, unmatched
from jobs.base.wording import account_name, minute
from jobs.messages.wave_content import late_words, phrase_with_certainty
from storage.model.alerts.alerts import MailKind, MailState
from storage.model.alerts.history import AlertHistory, ChangeFacts, RuleDecision, SentMail
from storage.model.alerts.rule_words import DECISION_WORDS
from storage.model.alerts.rules import AlertRule, StoredRule
from storage.model.core.availability import ChangeKind
from storage.model.text.states import clean


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule did with one alert."""

    rule: str | None
    """The rule's name; None for a decision that belongs to no single rule."""
    decided: RuleDecision | None
    """The stored decision; None if there is none."""
    mails: tuple[SentMail, ...]
    matches: bool
    """Whether the rule, as it is now, matches the alert."""
    unmatched: Unmatched | None
    """Why the rule does not match. None if the rule matches or was removed."""


@dataclass(frozen=True, slots=True)
class AlertExplanation:
    """One alert of a change, with the verdict of every rule."""

    history: AlertHistory
    verdicts: tuple[RuleVerdict, ...]


def explain(history: AlertHistory, rules: Sequence[StoredRule]) -> AlertExplanation:
    """Return the verdict of every rule, in order. Verdicts of removed rules that decided about the alert
    follow.
    """
    known = {stored.rule_id for stored in rules}
    verdicts = [_verdict(history, stored) for stored in rules]
    verdicts += [_gone(history, d) for d in history.decisions if d.rule_id not in known]
    return AlertExplanation(history, tuple(verdicts))


def why_no_alert(facts: ChangeFacts) -> str:
    """Return a sentence that says why a change has no alert."""
    if facts.kind is ChangeKind.BASELINE:
        return (
            "It is the first state that was seen of its account, or of its account in a country, not a "
            "change. First states are never sent."
        )
    if facts.is_imported:
        return "It comes from a record that others published. Such changes are never sent."
    if facts.outcome is None:
        return "It is not confirmed yet, and no rule asked for provisional changes when it was seen."
    if facts.outcome == "confirmed":
        return "It is confirmed, but has no alert: it was recorded in a way that sends none."
    return "It was not confirmed, and no rule asked for provisional changes."


def sentences(found: AlertExplanation) -> list[str]:
    """Describe what became of one alert, one line per item. Lines about a rule are indented."""
    alert = found.history.alert
    summary = f"{account_name(alert.change.platform, alert.change.handle)} {phrase_with_certainty(alert)}"
    out = [f"{alert.stage.value.capitalize()} on {minute(alert.created_at)}: {summary}."]
    for verdict in found.verdicts:
        out.append(f"  {_name(verdict)}: {_said(verdict, found.history)}.")
        out += [
            f"    {line}."
            for line in (*_particulars(verdict, found.history), *map(_mail_line, verdict.mails))
        ]
    if not found.history.decisions and found.history.decision is not None:
        out.append(
            f"  For all rules: {DECISION_WORDS[found.history.decision]}{_on(found.history.decided_at)}."
        )
        out += [f"    {_mail_line(mail)}." for mail in found.history.mails]
    return out


def as_json(found: AlertExplanation) -> dict[str, object]:
    history = found.history
    return {
        "alert": history.alert.alert_id,
        "stage": history.alert.stage.value,
        "at": history.alert.created_at.isoformat(),
        "decision": history.decision and history.decision.value,
        "decided_at": _iso(history.decided_at),
        "rules": [_verdict_json(verdict, history) for verdict in found.verdicts],
        "mails": [_mail_json(mail) for mail in history.mails],
    }


def _verdict(history: AlertHistory, stored: StoredRule) -> RuleVerdict:
    decided = next((d for d in history.decisions if d.rule_id == stored.rule_id), None)
    why = unmatched(history.alert, stored)
    mails = () if decided is None else _mails_of(decided, history.mails, stored.rule)
    return RuleVerdict(stored.rule.name, decided, mails, why is None, why)


def _gone(history: AlertHistory, decided: RuleDecision) -> RuleVerdict:
    return RuleVerdict(
        decided.rule, decided, _mails_of(decided, history.mails, None), matches=False, unmatched=None
    )


def _mails_of(
    decided: RuleDecision, mails: Iterable[SentMail], rule: AlertRule | None
) -> tuple[SentMail, ...]:
    """Return the emails in which a rule reported the alert. Empty if the rule sent nothing.

    Only emails written at `decided_at` are considered. First choice: the emails of the rule's incident.
    Second choice: the digests to any of the rule's recipients. Third choice: all digests.
    """
    if not decided.decision.is_sent:
        return ()
    written = [m for m in mails if m.created_at == decided.decided_at]
    own = [m for m in written if m.story_key is not None and m.story_key == decided.story_key]
    if not own:
        own = [m for m in written if m.story_key is None]
        people = set(rule.recipients) if rule is not None else set[str]()
        own = [m for m in own if people.intersection(m.recipients)] or own
    return tuple(own)


def _name(verdict: RuleVerdict) -> str:
    return "No rule" if verdict.rule is None else f"Rule {clean(verdict.rule, 80)}"


def _said(verdict: RuleVerdict, history: AlertHistory) -> str:
    decided = verdict.decided
    if decided is not None:
        words = DECISION_WORDS[decided.decision]
        if decided.decided_at is None:
            return words if decided.until is None else f"{words}; kept until {minute(decided.until)}"
        decided_on = _on(decided.decided_at)
        return f"{words}{decided_on}" if decided.decision.is_sent else f"{words}; decided{decided_on}"
    if verdict.unmatched is not None:
        return f"does not match ({verdict.unmatched.words})"
    if history.decided_at is None:
        return "matches; nothing is decided yet"
    return f"matches as it is now, but decided nothing before the alert was closed{_on(history.decided_at)}"


def _late(verdict: RuleVerdict, history: AlertHistory) -> str | None:
    """Return words that say why an alert was sent late: its account was added to the order or list late. None
    for any other alert, and for an alert in a digest.
    """
    decided = verdict.decided
    if decided is None or not any(mail.kind is MailKind.WAVE for mail in verdict.mails):
        return None
    alert = history.alert
    cohort = next((c for c in alert.cohorts if c.list_id == decided.list_id), None)
    joined = None if cohort is None else alert.joined.get(cohort.list_id)
    if joined is None or decided.decided_at is None or decided.decided_at < joined.at:
        return None
    return late_words([alert], cohort, "UTC", "then")


def _particulars(verdict: RuleVerdict, history: AlertHistory) -> list[str]:
    decided = verdict.decided
    if decided is None:
        return []
    out: list[str] = []
    if decided.muted_by is not None:
        note = f" ({clean(decided.mute_note, 200)})" if decided.mute_note else ""
        out.append(f"Muted by {clean(decided.muted_by)}{note}")
    if decided.story_key is not None:
        waves = sorted({mail.wave for mail in verdict.mails if mail.wave is not None})
        wave = f", group {waves[0]}" if waves else ""
        out.append(f"Incident {decided.story_key[:12]}{wave}")
    if (late := _late(verdict, history)) is not None:
        out.append(late)
    if verdict.unmatched is not None:
        out.append(f"As it is now, the rule does not match ({verdict.unmatched.words})")
    return out


def _mail_line(mail: SentMail) -> str:
    to = ", ".join(clean(r, 200) for r in mail.recipients)
    match mail.state:
        case MailState.SENT:
            fate = f"sent{_on(mail.sent_at)}"
        case MailState.QUEUED:
            fate = "waits to be sent"
            if mail.next_attempt_at is not None:
                fate += f", next on {minute(mail.next_attempt_at)}"
        case MailState.DEAD:
            fate = "failed permanently"
        case MailState.MERGED:
            fate = f"merged into email {mail.merged_into} before any server accepted it"
    error = "" if mail.last_error is None else f" ({clean(mail.last_error, 200).rstrip('.')})"
    return f"Email {mail.mail_id} to {to}: {fate}{error}"


def _on(at: datetime | None) -> str:
    return "" if at is None else f" on {minute(at)}"


def _verdict_json(verdict: RuleVerdict, history: AlertHistory) -> dict[str, object]:
    decided, why = verdict.decided, verdict.unmatched
    return {
        "rule": verdict.rule,
        "matches": verdict.matches,
        "unmatched": why and {"condition": why.condition.value, "words": why.words},
        "decision": decided and decided.decision.value,
        "decided_at": decided and _iso(decided.decided_at),
        "until": decided and _iso(decided.until),
        "mute": {"by": decided.muted_by, "note": decided.mute_note} if decided and decided.muted_by else None,
        "story": decided and decided.story_key,
        "late": _late(verdict, history),
        "mails": [mail.mail_id for mail in verdict.mails],
    }


def _mail_json(mail: SentMail) -> dict[str, object]:
    return {
        "mail": mail.mail_id,
        "kind": mail.kind.value,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "story": mail.story_key,
        "wave": mail.wave,
        "state": mail.state.value,
        "created_at": mail.created_at.isoformat(),
        "sent_at": _iso(mail.sent_at),
        "next_attempt_at": _iso(mail.next_attempt_at),
        "last_error": mail.last_error,
        "merged_into": mail.merged_into,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
