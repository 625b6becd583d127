"""Showing the email that a past change or group of changes would give now, and sending it as a test.

Nothing is stored. A test email has no link to acknowledge an incident.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.alerting.matching import RuleMatch, cohort_of, match_rules
from jobs.alerting.mismatch_reasons import unmatched
from jobs.alerting.policy import AlertGroup
from jobs.base.wording import minute
from jobs.messages.compose import WIRE, Letterhead, compose, message, message_id
from jobs.messages.webhook_payload import payload
from jobs.notify import wave_chart
from storage.alerts.open_alerts import standing
from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    Mail,
    MailDraft,
    MailKind,
    MailState,
)
from storage.model.alerts.rule_words import DECISION_WORDS
from storage.model.alerts.rules import Digest, StoredRule
from storage.model.text.states import clean
from storage.postgres.pool import Conn

MARK = "Test: "
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


def waves_on_trial(
    alerts: Sequence[AlertRow], rules: Sequence[StoredRule], story: AlertThread | None, to: str | None
) -> list[AlertGroup]:
    """Return the groups in which these rules would report the alerts: one per rule and cohort, in the order
    of `rules`.

    Mutes, unreachable platforms, quiet hours, waiting times and flapping are ignored. `story` is the incident
    that one of the groups continues; None if none does. If a rule names no recipient, its emails go to `to`.
    If `to` is None too, the rule is left out.
    """
    gathered: dict[tuple[int, int | None], list[tuple[AlertRow, tuple[str, ...]]]] = {}
    where: dict[int | None, Cohort | None] = {}
    by_id: dict[int, StoredRule] = {stored.rule_id: stored for stored in rules}
    for alert in sorted(alerts, key=lambda a: (a.created_at, a.change.change_key, a.stage)):
        cohort = cohort_of(alert.cohorts, alert.change.first_seen_new)
        list_id = cohort.list_id if cohort is not None else None
        for claim in match_rules(alert, rules, ()):
            if people := _people(claim, to):
                where[list_id] = cohort
                gathered.setdefault((claim.stored.rule_id, list_id), []).append((alert, people))
    order: list[int] = [stored.rule_id for stored in rules]
    return [
        AlertGroup(
            by_id[rule_id],
            tuple(dict.fromkeys(r for _, people in members for r in people)),
            where[list_id],
            tuple(alert for alert, _ in members),
            (),
            members[-1][0].created_at,
            story if story and (story.rule_id, story.list_id) == key else None,
        )
        for key, members in sorted(gathered.items(), key=lambda found: order.index(found[0][0]))
        for rule_id, list_id in [key]
    ]


def enabled(stored: StoredRule) -> StoredRule:
    """Return the rule as if it were enabled, so that a disabled rule can be tried."""
    return replace(stored, enabled=True)


def why_nobody(alert: AlertRow, rules: Sequence[StoredRule]) -> list[str]:
    """Return a sentence for each rule that would not send an alert, with the reason. If `rules` is empty,
    return one sentence that says so.
    """
    said: list[str] = []
    claimed = {claim.stored.rule_id: claim for claim in match_rules(alert, rules, ())}
    for stored in rules:
        why, claim = unmatched(alert, stored), claimed.get(stored.rule_id)
        if why is not None:
            said.append(f"Rule {clean(stored.rule.name, 80)} does not match ({why.words}).")
        elif claim is not None and claim.silence is not None:
            said.append(f"Rule {clean(stored.rule.name, 80)}: {DECISION_WORDS[claim.silence]}.")
    return said or ["There is no rule."]


def note(wave: AlertGroup) -> str | None:
    """Say how the test email differs from what the rule would send. None if there is no difference."""
    if wave.rule.digest is Digest.NONE:
        return None
    return f"Rule {clean(wave.rule.name, 80)} sends this in its digest. This test is an email of its own."


async def draft(conn: Conn, wave: AlertGroup, recipient: str, head: Letterhead, now: datetime) -> MailDraft:
    """Return the email for a group, marked as a test. It always has a webhook payload."""
    stood = None
    if wave.cohort is not None:
        stood = await standing(conn, wave.cohort.list_id, wave.as_of)
    head = replace(head, link_key=None, has_pages=False)
    made = compose(wave, stood, head, recipient, picture=await wave_chart.picture(conn, wave, stood))
    # It has an id of its own, so that mail programs do not take it for a copy of the real email.
    ident = message_id((made.message_id, MARK, now.isoformat()), (recipient,), head.id_domain)
    content = payload(
        wave, stood, message_id=ident, headline=made.subject, synthetic=head.synthetic, url=head.dashboard_url
    )
    return marked(replace(made, message_id=ident, payload=content), wave.rule.name, now)


def marked(made: MailDraft, rule: str, now: datetime) -> MailDraft:
    """Return the email with a test notice in its subject, text, HTML and payload."""
    sentence = (
        f"This is a test, made by hand on {minute(now)}. It repeats what was seen before, as the rule "
        f"{clean(rule, 80)} would send it now. Nothing new has happened, and no alert was stored."
    )
    return replace(
        made,
        subject=f"{MARK}{made.subject}",
        kind=MailKind.TEST,
        text_body=f"TEST\n{sentence}\n\n{made.text_body}",
        html_body=_marked_html(made.html_body, sentence),
        payload=None if made.payload is None else _marked_json(made.payload, sentence),
    )


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes


def files(made: MailDraft, number: int, rule: str, sender: str, now: datetime) -> list[File]:
    """Return a test email as files: the whole email, and each of its parts."""
    slug = _NOT_IN_A_NAME.sub("-", rule.lower()).strip("-")[:40] or "rule"
    name = f"{number}-{slug}"
    html = made.html_body
    out = [
        File(f"{name}.eml", message(mail(made, now), sender).as_bytes(policy=WIRE)),
        File(f"{name}.txt", made.text_body.encode()),
        File(f"{name}.json", (made.payload or "{}").encode()),
    ]
    if made.picture is not None:
        html = html.replace("cid:picture", f"{name}.png")
        out.append(File(f"{name}.png", made.picture))
    return sorted([*out, File(f"{name}.html", html.encode())], key=lambda file: file.name)


def mail(made: MailDraft, now: datetime) -> Mail:
    """The email in the form that a sender takes. Its number is 0 because it is in no queue."""
    return Mail(
        mail_id=0,
        message_id=made.message_id,
        recipients=(made.recipient,),
        subject=made.subject,
        text_body=made.text_body,
        html_body=made.html_body,
        created_at=now,
        state=MailState.QUEUED,
        attempts=1,
        next_attempt_at=None,
        sent_at=None,
        last_error=None,
        kind=made.kind,
        urgent=made.urgent,
        picture=made.picture,
        payload=made.payload,
    )


def _people(claim: RuleMatch, to: str | None) -> tuple[str, ...]:
    if claim.silence is AlertDecision.NO_RECIPIENT and to is not None:
        return (to,)
    return claim.recipients if claim.silence is None else ()


def _marked_html(html: str, sentence: str) -> str:
    box = (
        '<div style="padding:12px 20px;background-color:#5B3FA8;color:#FFFFFF;'
        "font:600 14px/20px -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;\">"
        f"TEST. {_escaped(sentence)}</div>"
    )
    body = _BODY.search(html)
    return box + html if body is None else html[: body.end()] + box + html[body.end() :]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _marked_json(text: str, sentence: str) -> str:
    content: dict[str, object] = json.loads(text)
    content |= {"kind": MailKind.TEST.value, "headline": f"{MARK}{content['headline']}", "text": sentence}
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def newest(alerts: Iterable[AlertRow]) -> AlertRow:
    """The most informative of the alerts about one change: the confirmed one, else the latest."""
    return max(alerts, key=lambda a: (a.stage is AlertStage.CONFIRMED, a.created_at, a.alert_id))
