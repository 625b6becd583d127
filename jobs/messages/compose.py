"""From a wave of changes to the words of one mail, and from a stored mail to the message that goes out.

The same wave makes the same mail on every machine: its Message-ID comes from the changes and the
recipients, never from numbers that a database hands out, so that a repeat is recognised as one.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote, urljoin

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    select_autoescape,
)

from dashboard.auth.signed_links import Link, LinkAction, token
from jobs.alerting.policy import AlertGroup, after
from jobs.alerting.replies import Reply, ReplyReason
from jobs.alerting.waves import facts, opening_key
from jobs.base.wording import handle_name, minute, number, zone_note
from jobs.messages import caveats, cohort_counts, wave_content
from jobs.messages.wave_content import cohort_name, late_words
from jobs.messages.webhook_payload import payload
from storage.model.alerts.alerts import (
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    ListStatus,
    Mail,
    MailDraft,
    MailKind,
)
from storage.model.alerts.rules import Severity, is_channel, is_webhook
from storage.model.text.states import capital, clean, of_many
from storage.model.text.target_counts import TargetCount

TOPICS_IN_SUBJECT = 3

REFERENCES = 10
WIRE = SMTP.clone(max_line_length=200)
"""How messages are written out: the library adds a blank where it folds a subject, so few are folded."""
log = logging.getLogger(__name__)


@cache
def environment(folder: Path | None) -> Environment:
    """Where templates are found: in a folder of theirs first, if they have one, and then among ours."""
    ours = PackageLoader("jobs.messages")
    return Environment(
        loader=ours if folder is None else ChoiceLoader([FileSystemLoader(folder), ours]),
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
    """Who is told of the monitor's own troubles."""
    link_key: bytes | None = None
    """What signs the links that act for their reader; without it there are none. A notifier reads it in each
    transaction that stores emails, because the key may be rotated at any time.
    """
    templates: Path | None = None
    """A folder whose templates take the place of ours of the same name."""
    has_pages: bool = True
    """Its mails have pages on the dashboard; those on trial have none."""
    sweep_every: timedelta = timedelta(minutes=15)
    """How often every account is read: what counts as late depends on it."""

    @property
    def mark(self) -> str:
        """What a subject begins with: that the accounts are invented, or nothing."""
        return "Synthetic scenario: " if self.synthetic else ""

    def render(self, name: str, content: Mapping[str, object]) -> str:
        """A text from its template. One of theirs that fails gives way to ours: no alert is lost over it."""
        if self.templates is not None:
            try:
                return environment(self.templates).get_template(name).render(content)
            except Exception as error:  # noqa: BLE001 - a template can do anything wrong that code can
                log.warning(
                    "Template %s failed, so the built-in one is used: %s",
                    self.templates / name,
                    error,
                    extra={"event": "template_failed", "template": name},
                )
        return environment(None).get_template(name).render(content)

    def prepare(self) -> None:
        """Compile the templates that most mails need, so that the first one in haste need not wait."""
        for name in ("mail.txt", "mail.html"):
            environment(None).get_template(name)

    def link(self, link: Link) -> str | None:
        """The address behind which a reader can act; None where there is no dashboard to go to."""
        if self.link_key is None or self.dashboard_url is None or is_channel(link.recipient):
            return None
        return urljoin(self.dashboard_url, f"/mail-link/{token(self.link_key, link)}")


@dataclass(frozen=True, slots=True)
class ReplyThread:
    """The mails of a story that one recipient got before, by their Message-IDs, oldest first."""

    ids: tuple[str, ...] = ()
    as_of: datetime | None = None
    """What was known then is the last that he was told; None: all that was told before."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The timeline of the story, and what it shows in words."""

    png: bytes
    alternative: str


def story_key(wave: AlertGroup) -> str:
    """The name of a wave's story: the same on every machine, since it comes from what opened it."""
    if wave.story is not None:
        return wave.story.story_key
    return opening_key(wave.rule.name, wave.recipients, wave.alerts)


def compose(
    wave: AlertGroup,
    status: ListStatus | None,
    head: Letterhead,
    recipient: str,
    thread: ReplyThread = ReplyThread(),
    picture: Picture | None = None,
    incident: AlertThread | None = None,
) -> MailDraft:
    """What one recipient is told of `wave`, with `status` of its cohort as known at `wave.as_of`.

    `incident` is the incident up to the newest group that this email reports. None means that `wave` is this
    group; pass it if `wave` joins several.
    """
    upto = incident or replace(after(wave), story_key=story_key(wave))
    acknowledge = head.link(acknowledge_link(upto.story_key, len(upto.waves), recipient, wave.closed_at))
    return _draft(
        wave,
        status,
        head,
        recipient,
        thread,
        MailKind.WAVE,
        preface=_since_last(wave, thread),
        picture=picture,
        acknowledge=acknowledge,
        incident=upto.story_key if head.has_pages else None,
    )


