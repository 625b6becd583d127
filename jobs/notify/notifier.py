"""One tick of the notifier: from open alerts to emails that a server accepted.

Emails are stored in the transaction that decides their alerts, and marked as sent after the server accepted
them, as soon as the database can be reached. After a crash in between, the same bytes are sent again under
the same Message-ID.

Without a mail server, emails are composed and wait in the queue with the reason recorded. Without rules,
alerts are closed as NO_RULE and no email is composed.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from jobs.alerting.matching import countries
from jobs.alerting.policy import (
    AlertGroup,
    DigestDue,
    NotificationHistory,
    NotificationPlan,
    after,
    decide,
    unsettled,
)
from jobs.alerting.replies import Reply
from jobs.alerting.waves import ORDER_LASTS
from jobs.base.clock import Clock
from jobs.delivery.sender import NO_SERVER, DeliveryFault, Sender, Undeliverable
from jobs.messages.compose import Letterhead, ReplyThread, compose, compose_reply, story_key
from jobs.notify import (
    engagement_alerts,
    incident_ends,
    label_alerts,
    merging,
    network_alerts,
    reminders,
    wave_chart,
)
from jobs.notify.digests import queue_digest
from storage.alerts import mail_queue, mutes, open_alerts, outbox, rules, threads
from storage.countries.measured_networks import platforms_unreachable
from storage.model.alerts.alerts import AlertRow, Mail, MailDraft, Via
from storage.model.alerts.rules import StoredRule, digest_after, digest_before
from storage.model.core.accounts import ListId
from storage.model.core.reachability import UnreachablePeriod
from storage.postgres.installation import link_key
from storage.postgres.pool import Conn, Pool, StaleState, Unreachable, part_of, transaction

_Thread: TypeAlias = tuple[int, ListId | None]
"""The ids of a rule and a list. Together they identify an incident."""


FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)


def retry_at(mail: Mail, now: datetime, asked_for: timedelta | None) -> datetime | None:
    """Return when to try again after a failed attempt. None if the failed attempt was the last.
    `mail.attempts` includes the failed attempt. `asked_for` is the shortest pause that the server allows;
    None means any.
    """
    delay = retry_delay(mail.message_id, mail.attempts)
    return None if delay is None else now + max(delay, asked_for or timedelta(0))


def retry_delay(message_id: str, attempts: int) -> timedelta | None:
    """Return the pause after the given number of attempts. The pause doubles from 1 minute up to 1 hour. None
    if the earlier pauses add up to 24 hours.

    Each pause varies by up to a fifth, so that emails that failed together are tried again at different
    times. The variation depends only on the Message-ID and the number of attempts. So a restart does not
    change the pause.
    """
    if sum((_pause(n) for n in range(1, attempts)), timedelta(0)) >= GIVE_UP_AFTER:
        return None
    chance = int.from_bytes(hashlib.sha256(f"{message_id} {attempts}".encode()).digest()[:4]) / 2**32
    return _pause(attempts) * (0.8 + 0.4 * chance)


def _pause(attempt: int) -> timedelta:
    return min(FIRST_RETRY * 2 ** min(attempt - 1, 10), LONGEST_RETRY)


class Fate(StrEnum):
    """The result of one attempt to send."""

    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class TickReport:
    mails_decided: int
    """Emails newly composed and queued."""
    sent: int
    failed: int
    """To be tried again later."""
    dead: int
    """Failed permanently."""


async def tick(pool: Pool, sender: Sender | None, now: datetime, head: Letterhead) -> TickReport:
    """Decide the open alerts and send every email that is due. Several notifiers may call this at the same
    time.
    """
    decided = await decide_due(pool, now, head)
    if sender is None:
        await mail_queue.explain_queue(pool, now, NO_SERVER)
        return TickReport(decided, 0, 0, 0)
    fates = Counter[Fate]()
    try:
        while (fate := await send_next(pool, sender, lambda: now)) is not None:
            fates[fate] += 1
    finally:
        await sender.close()
    return TickReport(decided, fates[Fate.SENT], fates[Fate.FAILED], fates[Fate.DEAD])


async def next_due(pool: Pool, sender: Sender | None, now: datetime) -> datetime | None:
    """When a tick next has something to decide or send; None if nothing is open."""
    times = [await next_decision(pool, now), None if sender is None else await mail_queue.next_due(pool)]
    return min((t for t in times if t is not None), default=None)


async def decide_due(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Queue the emails that are due now: alerts, reminders, notices of engagements, labels and networks, and
    ends of incidents at pagers. Return their number. Then merge waiting emails that a newer email makes
    pointless.

    If one step fails, the later steps still run. The first error is raised afterwards.
    """
    made, failed = 0, list[Exception]()
    for step in (
        decide_alerts,
        reminders.tick,
        engagement_alerts.tick,
        label_alerts.tick,
        network_alerts.tick,
        incident_ends.tick,
    ):
        try:
            made += await step(pool, now, head)
        except Exception as error:  # noqa: BLE001 - raised below, after the other steps
            failed.append(error)
    await merging.tick(pool, now, head)
    if failed:
        raise failed[0]
    return made


