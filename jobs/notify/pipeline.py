"""The way of an alert, put together: from what is decided to what a mail server or a channel accepted.

A change and its alert are stored in one transaction (`storage.alerts.creation`); here it goes on.
"""

from collections.abc import Awaitable, Callable

from jobs.base.clock import Clock
from jobs.delivery.rate_limit import MailRateLimit
from jobs.delivery.sender import Sender
from jobs.messages.compose import Letterhead
from jobs.notify.loops import DecisionLoop, DeliveryLoop
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
    """The loops of the notifying side by name, in the order in which an alert passes them.

    Each runs by itself: a server that hangs delays no decision and no other way out. `smtp` None: mails are
    composed and wait, and say why.
    """
    decision = DecisionLoop(pool, head, clock)  # take, decide and group, compose, queue: one transaction
    email = DeliveryLoop(pool, smtp, Via.SMTP, clock, MailRateLimit(mails_per_minute))  # send, then mark
    channel = DeliveryLoop(pool, channels, Via.CHANNEL, clock)
    return {
        "Deciding what is told": decision.turn,
        "Mailing": email.turn,
        "Telling channels": channel.turn,
    }
