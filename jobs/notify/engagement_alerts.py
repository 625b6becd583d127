"""Emails about an executive's engagement with an account that an order names. Only rules with `engagement`
send them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from jobs.base.wording import account_name, minute, number
from jobs.messages.compose import Letterhead, message_id
from jobs.messages.webhook_payload import note
from storage.alerts import engagement_alerts, mutes, outbox, rules
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.engagement_alerts import NamedAct
from storage.model.alerts.quiet_hours import quiet_until
from storage.model.alerts.rules import AlertRule, Mute, RuleId, Severity, StoredRule, is_webhook
from storage.model.core.accounts import TargetKind
from storage.model.core.signals import SignalKind
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Pool, Refused, StaleState, transaction

LOOK_BACK = timedelta(days=3)
"""An engagement is not sent if it was first seen longer ago than this plus the longest delay of any rule. A
rule delays a notice while it collects engagements, and while it pauses between two notices.
"""
SHOWN = 20
"""The maximum number of engagements that one email describes. Further engagements are only counted."""

_DID = {
    SignalKind.LIKE: "liked a post of",
    SignalKind.REPOST: "reposted a post of",
    SignalKind.QUOTE: "quoted a post of",
    SignalKind.REPLY: "replied to a post of",
    SignalKind.POST: "wrote about",
    SignalKind.FOLLOW: "followed",
    SignalKind.UNFOLLOW: "unfollowed",
}


@dataclass(frozen=True, slots=True)
class EngagementNotice:
    """The engagements that one rule reports in one email, at `at`."""

    stored: StoredRule
    acts: tuple[NamedAct, ...]
    """Oldest first."""
    at: datetime


def engaged(
    acts: Sequence[NamedAct],
    known: Sequence[StoredRule],
    notified: Collection[tuple[RuleId, int]],
    last_told: dict[RuleId, datetime],
    muted: Collection[Mute],
) -> list[EngagementNotice]:
    """Return the notices that are due now or later, earliest first. A rule collects engagements before it
    sends a notice, and pauses between two notices.
    """
    found: list[EngagementNotice] = []
    for stored in known:
        rule = stored.rule
        if not (stored.enabled and rule.engagement and rule.recipients):
            continue
        mine = tuple(
            a
            for a in acts
            if (stored.rule_id, a.signal_id) not in notified
            and a.first_seen_at >= stored.active_since
            and _is_about(stored, a)
            and not any(_covers(m, a) for m in muted)
        )
        if not mine:
            continue
        at = min(mine[-1].first_seen_at + rule.settle, mine[0].first_seen_at + _longest(rule))
        if stored.rule_id in last_told:
            at = max(at, last_told[stored.rule_id] + rule.update_after)
        if rule.severity is not Severity.CRITICAL:
            at = quiet_until(at, rule.quiet, rule.zone)
        found.append(EngagementNotice(stored, mine, at))
    return sorted(found, key=lambda e: (e.at, e.stored.rule_id))


async def tick(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Queue the emails that are due; returns how many."""
    made = 0
    try:
        async with transaction(pool) as conn:
            await outbox.begin(conn)
            for one in await _known(conn, now):
                if one.at > now:
                    break
                ids = [a.signal_id for a in one.acts]
                await engagement_alerts.mark_notified(conn, one.stored.rule_id, ids, now)
                for recipient in dict.fromkeys(one.stored.rule.recipients):
                    made += await outbox.queue(conn, draft(one, recipient, head), now) is not None
    except (StaleState, Refused):
        return 0  # Sent or purged meanwhile; the next tick looks again.
    return made


async def next_due(conn: Conn, now: datetime) -> datetime | None:
    """When the next notice is due; None if none waits."""
    return min((e.at for e in await _known(conn, now)), default=None)


