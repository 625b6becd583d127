"""From a wave of changes to the words of one mail, and from a stored mail to the message that goes out.

The same wave makes the same mail on every machine: its Message-ID comes from the changes and the
recipients, never from numbers that a database hands out, so that a repeat is recognised as one.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import urljoin

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from jobs import caveats, digest
from jobs.policy import AlertRule, Wave
from jobs.wording import handle_name, minute, number, zone_note
from storage.model.accounts import Platform
from storage.model.alerts import Mail, MailDraft, Standing
from storage.model.collector_words import WAIT, collector_name, to_do, why_words
from storage.model.words import PLATFORM_NAME, clean, of_many

TOPICS_IN_SUBJECT = 3

_templates = Environment(
    loader=PackageLoader("jobs", "templates"),
    autoescape=select_autoescape(enabled_extensions=("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all mails of one installation have in common."""

    dashboard_url: str | None = None
    synthetic: bool = False
    """The accounts are invented: every mail then says so, in its subject too."""
    id_domain: str = "blockline.invalid"
    """Right half of the Message-IDs. A repeat of a mail is only recognised while it stays the same."""
    operators: tuple[str, ...] = ()
    """Who is told that a collector stopped."""


class Stopped(Protocol):
    """A collector that gives nothing, as it is on record."""

    @property
    def platform(self) -> Platform: ...
    @property
    def place(self) -> str: ...
    @property
    def vantage(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def detail(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def retry_at(self) -> datetime | None: ...


def compose(wave: Wave, standing: Standing | None, rule: AlertRule, head: Letterhead) -> MailDraft:
    """The mail that tells of `wave`, with `standing` of its cohort as known at `wave.as_of`."""
    to = tuple(sorted(set(rule.recipients)))
    title = subject(wave, head)
    content = {
        "number": number,
        "subject": title,
        "headline": _headline(wave),
        "cohort": digest.cohort_name(wave.cohort),
        "synthetic": head.synthetic,
        "cohort_lines": digest.cohort_lines(wave, standing),
        "other_lists": digest.other_lists(wave),
        "counts": digest.counts(wave, standing),
        "sections": digest.sections(wave, rule.zone),
        "flap_phrase": digest.flap_phrase(wave.flaps) if wave.flaps else None,
        "flap_accounts": len(wave.flaps),
        "flap_days": number(max(1, rule.flapping_period.days), "day"),
        "flaps": digest.flap_stories(wave, rule.zone),
        "unknown": caveats.unknown(wave),
        "not_claimed": caveats.not_claimed(wave),
        "zone_note": zone_note(rule.zone, wave.as_of),
        "dashboard_url": head.dashboard_url,
    }
    return MailDraft(
        message_id=message_id((a.change.change_key for a in wave.alerts), to, head.id_domain),
        recipients=to,
        subject=title,
        text_body=_templates.get_template("mail.txt").render(content),
        html_body=_templates.get_template("mail.html").render(content),
    )


def subject(wave: Wave, head: Letterhead) -> str:
    """What happened to whom and in which cohort, on one line."""
    mark = "Synthetic scenario: " if head.synthetic else ""
    return f"{mark}{_headline(wave)} — {digest.cohort_name(wave.cohort)}"


def _headline(wave: Wave) -> str:
    """`12 accounts withheld in India (IN), 3 suspended`, or `@handle suspended` when it is about one."""
    told = [(len({a.change.account_id for a in alerts}), text) for text, alerts in digest.topics(wave)]
    if wave.flaps:
        told.insert(0, (len(wave.flaps), digest.flap_phrase(wave.flaps)))
    if len({a.change.account_id for a in wave.alerts}) == 1:
        name = handle_name(wave.alerts[-1].change.handle)
        return f"{name} {', '.join(text for _, text in told)}"
    if len(told) > TOPICS_IN_SUBJECT:
        rest = sum(n for n, _ in told[TOPICS_IN_SUBJECT - 1 :])
        told = [*told[: TOPICS_IN_SUBJECT - 1], (rest, "changed otherwise")]
    (n, text), *more = [(n, text if n == 1 else of_many(text)) for n, text in told]
    return ", ".join([f"{number(n, 'account')} {text}", *(f"{m:,} {t}" for m, t in more)])


def operator_mail(state: Stopped, head: Letterhead) -> MailDraft:
    """The mail to the operators about a platform that is not read from here: since when, why, what to do.

    The same stop makes the same mail, so that it is told once however often it is noticed.
    """
    to = tuple(sorted(set(head.operators)))
    name = collector_name(state.platform, state.place, state.vantage)
    headline = f"the {name} collector stopped ({why_words(state.reason)})"
    title = f"{'Synthetic scenario: ' if head.synthetic else ''}Blockline: {headline}"
    facts = [
        ("Since", minute(state.since)),
        ("It says", clean(state.detail, 400) if state.detail else "nothing"),
    ]
    if state.retry_at is not None:
        facts.append(("Tries again", minute(state.retry_at)))
    content = {
        "subject": title,
        "headline": f"{headline[0].upper()}{headline[1:]}",
        "synthetic": head.synthetic,
        "facts": facts,
        "to_do": to_do(state.platform, state.reason) or WAIT,
        "meanwhile": [
            f"Nothing of {PLATFORM_NAME[state.platform]} is read, so no status changes: no account is called "
            "blocked, none restored.",
            "The time until it works again is kept as not checked.",
            "It tries again by itself. No further mail tells of this stop.",
        ],
        "health_url": head.dashboard_url and urljoin(head.dashboard_url, "/health"),
    }
    fact = ":".join((state.platform.value, state.place, state.vantage, state.since.isoformat()))
    return MailDraft(
        message_id=message_id((fact,), to, head.id_domain),
        recipients=to,
        subject=title,
        text_body=_templates.get_template("operator.txt").render(content),
        html_body=_templates.get_template("operator.html").render(content),
    )


def message_id(facts: Iterable[str], recipients: Iterable[str], domain: str) -> str:
    """The same facts told to the same people have the same id, whoever computes it and in whatever order."""
    told = "\n".join(sorted(facts)) + "\n\n" + "\n".join(sorted(recipients))
    return f"<{hashlib.sha256(told.encode()).hexdigest()[:40]}@{domain}>"


def message(mail: Mail, sender: str) -> EmailMessage:
    """The message of a stored mail: the same bytes at every attempt."""
    out = EmailMessage(policy=SMTP)
    out["From"] = sender
    out["To"] = ", ".join(mail.recipients)
    out["Subject"] = mail.subject
    out["Date"] = format_datetime(mail.created_at)
    out["Message-ID"] = mail.message_id
    out["Auto-Submitted"] = "auto-generated"
    out.set_content(mail.text_body, cte="quoted-printable")
    out.add_alternative(mail.html_body, subtype="html", cte="quoted-printable")
    # The library would draw a boundary by chance, and a repeat would differ from the first mail.
    out.set_boundary("=_" + hashlib.sha256(mail.message_id.encode()).hexdigest()[:32])
    return out