async def next_decision(pool: Pool, now: datetime) -> datetime | None:
    """Return when the next group, digest, reply or reminder is due. None if nothing is open.

    If no alert can be decided now, also record for each alert why it waits.
    """
    times: list[datetime | None] = []
    async with transaction(pool) as conn:
        alerts = await open_alerts.open_alerts(conn)
        known = await _rules_for(conn, alerts)
        times += [_next_digest(stored, now) for stored in known]
        times.append(await reminders.next_due(conn, now))
        times.append(await engagement_alerts.next_due(conn, now))
        times.append(await label_alerts.next_due(conn, now))
        times.append(await network_alerts.next_due(conn, now))
        times.append(await incident_ends.next_due(conn, now))
        if alerts:
            plan = await _plan(conn, alerts, known, now)
            done = (
                plan.waves
                or plan.replies
                or plan.silent
                or {a.alert_id for a in alerts} - {a for a, _ in plan.kept}
            )
            times.append(now if done else plan.next_at)
            if not done:
                await outbox.keep(conn, _kept(plan))
    return min((t for t in times if t is not None), default=None)


async def decide_alerts(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Queue the emails of every complete group, due digest and due reply. Return the number of emails.

    Return 0 if another notifier decided one of the alerts first. The next tick then decides again. A group,
    digest or reply that fails stays open. The errors are raised as one ExceptionGroup after all others were
    queued.
    """
    faults: list[Exception] = []
    try:
        async with transaction(pool) as conn:
            await outbox.begin(conn)
            alerts = await open_alerts.open_alerts(conn)
            known = await _rules_for(conn, alerts)
            if not alerts and not any((due := _next_digest(r, now)) and due <= now for r in known):
                return 0
            plan = await _plan(conn, alerts, known, now)
            # Read here: the key may have been rotated since this process began.
            head = replace(head, link_key=await link_key(conn))
            made = await _queue_all(conn, pool, alerts, plan, now, head, faults)
    except StaleState:
        return 0
    if faults:
        raise ExceptionGroup("some groups or digests could not be sent", faults)
    return made


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a server accepted."""

    mail: Mail
    at: datetime


async def record_accepted(pool: Pool, accepted: list[Accepted]) -> None:
    """Mark these messages as sent. What the database does not take stays in the list."""
    while accepted:
        await mail_queue.mark_sent(pool, accepted[0].mail, accepted[0].at)
        accepted.pop(0)


async def send_next(
    pool: Pool, sender: Sender, clock: Clock, via: Via | None = None, accepted: list[Accepted] | None = None
) -> Fate | None:
    """Send the next due message that goes out by `via`; None means any. Return None if no message is due.

    A message whose acceptance the database could not record is added to `accepted`, for `record_accepted`: if
    it is not recorded, it is sent again once its lease is over.

    If the server fails, the other messages for that server are postponed. Undeliverable is handled here. Any
    other error of `sender` is a fault of Blockline: the error is raised, and the message counts as failed.
    """
    claimed = await mail_queue.claim_due(pool, clock(), 1, via)
    if not claimed:
        return None
    return await _send(pool, sender, claimed[0], clock, [] if accepted is None else accepted)


async def _rules_for(conn: Conn, alerts: Sequence[AlertRow]) -> list[StoredRule]:
    """Return all rules. A removed rule is included if it reported an earlier stage of one of the alerts."""
    return await rules.load_rules(conn, {rule_id for a in alerts for rule_id in a.told_by})


async def _plan(
    conn: Conn, alerts: Sequence[AlertRow], known: Sequence[StoredRule], now: datetime
) -> NotificationPlan:
    oldest = min((a.created_at for a in alerts), default=now)
    accounts = {a.change.account_id for a in alerts}
    lookback = max((r.rule.lookback for r in known), default=timedelta(0))
    fewest = min((r.rule.flapping_changes for r in known), default=1)
    past = NotificationHistory(
        await open_alerts.recent_alerts(conn, accounts, oldest - lookback, fewest),
        await threads.told_since(conn, oldest - ORDER_LASTS),
    )
    unreachable = await _unreachable(conn, alerts, known, oldest, now)
    plan = decide(alerts, known, await mutes.running(conn, now), past, now, unreachable)
    return unsettled(plan, now) if await rules.unreadable_rules(conn) else plan


async def _unreachable(
    conn: Conn, alerts: Sequence[AlertRow], known: Sequence[StoredRule], since: datetime, now: datetime
) -> Sequence[UnreachablePeriod]:
    """Return when the platforms were unreachable from the countries of the alerts. Empty if no rule asks."""
    concerned = {country for alert in alerts for country in countries(alert)}
    if not concerned or not any(r.enabled and r.rule.not_if_unreachable for r in known):
        return ()
    return await platforms_unreachable(conn, since, max(since, now), concerned)


async def _queue_all(
    conn: Conn,
    pool: Pool,
    alerts: Sequence[AlertRow],
    plan: NotificationPlan,
    now: datetime,
    head: Letterhead,
    faults: list[Exception],
) -> int:
    made = 0
    open_still = {alert_id for alert_id, _ in plan.kept}
    held_up: set[_Thread] = set()
    # Recording processes wait for this lock. Unless alerts are silenced now, it is taken once an email is
    # composed.
    if plan.silent and plan.in_order:
        await outbox.announce(conn)
    # A digest states how many alerts were silenced, so that must be recorded first.
    silent = [outbox.FinalDecision(a, r, s.decision, s.mute_id) for (a, r), s in plan.silent.items()]
    await outbox.settle(conn, silent, [], [], now)
    for item in plan.in_order:
        threads_of = _threads_of(item)
        try:
            if held_up.isdisjoint(threads_of):
                async with part_of(conn, pool):
                    made += await _queue(conn, item, now, head)
                continue
        except (StaleState, Unreachable):
            raise
        except Exception as error:  # noqa: BLE001 - one wave that cannot be told must not silence the others
            faults.append(error)
        # Later emails of its incident would refer to something that was never sent.
        held_up |= threads_of
        open_still |= {a.alert_id for a in item.alerts}
    await outbox.settle(
        conn,
        [],
        _kept(plan),
        [a.alert_id for a in alerts if a.alert_id not in open_still],
        now,
    )
    return made


def _kept(plan: NotificationPlan) -> list[outbox.DeferredDecision]:
    return [
        outbox.DeferredDecision(a, r, k.decision, k.until) for (a, r), k in plan.kept.items() if r is not None
    ]


def _threads_of(item: AlertGroup | DigestDue | Reply) -> set[_Thread]:
    """Return the incidents to which this item belongs."""
    if isinstance(item, Reply):
        return {(item.stored.rule_id, item.cohort.list_id if item.cohort else None)}
    parts = (item,) if isinstance(item, AlertGroup) else item.parts
    return {(p.stored.rule_id, p.cohort.list_id if p.cohort else None) for p in parts}


async def _queue(conn: Conn, item: AlertGroup | DigestDue | Reply, now: datetime, head: Letterhead) -> int:
    match item:
        case AlertGroup():
            return await _queue_wave(conn, item, now, head)
        case DigestDue():
            return await queue_digest(conn, item, now, head)
        case Reply():
            return await _queue_reply(conn, item, now, head)


async def _queue_reply(conn: Conn, reply: Reply, now: datetime, head: Letterhead) -> int:
    """Queue one email per recipient of a reply, in the thread of the email that reported the change."""
    drafts: list[tuple[MailDraft, int | None]] = []
    for recipient in reply.recipients:
        stories = [alert.owed[recipient].story_id for alert in reply.alerts]
        drafts.append((compose_reply(reply, head, recipient), stories[-1]))
    ids = [a.alert_id for a in reply.alerts]
    await outbox.reply(conn, drafts, ids, reply.undecided, reply.stored.rule_id, now)
    return len(drafts)


async def _queue_wave(conn: Conn, wave: AlertGroup, now: datetime, head: Letterhead) -> int:
    """Queue one email per recipient of a group."""
    status = None
    if wave.cohort is not None:
        status = await open_alerts.standing(conn, wave.cohort.list_id, wave.as_of)
    key = story_key(wave)
    story = after(wave)
    earlier = await threads.thread(conn, key) if wave.story is not None else {}
    heard = await threads.told_up_to(conn, key) if wave.story is not None else {}
    picture = await wave_chart.picture(conn, wave, status)
    drafts: list[MailDraft] = []
    for recipient in wave.recipients:
        thread = ReplyThread(tuple(earlier.get(recipient, ())), heard.get(recipient))
        drafts.append(compose(wave, status, head, recipient, thread, picture))
    story_id = await threads.add_wave(
        conn,
        key,
        wave.stored.rule_id,
        wave.cohort.list_id if wave.cohort else None,
        wave.recipients,
        len(story.waves),
        story.waves[-1],
    )
    ids = [a.alert_id for a in wave.alerts]
    await outbox.tell(conn, drafts, ids, wave.stored.rule_id, now, story_id=story_id, wave=len(story.waves))
    return len(drafts)


def _next_digest(stored: StoredRule, now: datetime) -> datetime | None:
    if not stored.sends_empty_digests:
        return None
    due = digest_before(now, stored.rule)
    return due if stored.digested_to < due else digest_after(now, stored.rule)


async def _send(pool: Pool, sender: Sender, mail: Mail, clock: Clock, accepted: list[Accepted]) -> Fate:
    try:
        await sender.send(mail)
    except Undeliverable as error:
        return await _refused(pool, mail, error, clock())
    except Exception as error:
        said = f"Blockline itself failed with this mail ({type(error).__name__}); its log says more."
        now = clock()
        # Others of its thread wait for it, so it must not be retried forever.
        if retry_at(mail, now, None) is None:
            await mail_queue.mark_dead(pool, mail, said)
        else:
            await mail_queue.mark_failed(pool, mail, now + LONGEST_RETRY, said, uncertain=True)
        raise
    accepted.append(Accepted(mail, clock()))
    await record_accepted(pool, accepted)
    return Fate.SENT


async def _refused(pool: Pool, mail: Mail, error: Undeliverable, now: datetime) -> Fate:
    """Record that a message was not accepted. Postpone the messages that would fail for the same reason."""
    later = now + max(FIRST_RETRY, error.retry_after or timedelta(0))
    if error.fault is DeliveryFault.SETTINGS:
        await mail_queue.release(pool, mail, later, str(error))
    elif (again := None if error.permanent else retry_at(mail, now, error.retry_after)) is None:
        await mail_queue.mark_dead(pool, mail, str(error))
        return Fate.DEAD
    else:
        await mail_queue.mark_failed(pool, mail, again, str(error), uncertain=error.uncertain)
    if error.fault is not DeliveryFault.MAIL:
        await mail_queue.hold_back(pool, mail, now, later, str(error))
    return Fate.FAILED
