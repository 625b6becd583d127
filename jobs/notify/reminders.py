"""Reminders until an incident is acknowledged, and escalation if it is not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urljoin

from jobs.base.wording import minute
from jobs.messages.compose import Letterhead, acknowledge_link, incident_url, message_id
from jobs.messages.webhook_payload import note
from storage.alerts import mutes, outbox, reminders, rules
from storage.alerts.reminders import LastMail, Outstanding
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.quiet_hours import quiet_until
from storage.model.alerts.rules import ASK_FOR, AlertRule, Mute, Severity, StoredRule, is_webhook
from storage.model.text.states import clean
from storage.model.text.units import spoken
from storage.postgres.installation import link_key
from storage.postgres.pool import Conn, Pool, transaction

_LATE = timedelta(hours=1)
"""For this long after ASK_FOR ends, a reminder that was due before is still sent. A step of three days is due
exactly at the end, and a notifier may not run at that moment.
"""


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder or an escalation of an incident that has not been acknowledged."""

    kind: MailKind
    story: Outstanding
    rule: AlertRule
    at: datetime
    """The earliest time to send it."""
    step: int = 0
    """Which step of the rule's escalation it is, from 1; 0 for a reminder."""


def nudges(
    stories: Collection[Outstanding], known: Sequence[StoredRule], muted: Collection[Mute], now: datetime
) -> list[Reminder]:
    """Return the reminders and escalations that are due now or later, earliest first. `stories` holds the
    incidents that are not acknowledged.
    """
    found: list[Reminder] = []
    by_id: dict[int, AlertRule] = {stored.rule_id: stored.rule for stored in known if stored.enabled}
    for story in stories:
        rule = by_id.get(story.rule_id)
        if rule is None or any(_covers(m, story, now) for m in muted):
            continue
        if rule.remind_every is not None:
            last = story.reminded_at or story.told_at
            found.append(Reminder(MailKind.REMINDER, story, rule, _awake(last + rule.remind_every, rule)))
        for n, step in enumerate(rule.escalation, 1):
            if n > story.escalated_steps:
                at = _awake(story.told_at + step.after, rule)
                found.append(Reminder(MailKind.ESCALATION, story, rule, at, n))
    in_time = [n for n in found if n.at <= n.story.told_at + ASK_FOR]
    return sorted(in_time, key=lambda n: (n.at, n.story.story_id, n.kind, n.step))


async def tick(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Queue the reminders and escalations that are due; returns how many emails."""
    made = 0
    async with transaction(pool) as conn:
        await outbox.begin(conn)  # Keeps the numbers of these emails and those of groups in order.
        head = replace(head, link_key=await link_key(conn))
        for nudge in await _known(conn, now):
            if nudge.at > now:
                break
            if nudge.step:
                is_first = await reminders.mark_escalated(conn, nudge.story, nudge.step, now)
            else:
                is_first = await reminders.mark_reminded(conn, nudge.story, now)
            if not is_first:
                continue
            last = await reminders.last_mails(conn, nudge.story.story_id)
            for draft in drafts(nudge, last, head):
                await outbox.queue(conn, draft, now, nudge.story.story_id, nudge.story.wave)
                made += 1
    return made


async def next_due(conn: Conn, now: datetime) -> datetime | None:
    """When the next reminder or escalation is due; None if none is."""
    return min((n.at for n in await _known(conn, now)), default=None)


async def _known(conn: Conn, now: datetime) -> list[Reminder]:
    known = [r for r in await rules.load_rules(conn) if r.rule.remind_every or r.rule.escalation]
    stories = await reminders.outstanding(conn, now - ASK_FOR - _LATE) if known else []
    return nudges(stories, known, await mutes.running(conn, now), now) if stories else []


def drafts(nudge: Reminder, last: Sequence[LastMail], head: Letterhead) -> list[MailDraft]:
    """Write the emails of a reminder, one per recipient whom the rule still has. An email replies to the
    recipient's last email about the incident, if there is one. Empty if no email of the incident was sent
    yet.
    """
    by_recipient = {mail.recipient: mail for mail in last}
    if not by_recipient:
        return []
    if nudge.step:
        to = nudge.rule.escalation[nudge.step - 1].to
    else:
        to = tuple(r for r in nudge.story.recipients if r in nudge.rule.recipients)
    return [_draft(nudge, by_recipient.get(r), last[0], r, head) for r in to]


def _draft(
    nudge: Reminder, own: LastMail | None, any_mail: LastMail, recipient: str, head: Letterhead
) -> MailDraft:
    mail, story = own or any_mail, nudge.story
    waited = spoken(nudge.at - story.told_at)
    is_reminder = nudge.kind is MailKind.REMINDER
    title = f"{'Reminder' if is_reminder else 'Nobody acknowledged'}: {mail.subject}"
    headline = f"Nobody has acknowledged this for {waited}"
    content = {
        "subject": title,
        "headline": headline,
        "told": mail.subject,
        "told_at": minute(story.told_at),
        "synthetic": head.synthetic,
        "to": ", ".join(story.recipients),
        "is_reminder": is_reminder,
        "step": nudge.step,
        "steps": len(nudge.rule.escalation),
        "acknowledge_url": head.link(acknowledge_link(story.story_key, story.wave, recipient, nudge.at)),
        "incident_url": incident_url(head.dashboard_url, story.story_key),
        "mail_url": head.dashboard_url and urljoin(head.dashboard_url, f"/mail/{mail.mail_id}"),
        "rule": clean(nudge.rule.name),
    }
    fact = (
        f"{nudge.kind.value} {nudge.step or story.reminders + 1} of group {story.wave} of {story.story_key}"
    )
    ident = message_id((fact,), (recipient,), head.id_domain)
    text = head.render("nudge.txt", content)
    return MailDraft(
        message_id=ident,
        recipient=recipient,
        subject=title,
        text_body=text,
        html_body=head.render("nudge.html", content),
        kind=nudge.kind,
        in_reply_to=own.message_id if own else None,
        reference_ids=(own.message_id,) if own else (),
        urgent=nudge.rule.severity is Severity.CRITICAL,
        payload=note(
            kind=nudge.kind,
            message_id=ident,
            headline=title,
            text=text,
            rule=nudge.rule.name,
            severity=nudge.rule.severity,
            as_of=nudge.at,
            synthetic=head.synthetic,
            url=head.dashboard_url,
        )
        if is_webhook(recipient)
        else None,
    )


def _awake(at: datetime, rule: AlertRule) -> datetime:
    return at if rule.severity is Severity.CRITICAL else quiet_until(at, rule.quiet, rule.zone)


def _covers(mute: Mute, story: Outstanding, now: datetime) -> bool:
    if mute.until is not None and mute.until <= now:
        return False
    return mute.is_maintenance or (mute.list_id is not None and mute.list_id == story.list_id)
