"""Alerts in words: decisions and mails. Every page takes them from here, so that they agree."""

from storage.model.alerts.alerts import AlertDecision, AlertStage, MailKind, MailState
from storage.model.text.states import clean

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
    "answered": "Answered",
    "unwatched": "Unwatched",
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
    "answered": "sent as a reply to those only who had been notified of it before",
    "unwatched": "the account left the watch before it was sent as provisional",
}
STAGE_NAME = {
    AlertStage.PROVISIONAL: "provisional",
    AlertStage.CONFIRMED: "confirmed",
    AlertStage.WITHDRAWN: "taken back",
    AlertStage.UNRESOLVED: "unresolved",
}
MAIL_STATE = {
    MailState.SENT: "sent",
    MailState.QUEUED: "queued",
    MailState.DEAD: "given up",
    MailState.MERGED: "merged",
}
MAIL_KIND = {
    MailKind.WAVE: "alert",
    MailKind.DIGEST: "digest",
    MailKind.REMINDER: "reminder",
    MailKind.ESCALATION: "escalation",
    MailKind.OPERATOR: "to the operators",
    MailKind.TEST: "test",
    MailKind.ENGAGEMENT: "an executive's act",
    MailKind.REPLY: "reply",
}


def mail_kind(kind: MailKind, subject: str) -> str:
    """What a mail is. A round-up is stored as a digest, and the end of its subject says which it is."""
    _, dash, end = subject.rpartition(" - ")
    return (
        "round-up" if kind is MailKind.DIGEST and dash and end.startswith("round-up, ") else MAIL_KIND[kind]
    )


def decision_name(decision: AlertDecision) -> str:
    return DECISION_NAME[decision.value]


def decision_reason(decision: AlertDecision) -> str:
    """Why, to follow the name."""
    return DECISION_REASON[decision.value]


def actor_words(actor: str) -> str:
    """Who acted. Of a link in a mail only the mail is known, not who pressed it."""
    name = clean(actor, 200)
    return f"a reader of the {name}" if name.startswith("mail to ") else name