def acknowledge_link(incident: str, group: int, recipient: str, at: datetime) -> Link:
    """Return the link that acknowledges an incident up to this group. Its lifetime counts from `at`, which
    must be a time in the report and not the clock.
    """
    return Link(LinkAction.ACKNOWLEDGE, incident, recipient, at, group)


def compose_reply(reply: Reply, head: Letterhead, recipient: str) -> MailDraft:
    """What one recipient is told of changes that an earlier mail told, in the thread of that mail."""
    wave = as_wave(reply)
    ids = (alert.owed[recipient].message_id for alert in reply.alerts)
    thread = ReplyThread(tuple(dict.fromkeys(i for i in ids if i is not None)))
    return _draft(wave, None, head, recipient, thread, MailKind.REPLY, preface=_why_told(reply))


def as_wave(reply: Reply) -> AlertGroup:
    """A reply as a wave that opens no story, for what words are made of."""
    return AlertGroup(reply.stored, reply.recipients, reply.cohort, reply.alerts, (), reply.due, None)


def _draft(
    wave: AlertGroup,
    status: ListStatus | None,
    head: Letterhead,
    recipient: str,
    thread: ReplyThread,
    kind: MailKind,
    *,
    preface: str | None,
    picture: Picture | None = None,
    acknowledge: str | None = None,
    incident: str | None = None,
) -> MailDraft:
    rule = wave.rule
    ident = message_id(facts(wave.alerts), (recipient,), head.id_domain)
    wave = wave_content.settled(wave)
    headline = headline_of(wave, status)
    title = subject_of(wave, headline, head, kind)
    content = {
        "number": number,
        "subject": title,
        "headline": headline,
        "cohort": wave_content.cohort_name(wave.cohort),
        "synthetic": head.synthetic,
        "cohort_lines": _cohort_lines(wave, status),
        "since_last": preface,
        "other_lists": wave_content.other_lists(wave),
        "counts": cohort_counts.counts(wave, status),
        "picture": picture and picture.alternative,
        "sections": wave_content.sections(wave, rule.zone),
        "flap_phrase": wave_content.flap_phrase(wave.flaps) if wave.flaps else None,
        "flap_count": wave_content.count_of(f.alert for f in wave.flaps),
        "flap_days": number(max(1, rule.flapping_period.days), "day"),
        "flaps": wave_content.flap_stories(wave, rule.zone),
        "unknown": caveats.unknown(wave),
        "not_claimed": caveats.not_claimed(wave),
        "zone_note": zone_note(rule.zone, wave.as_of),
        "dashboard_url": head.dashboard_url,
        "account_url": head.dashboard_url and urljoin(head.dashboard_url, "/account/"),
        "places": places(
            head.dashboard_url,
            wave.cohort,
            {a.change.account_id: a.change.is_post for a in wave.alerts},
            ident if head.has_pages else None,
            incident,
        ),
        "acknowledge_url": acknowledge,
        "rule": clean(rule.name),
    }
    return MailDraft(
        message_id=ident,
        recipient=recipient,
        subject=title,
        text_body=head.render("mail.txt", content),
        html_body=head.render("mail.html", content),
        kind=kind,
        in_reply_to=thread.ids[-1] if thread.ids else None,
        # The first and the newest are enough for a thread, and a header has an end.
        reference_ids=tuple(dict.fromkeys((*thread.ids[:1], *thread.ids[-REFERENCES:]))),
        urgent=rule.severity is Severity.CRITICAL,
        picture=picture and picture.png,
        payload=payload(
            wave,
            status,
            kind=kind,
            message_id=ident,
            headline=title,
            synthetic=head.synthetic,
            url=head.dashboard_url,
        )
        if is_webhook(recipient)
        else None,
    )


def subject_of(wave: AlertGroup, headline: str, head: Letterhead, kind: MailKind = MailKind.WAVE) -> str:
    """What happened to whom and in which cohort, on one line."""
    mark = head.mark
    marks = {_mark(a) for a in wave.alerts}
    if len(marks) == 1 and None not in marks:
        mark += f"{marks.pop()}: "
    elif marks == {None} and kind is MailKind.REPLY:
        mark += "Confirmed: "
    elif wave.story is not None or kind is MailKind.REPLY:
        mark += "Update: "
    return f"{mark}{headline} - {wave_content.cohort_name(wave.cohort)}"


