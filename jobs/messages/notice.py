"""Emails about something else than changes of a status: engagements, labels and networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from jobs.messages.compose import Letterhead, message_id
from jobs.messages.webhook_payload import note
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.rules import AlertRule, Severity, is_webhook
from storage.model.text.states import clean

SHOWN = 20
"""The maximum number of items that one email describes. Further ones are only counted."""


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One thing that an email reports, and what is known of it."""

    headline: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoticeContent:
    """What an email reports."""

    kind: MailKind
    headline: str
    items: Sequence[NoticeItem]
    not_claimed: str
    """What must not be concluded from it."""
    as_of: datetime
    keys: Sequence[str]
    """What it reports, by names that are the same in every database: the Message-ID depends on them alone."""
    page: str
    """The page of the dashboard that shows it."""


def notice_draft(
    content: NoticeContent,
    rule: AlertRule,
    recipient: str,
    head: Letterhead,
    unsubscribe_url: str | None = None,
) -> MailDraft:
    """The email to one recipient of a rule. Its Message-ID depends only on what it reports and on the
    recipient. `unsubscribe_url` ends its digests.
    """
    subject = f"{head.mark}{content.headline}"
    url = head.dashboard_url and urljoin(head.dashboard_url, content.page)
    fields = {
        "subject": subject,
        "headline": content.headline,
        "synthetic": head.synthetic,
        "items": content.items[:SHOWN],
        "more": len(content.items[SHOWN:]),
        "not_claimed": content.not_claimed,
        "page_url": url,
        "rule": clean(rule.name),
        "unsubscribe_url": unsubscribe_url,
    }
    ident = message_id(content.keys, (recipient,), head.id_domain)
    text = head.render("notice.txt", fields)
    return MailDraft(
        message_id=ident,
        recipient=recipient,
        subject=subject,
        text_body=text,
        html_body=head.render("notice.html", fields),
        kind=content.kind,
        urgent=rule.severity is Severity.CRITICAL,
        payload=note(
            kind=content.kind,
            message_id=ident,
            headline=subject,
            text=text,
            rule=rule.name,
            severity=rule.severity,
            as_of=content.as_of,
            synthetic=head.synthetic,
            url=url,
        )
        if is_webhook(recipient)
        else None,
        unsubscribe_url=unsubscribe_url,
    )
