"""Alerts in words: decisions and emails. Every page takes them from here, so that they agree."""

from storage.model.alerts.alerts import AlertDecision, AlertStage, MailKind, MailState
from storage.model.text.states import clean

DECISION_NAME = {
    "mailed": "Sent",
    "grouped": "Grouped",
    "waiting": "Waiting",
    "spaced": "Spaced",
    "quiet": "Quiet hours",
    "digest": "Digest",
    "muted": "Muted",
    "maintenance": "Maintenance",
    "unreachable": "Unreachable",
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
    "mailed": "sent in an email of its own",
    "grouped": "sent in one email with its group of changes, or in a digest",
    "waiting": "more changes of its group may follow",
    "spaced": "its incident was reported recently; it goes into the next update",
    "quiet": "the rule delays alerts in these hours",
    "digest": "it goes into the next digest or catch-up digest",
    "muted": "the account or its list is muted",
    "maintenance": "a maintenance window covers it",
    "unreachable": "most measurements from its countries did not reach the platform",
    "duplicate": "an earlier rule notified the same people",
    "no_rule": "no rule matches it",
    "no_recipient": "the rule names no recipient",
    "flapping": "the account changes back and forth, and one email reported that",
    "unsubscribed": "all recipients of its digest have unsubscribed",
    "superseded": "it was confirmed before it was sent as provisional",
    "corrected": "a later reading shows that it did not happen, or not yet",
    "answered": "sent as a reply, only to people notified before",
    "unwatched": "the account was no longer watched before it was sent as provisional",
}
STAGE_NAME = {
    AlertStage.PROVISIONAL: "provisional",
    AlertStage.CONFIRMED: "confirmed",
    AlertStage.WITHDRAWN: "withdrawn",
    AlertStage.UNRESOLVED: "unresolved",
}
MAIL_STATE = {
    MailState.SENT: "sent",
    MailState.QUEUED: "queued",
    MailState.DEAD: "failed",
    MailState.MERGED: "merged",
}
MAIL_KIND = {
    MailKind.WAVE: "alert",
    MailKind.DIGEST: "digest",
    MailKind.REMINDER: "reminder",
    MailKind.ESCALATION: "escalation",
    MailKind.OPERATOR: "operator email",
    MailKind.TEST: "test",
    MailKind.ENGAGEMENT: "engagement",
    MailKind.LABELS: "labels",
    MailKind.NETWORKS: "networks",
    MailKind.REPLY: "reply",
    MailKind.END: "end of an incident",
}


def mail_kind(kind: MailKind, subject: str) -> str:
    """What an email is. A catch-up digest is stored as a digest; the end of its subject tells them apart."""
    _, dash, end = subject.rpartition(" - ")
    return (
        "catch-up digest"
        if kind is MailKind.DIGEST and dash and end.startswith("round-up, ")
        else MAIL_KIND[kind]
    )


def decision_name(decision: AlertDecision) -> str:
    return DECISION_NAME[decision.value]


def decision_reason(decision: AlertDecision) -> str:
    """Why, to follow the name."""
    return DECISION_REASON[decision.value]


def actor_words(actor: str) -> str:
    """Who acted. A link in an email identifies the email only, not the person who used it."""
    name = clean(actor, 200)
    return f"a reader of the {name}" if name.startswith("mail to ") else name