def _mark(alert: AlertRow) -> str | None:
    """How certain it is, before a subject; None of what is confirmed."""
    match alert.stage:
        case AlertStage.CONFIRMED:
            return None
        case AlertStage.PROVISIONAL:
            return "Provisional"
        case AlertStage.UNRESOLVED:
            return "Unresolved"
        case AlertStage.WITHDRAWN:
            return "Taken back"


def headline_of(wave: AlertGroup, status: ListStatus | None) -> str:
    """`204 of 257 accounts withheld in India (IN)`, `12 accounts available again, 3 suspended`,
    `3 accounts and 2 posts suspended`, or `@handle suspended` when it is about one.
    """
    by_topic = wave_content.course_topics(wave)
    phrases = [(topic.count, topic.phrase) for topic in by_topic]
    if wave.flaps:
        flapping = wave_content.count_of(f.alert for f in wave.flaps)
        phrases.insert(0, (flapping, wave_content.flap_phrase(wave.flaps)))
    if len({a.change.account_id for a in wave.alerts}) == 1:
        name = handle_name(wave.alerts[-1].change.handle)
        return f"{name} {', '.join(text for _, text in phrases)}"
    if len(phrases) == 1 and not wave.flaps and len(by_topic[0].alerts) == len(wave.alerts):
        topic = by_topic[0]
        if whole := _of_the_order(wave, status, topic.phrase, topic.alerts):
            return whole
    if len(phrases) > TOPICS_IN_SUBJECT:
        rest = sum((count for count, _ in phrases[TOPICS_IN_SUBJECT - 1 :]), TargetCount())
        phrases = [*phrases[: TOPICS_IN_SUBJECT - 1], (rest, "changed otherwise")]
    has_posts = any(count.posts for count, _ in phrases)
    (first, text), *more = [(n, text if n.total == 1 else of_many(text)) for n, text in phrases]
    # Once a post is among them, a bare number would leave open what it counts.
    numbers = [(n.words() if has_posts else f"{n.total:,}", t) for n, t in more]
    return ", ".join([f"{first.words()} {text}", *(f"{n} {t}" for n, t in numbers)])


def _of_the_order(
    wave: AlertGroup, status: ListStatus | None, text: str, alerts: Sequence[AlertRow]
) -> str | None:
    """How far an order has been acted on, when this mail tells of nothing else."""
    order = wave.cohort.order if wave.cohort else None
    change = alerts[0].change
    if order is None or status is None or not change.new.status.is_blocked:
        return None
    if any(a.change.is_post for a in alerts):
        return None  # its number is of accounts
    if {(a.change.platform, a.change.new) for a in alerts} != {(change.platform, change.new)}:
        return None
    accounts = len({a.change.account_id for a in alerts})
    now = cohort_counts.standing_of(change, status)
    if alerts[0].stage is not AlertStage.CONFIRMED or not accounts <= now <= order.named_count:
        return None
    tail = f", {accounts:,} in this mail" if now > accounts else ""
    if not tail and status.watched == order.named_count and (left := cohort_counts.available(status)):
        tail = f", {left:,} available"
    return f"{now:,} of {number(order.named_count, 'account')} {of_many(text)}{tail}"


def _cohort_lines(wave: AlertGroup, status: ListStatus | None) -> list[str]:
    late = late_words(wave.alerts, wave.cohort, wave.rule.zone)
    return [*wave_content.cohort_lines(wave, status), *([] if late is None else [f"{late}."])]


def _since_last(wave: AlertGroup, thread: ReplyThread) -> str | None:
    if wave.story is None:
        return None
    last = wave.story.waves[-1].as_of
    heard = thread.as_of or last
    missed = (
        "Catch-up digests, which you do not get, reported what was recorded after that until "
        f"{minute(last)}. "
        if heard < last
        else ""
    )
    return (
        f"This email continues the one that reported what was known at {minute(heard)}. {missed}"
        "Below is what is new."
    )


