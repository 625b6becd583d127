"""From open alerts to mails that a server accepted: one tick of the notifier.

A mail is stored in the transaction that decides its alerts, and marked as sent after the server
accepted it. A crash in between repeats the same bytes under the same Message-ID.

Without a mail server mails are composed and wait in the queue, which says why; without recipients
alerts are closed as NO_RECIPIENT and nothing is composed.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from jobs.compose import Letterhead, compose, message_id
from jobs.mail import Refusal, Undeliverable
from jobs.policy import DAY, AlertRule, Plan, Wave, decide
from storage import mails, outbox
from storage.db import Conn, Pool, StaleState, transaction
from storage.model.alerts import AlertRow, Mail

NO_SERVER = "No mail server is configured, so this mail waits: set the mail server in blockline.toml."
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)


class Sender(Protocol):
    async def send(self, mail: Mail) -> tuple[Refusal, ...]: ...

    async def close(self) -> None: ...


class Fate(StrEnum):
    """What became of one attempt to send."""

    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class TickReport:
    mails_decided: int
    """Mails newly composed and queued."""
    sent: int
    failed: int
    """To be tried again."""
    dead: int
    """Given up."""


async def tick(
    pool: Pool, sender: Sender | None, rule: AlertRule, now: datetime, head: Letterhead
) -> TickReport:
    """Decide the open alerts and send every mail that is due. Any number of notifiers may do so at once."""
    decided = await decide_alerts(pool, rule, now, head)
    if sender is None:
        await mails.explain_queue(pool, now, NO_SERVER)
        return TickReport(decided, 0, 0, 0)
    fates = Counter[Fate]()
    try:
        while claimed := await mails.claim_due(pool, now, limit=1):
            fates[await _send(pool, sender, claimed[0], now, head)] += 1
    finally:
        await sender.close()
    return TickReport(decided, fates[Fate.SENT], fates[Fate.FAILED], fates[Fate.DEAD])


async def next_due(pool: Pool, sender: Sender | None, rule: AlertRule, now: datetime) -> datetime | None:
    """When a tick has something to do: a wave is complete or a mail is to be tried. None: nothing is open."""
    times = [None if sender is None else await mails.next_due(pool)]
    async with transaction(pool) as conn:
        alerts = await outbox.open_alerts(conn)
        if alerts:
            plan = await _plan(conn, alerts, rule, now)
            times.append(now if plan.waves or plan.silent else plan.next_at)
    return min((t for t in times if t is not None), default=None)


async def decide_alerts(pool: Pool, rule: AlertRule, now: datetime, head: Letterhead) -> int:
    """Queue a mail for every complete wave; returns how many. 0 when another notifier came first."""
    try:
        async with transaction(pool) as conn:
            alerts = await outbox.open_alerts(conn)
            if not alerts:
                return 0
            plan = await _plan(conn, alerts, rule, now)
            made = [await _compose(conn, wave, rule, head) for wave in plan.waves]
            await outbox.decide(conn, made, plan.silent, plan.waiting, now)
            return len(made)
    except StaleState:
        return 0


async def _plan(conn: Conn, alerts: Sequence[AlertRow], rule: AlertRule, now: datetime) -> Plan:
    oldest = min(a.created_at for a in alerts)
    accounts = {a.change.account_id for a in alerts}
    recent = await outbox.recent_alerts(conn, accounts, oldest - rule.lookback)
    lately = await outbox.recent_mails(conn, oldest - DAY)
    return decide(alerts, recent, lately, rule, now)


async def _compose(conn: Conn, wave: Wave, rule: AlertRule, head: Letterhead) -> outbox.Decided:
    standing = None
    if wave.cohort is not None:
        standing = await outbox.standing(conn, wave.cohort.list_id, wave.as_of)
    draft = compose(wave, standing, rule, head)
    return outbox.Decided(draft, [a.alert_id for a in wave.alerts])


async def _send(pool: Pool, sender: Sender, mail: Mail, now: datetime, head: Letterhead) -> Fate:
    try:
        refused = await sender.send(mail)
    except Undeliverable as error:
        retry_at = None if error.permanent else _retry_at(mail, now, error.retry_after)
        if retry_at is None:
            await mails.give_up(pool, mail, str(error))
            return Fate.DEAD
        await mails.mark_failed(pool, mail, retry_at, str(error))
        return Fate.FAILED
    await mails.mark_sent(pool, mail, now, _split(mail, refused, now, head))
    return Fate.SENT


def _split(mail: Mail, refused: Sequence[Refusal], now: datetime, head: Letterhead) -> list[mails.Split]:
    """One mail of its own for each refused recipient: tried again, or dead, without bothering the others."""
    return [
        mails.Split(
            message_id=message_id([mail.message_id], [r.recipient], head.id_domain),
            recipients=(r.recipient,),
            error=r.sentence,
            retry_at=None if r.permanent else _retry_at(mail, now, None),
        )
        for r in refused
    ]


def _retry_at(mail: Mail, now: datetime, asked_for: timedelta | None) -> datetime | None:
    """When to try again after the failed attempt that `mail.attempts` counts; None when it was the last."""
    delay = retry_delay(mail.message_id, mail.attempts)
    return None if delay is None else now + max(delay, asked_for or timedelta(0))


def retry_delay(message_id: str, attempts: int) -> timedelta | None:
    """The pause after so many attempts: doubled from 1 min to 1 h; None once 24 h of pauses are used up.

    Each is up to a fifth shorter or longer, by chance that the Message-ID fixes: mails that failed
    together do not all come back together, and a resumed run waits as long as an undisturbed one.
    """
    if sum((_pause(n) for n in range(1, attempts)), timedelta(0)) >= GIVE_UP_AFTER:
        return None
    chance = int.from_bytes(hashlib.sha256(f"{message_id} {attempts}".encode()).digest()[:4]) / 2**32
    return _pause(attempts) * (0.8 + 0.4 * chance)


def _pause(attempt: int) -> timedelta:
    return min(FIRST_RETRY * 2 ** min(attempt - 1, 10), LONGEST_RETRY)
