"""Emails about an executive's engagement with an account that an order names. Only rules with `engagement`
send them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.base.wording import account_name, minute, number
from jobs.messages.compose import Letterhead
from jobs.messages.notice import NoticeContent, NoticeItem, notice_draft
from storage.alerts import engagement_alerts, mutes, outbox, rules
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.engagement_alerts import NamedAct
from storage.model.alerts.rules import Mute, RuleId, StoredRule, notice_at
from storage.model.core.accounts import TargetKind
from storage.model.core.signals import SignalKind
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Pool, Refused, StaleState, transaction

LOOK_BACK = timedelta(days=3)
"""An engagement is not sent if it was first seen longer ago than this plus the longest delay of any rule. A
rule delays a notice while it collects engagements, and while it pauses between two notices.
"""
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
        at = notice_at(rule, mine[0].first_seen_at, mine[-1].first_seen_at, last_told.get(stored.rule_id))
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
    back = max(LOOK_BACK + r.rule.longest_settle + r.rule.update_after for r in known)
    acts = await engagement_alerts.named_acts(conn, now - back, now)
    notified = await engagement_alerts.notified(conn, [a.signal_id for a in acts])
    last = await engagement_alerts.last_notified(conn)
    return engaged(acts, known, notified, last, await mutes.running(conn, now))


def draft(one: EngagementNotice, recipient: str, head: Letterhead) -> MailDraft:
    """The email to one recipient. Its Message-ID depends only on the engagements and the recipient."""
    people = list(dict.fromkeys(clean(a.executive) for a in one.acts))
    targets = len({a.target_id for a in one.acts})
    who = people[0] if len(people) == 1 else number(len(people), "executive")
    headline = f"{who} engaged with {number(targets, 'account')} that orders name"
    if len(one.acts) == 1:
        headline = _sentence(one.acts[0])
    content = NoticeContent(
        kind=MailKind.ENGAGEMENT,
        headline=headline,
        items=[_item(act) for act in one.acts],
        not_claimed="This email reports what was visible on the platform, not why it happened. It is not "
        "evidence that the engagement and the order are connected.",
        as_of=one.acts[-1].first_seen_at,
        keys=[f"engagement {a.act_key}" for a in one.acts],
        page="/",
    )
    return notice_draft(content, one.stored.rule, recipient, head)


def _item(act: NamedAct) -> NoticeItem:
    names = ", ".join(clean(o.title) for o in act.orders)
    return NoticeItem(_sentence(act), (_when(act), f"Named by: {names}"))


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
