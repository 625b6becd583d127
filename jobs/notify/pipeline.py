"""Assembling the alert pipeline, from decision to delivery.

The alert itself is stored in the transaction of its change (`storage.alerts.creation`).
"""

from collections.abc import Awaitable, Callable

from jobs.base.clock import Clock
from jobs.delivery.sender import Sender
from jobs.messages.compose import Letterhead
from jobs.notify.loops import DecisionLoop, DeliveryLoop, MailRateLimit
from storage.model.alerts.alerts import Via
from storage.postgres.pool import Pool


def alert_pipeline(
    pool: Pool,
    head: Letterhead,
    smtp: Sender | None,
    channels: Sender,
    clock: Clock,
    mails_per_minute: int | None = None,
) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return the loops of the notifier by name, in the order in which an alert passes them.

    If a server hangs, the other loops continue. If `smtp` is None, emails are composed and wait, and the
    reason is recorded.
    """
    # From open alerts to queued messages, in one transaction: take, decide and group, compose, queue.
    decision = DecisionLoop(pool, head, clock)
    # From the queue to a server: claim, send, and mark as sent, to be retried, or dead.
    email = DeliveryLoop(pool, smtp, Via.SMTP, clock, MailRateLimit(mails_per_minute))
    channel = DeliveryLoop(pool, channels, Via.CHANNEL, clock)
    return {
        "Deciding what to send": decision.turn,
        "Sending emails": email.turn,
        "Sending to channels": channel.turn,
    }