async def _known(conn: Conn, now: datetime) -> list[EngagementNotice]:
    known = [r for r in await rules.load_rules(conn) if r.rule.engagement]
    if not known:
        return []
    back = max(LOOK_BACK + _longest(r.rule) + r.rule.update_after for r in known)
    acts = await engagement_alerts.named_acts(conn, now - back, now)
    notified = await engagement_alerts.notified(conn, [a.signal_id for a in acts])
    last = await engagement_alerts.last_notified(conn)
    return engaged(acts, known, notified, last, await mutes.running(conn, now))


def _longest(rule: AlertRule) -> timedelta:
    """The longest time for which a rule collects engagements."""
    return rule.settle * rule.growth_limit


def draft(one: EngagementNotice, recipient: str, head: Letterhead) -> MailDraft:
    """The email to one recipient. Its Message-ID depends only on the engagements and the recipient."""
    rule = one.stored.rule
    people = list(dict.fromkeys(clean(a.executive) for a in one.acts))
    targets = len({a.target_id for a in one.acts})
    who = people[0] if len(people) == 1 else number(len(people), "executive")
    headline = f"{who} engaged with {number(targets, 'account')} that orders name"
    if len(one.acts) == 1:
        headline = _sentence(one.acts[0])
    subject = f"{'Synthetic scenario: ' if head.synthetic else ''}{headline}"
    content = {
        "subject": subject,
        "headline": headline,
        "synthetic": head.synthetic,
        "acts": [_act(a) for a in one.acts[:SHOWN]],
        "more": len(one.acts[SHOWN:]),
        "dashboard_url": head.dashboard_url,
        "rule": clean(rule.name),
    }
    ident = message_id((f"engagement {a.act_key}" for a in one.acts), (recipient,), head.id_domain)
    text = head.render("engagement.txt", content)
    return MailDraft(
        message_id=ident,
        recipient=recipient,
        subject=subject,
        text_body=text,
        html_body=head.render("engagement.html", content),
        kind=MailKind.ENGAGEMENT,
        urgent=rule.severity is Severity.CRITICAL,
        payload=note(
            kind=MailKind.ENGAGEMENT,
            message_id=ident,
            headline=subject,
            text=text,
            rule=rule.name,
            severity=rule.severity,
            as_of=one.acts[-1].first_seen_at,
            synthetic=head.synthetic,
            url=head.dashboard_url and urljoin(head.dashboard_url, "/"),
        )
        if is_webhook(recipient)
        else None,
    )


def _act(act: NamedAct) -> dict[str, str]:
    names = ", ".join(clean(o.title) for o in act.orders)
    return {"sentence": _sentence(act), "when": _when(act), "named_by": names}


def _sentence(act: NamedAct) -> str:
    return f"{clean(act.executive)} {_DID[act.kind]} {account_name(act.platform, act.target)}"


def _when(act: NamedAct) -> str:
    """Return words for the time of the engagement: the platform's own time, or the two times between which it
    happened. If neither is known, the words say so.
    """
    if act.made_at is not None:
        return f"{minute(act.made_at)}, first seen {minute(act.first_seen_at)}"
    if act.made_after is not None:
        return f"between {minute(act.made_after)} and {minute(act.first_seen_at)}"
    return f"time not known; first seen {minute(act.first_seen_at)}"


def _is_about(stored: StoredRule, act: NamedAct) -> bool:
    match = stored.rule.match
    return (
        match.only is not TargetKind.POSTS
        and (not match.platforms or act.platform in match.platforms)
        and (not match.tags or not match.tags.isdisjoint(act.tags))
        and any(
            (not match.lists or o.list_name in match.lists)
            and (not match.orders or o.reference in match.orders)
            and (not match.countries or o.country in match.countries)
            for o in act.orders
        )
    )


def _covers(mute: Mute, act: NamedAct) -> bool:
    """Whether a mute covers the engagement, and ran when the engagement was first seen."""
    if act.first_seen_at < mute.since or (mute.until is not None and act.first_seen_at >= mute.until):
        return False
    if mute.account_id is not None:
        return mute.account_id in {act.target_id, act.executive_id}
    return mute.list_id is None or any(o.list_id == mute.list_id for o in act.orders)
