"""From open alerts to mails that a server accepted: one tick of the notifier.

A mail is stored in the transaction that decides its alerts, and marked as sent after the server
accepted it. A crash in between repeats the same bytes under the same Message-ID.

Without a mail server mails are composed and wait in the queue, which says why; without recipients
alerts are closed as NO_RECIPIENT and nothing is composed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from jobs.compose import Letterhead, compose, message_id
from jobs.mail import Refusal, Undeliverable
from jobs.policy import DAY, AlertRule, Plan, decide
from storage import mails, outbox
from storage.db import Conn, Pool, StaleState, transaction
from storage.model.alerts import Mail

NO_SERVER = "No mail server is configured, so this mail waits: set the mail server in blockline.toml."
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)


class Sender(Protocol):
    async def send(self, mail: Mail) -> tuple[Refusal, ...]: ...

    async def close(self) -> None: ...


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
    pool: Pool, sender: Sender | None, rule: AlertRule, now: datetime, head: Letterhead | None = None
) -> TickReport:
    """Decide the open alerts and send every mail that is due. Any number of notifiers may do so at once."""
    try:
        async with transaction(pool) as conn:
            decided = await _decide(conn, rule, now, head or Letterhead())
    except StaleState:  # another notifier decided them
        decided = 0
    if sender is None:
        await mails.explain_queue(pool, now, NO_SERVER)
        return TickReport(decided, 0, 0, 0)
    sent = failed = dead = 0
    try:
        while claimed := await mails.claim_due(pool, now, limit=1):
            match await _send(pool, sender, claimed[0], now):
                case "sent":
                    sent += 1
                case "failed":
                    failed += 1
                case _:
                    dead += 1
    finally:
        await sender.close()
    return TickReport(decided, sent, failed, dead)
