"""Alerts in words: decisions, rules, mails. Every page takes them from here, so that they agree."""

from collections.abc import Iterable

from storage.model.accounts import Platform
from storage.model.alerts import AlertDecision, AlertStage, MailKind, MailState
from storage.model.availability import ChangeKind
from storage.model.rule_form import duration_text
from storage.model.rules import TOLD_BY_DEFAULT, AlertRule, Digest, Match, Severity
from storage.model.words import PLATFORM_NAME, capital, clean

DECISION_NAME = {
    "mailed": "Mailed",
    "grouped": "Grouped",
    "waiting": "Waiting",
    "spaced": "Spaced",
    "quiet": "Quiet hours",
    "digest": "For the digest",
    "muted": "Muted",
    "maintenance": "Maintenance",
    "duplicate": "Duplicate",
    "no_rule": "No rule",
    "no_recipient": "No recipient",
    "flapping": "Flapping",
    "unsubscribed": "Unsubscribed",
    "superseded": "Superseded",
    "corrected": "Corrected",
}
DECISION_REASON = {
    "mailed": "told in a mail of its own",
    "grouped": "told in one mail with the rest of its wave, or in a digest",
    "waiting": "its wave may still grow",
    "spaced": "its story was told lately; it goes into the next update",
    "quiet": "the rule is silent at these hours",
    "digest": "it goes into the next digest or round-up",
    "muted": "somebody muted the account or its list",
    "maintenance": "a maintenance window covers it",
    "duplicate": "an earlier rule told the same people",
    "no_rule": "no rule is about it",
    "no_recipient": "the rule names nobody",
    "flapping": "the account goes back and forth, and one mail said so",
    "unsubscribed": "it was for a digest that none of its recipients wants",
    "superseded": "it was confirmed before it was told as provisional",
    "corrected": "a later reading shows that it was not so, or not yet",
}
STAGE_NAME = {
    AlertStage.PROVISIONAL: "provisional",
    AlertStage.CONFIRMED: "confirmed",
    AlertStage.WITHDRAWN: "taken back",
}
MAIL_STATE = {MailState.SENT: "sent", MailState.QUEUED: "queued", MailState.DEAD: "given up"}
MAIL_KIND = {
    MailKind.WAVE: "alert",
    MailKind.DIGEST: "digest",
    MailKind.REMINDER: "reminder",
    MailKind.ESCALATION: "escalation",
    MailKind.OPERATOR: "to the operators",
    MailKind.TEST: "test",
    MailKind.ENGAGEMENT: "an executive's act",
}
_KIND = {
    ChangeKind.BASELINE: "first readings",
    ChangeKind.BLOCK: "blocks",
    ChangeKind.RESTORATION: "restorations",
    ChangeKind.PARTIAL: "changes of countries",
    ChangeKind.PROTECTION: "protection by the owner",
    ChangeKind.GONE: "accounts that are gone",
    ChangeKind.RETURN: "accounts found again",
}
_DIGEST = {Digest.DAILY: "one digest a day", Digest.WEEKLY: "one digest a week, on Mondays"}


def decision_name(decision: AlertDecision) -> str:
    return DECISION_NAME[decision.value]


def decision_reason(decision: AlertDecision) -> str:
    """Why, to follow the name."""
    return DECISION_REASON[decision.value]


def actor_words(actor: str) -> str:
    """Who acted. Of a link in a mail only the mail is known, not who pressed it."""
    name = clean(actor, 200)
    return f"a reader of the {name}" if name.startswith("mail to ") else name


def match_words(match: Match) -> str:
    """Which changes a rule is about: "Blocks, of accounts on Press, on X, with at least 10,000 followers"."""
    kinds = (
        "every change but first readings and owners' settings"
        if match.kinds == TOLD_BY_DEFAULT
        else _kinds(match.kinds)
    )
    parts = [
        _any("of accounts on ", match.lists),
        _any("under ", match.orders),
        _any("on ", [PLATFORM_NAME[p] for p in Platform if p in match.platforms]),
        _any("in ", match.countries),
        _any("tagged ", match.tags),
        "" if match.min_followers is None else f"with at least {match.min_followers:,} followers",
        "of executives" if match.executives else "",
        "already when provisional" if match.provisional else "",
    ]
    return capital(", ".join([kinds, *(p for p in parts if p)]))


def manner_words(rule: AlertRule) -> list[str]:
    """How a rule tells, a line each."""
    zone = "" if rule.zone == "UTC" else f" {rule.zone}"
    at = f"{rule.digest_at:%H:%M}{zone or ' UTC'}"
    if rule.digest is Digest.NONE:
        lines = [f"at once; what is no news in a round-up at {at}"]
    else:
        lines = [f"{_DIGEST[rule.digest]} at {at}"]
    if rule.engagement:
        lines.append("also when an executive engages with an account that an order names")
    if rule.severity is Severity.CRITICAL:
        lines.append("severity critical, which quiet hours do not keep back")
    elif rule.severity is not Severity.WARNING:
        lines.append(f"severity {rule.severity.value}")
    if rule.quiet is not None:
        lines.append(f"quiet from {rule.quiet.begins:%H:%M} to {rule.quiet.ends:%H:%M}{zone or ' UTC'}")
    if rule.remind_every is not None:
        lines.append(f"asks again every {duration_text(rule.remind_every)}")
    if rule.escalate_after is not None:
        whom = ", ".join(rule.escalate_to)
        lines.append(f"tells {whom} when nobody acknowledged for {duration_text(rule.escalate_after)}")
    return lines


def _kinds(kinds: Iterable[ChangeKind]) -> str:
    wanted = set(kinds)
    return " and ".join(_KIND[k] for k in ChangeKind if k in wanted) or "nothing"


def _any(before: str, names: Iterable[str]) -> str:
    """One of the names is enough."""
    known = [clean(name, 80) for name in sorted(names)]
    return before + " or ".join(known) if known else ""