_REASONS = {
    ReplyReason.RULE_OFF: "The rule that sent the earlier email is now disabled.",
    ReplyReason.RECIPIENT_LEFT: "The rule that sent the earlier email now notifies other people.",
    ReplyReason.NOT_MATCHED: (
        "The rule that sent the earlier email no longer covers this account or kind of change."
    ),
    ReplyReason.GATHERED: "The rule that sent the earlier email now gathers changes for a digest.",
    ReplyReason.MUTED: "Alerts about this account are now muted.",
    ReplyReason.UNREACHABLE: (
        "The rule that sent the earlier email sends no changes while most measurements from their countries "
        "do not reach the platform."
    ),
    ReplyReason.FLAPPING: "The account goes back and forth, so its further changes are not emailed.",
}


def _why_told(reply: Reply) -> str:
    """Why a mail comes that no rule asks for."""
    answers = "This follows an earlier email to you and reports the outcome."
    said = " ".join([answers, *(_REASONS[r] for r in ReplyReason if r in reply.reasons and r in _REASONS)])
    return said.replace("account", "post") if all(a.change.is_post for a in reply.alerts) else said


def message_id(facts: Iterable[str], recipients: Iterable[str], domain: str) -> str:
    """The same facts told to the same people have the same id, whoever computes it and in whatever order."""
    text = "\n".join(sorted(facts)) + "\n\n" + "\n".join(sorted(recipients))
    return f"<{hashlib.sha256(text.encode()).hexdigest()[:40]}@{domain}>"


def message(mail: Mail, sender: str) -> EmailMessage:
    """The message of a stored mail: the same bytes at every attempt."""
    out = EmailMessage(policy=SMTP)
    out["From"] = sender
    out["To"] = ", ".join(mail.recipients)
    out["Subject"] = mail.subject
    out["Date"] = format_datetime(mail.created_at)
    out["Message-ID"] = mail.message_id
    if mail.in_reply_to is not None:
        out["In-Reply-To"] = mail.in_reply_to
        out["References"] = " ".join(mail.reference_ids)
    out["Auto-Submitted"] = "auto-generated"
    if mail.urgent:
        out["Importance"] = "high"
        out["X-Priority"] = "1"
    if mail.unsubscribe_url is not None:
        out["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        out["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    out.set_content(mail.text_body, cte="quoted-printable")
    out.add_alternative(mail.html_body, subtype="html", cte="quoted-printable")
    if mail.picture is not None:
        _, html = out.iter_parts()
        html.add_related(
            mail.picture, "image", "png", cid="<picture>", filename="timeline.png", disposition="inline"
        )
    # The library would draw boundaries by chance, and a repeat would differ from the first mail.
    for n, part in enumerate(p for p in out.walk() if p.is_multipart()):
        part.set_boundary(f"=_{hashlib.sha256(mail.message_id.encode()).hexdigest()[:30]}_{n}")
    return out


@dataclass(frozen=True, slots=True)
class DashboardLink:
    """A link, and what is behind it."""

    words: str
    url: str


def list_url(base: str | None, cohort: Cohort | None) -> str | None:
    """The Live page with the accounts of this list or order alone; None where there is none."""
    return None if base is None or cohort is None else urljoin(base, f"/?list={cohort.list_id}")


def incident_url(base: str | None, key: str) -> str | None:
    """The page of an incident. It is named by its key, which is known before the incident is stored; None
    where readers reach no dashboard.
    """
    return base and urljoin(base, f"/incidents/{key}")


def places(
    base: str | None,
    cohort: Cohort | None,
    changed: Mapping[int, bool],
    message_id: str | None,
    incident: str | None = None,
) -> list[DashboardLink]:
    """What a mail links to, the nearest first. `changed` are the accounts and posts that it is about, each
    with whether it is a post. `message_id` is None for one that has no page, `incident` for one that belongs
    to no incident.

    Empty where readers reach no dashboard.
    """
    if base is None:
        return []
    found: list[DashboardLink] = []
    if incident is not None and (url := incident_url(base, incident)) is not None:
        found.append(DashboardLink("The incident", url))
    if len(changed) == 1:
        ((account_id, is_post),) = changed.items()
        name = "The post" if is_post else "The account"
        found.append(DashboardLink(name, urljoin(base, f"/account/{account_id}")))
    if (url := list_url(base, cohort)) is not None:
        found.append(DashboardLink(f"{capital(cohort_name(cohort))} on the Live page", url))
    if message_id is not None:
        # By its Message-ID: it has no number before it is stored.
        found.append(
            DashboardLink("This email", urljoin(base, f"/mail/{quote(message_id.strip('<>'), safe='@')}"))
        )
    return found or [DashboardLink("The dashboard", base)]
