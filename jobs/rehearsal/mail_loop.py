"""The mail side of a pipeline as one thing that can be ticked: letterhead and sender tied together."""

from dataclasses import dataclass, field
from datetime import datetime

from jobs.delivery.sender import Sender
from jobs.messages.compose import Letterhead
from jobs.notify import notifier
from storage.postgres.pool import Pool


@dataclass(slots=True)
class MailLoop:
    pool: Pool
    sender: Sender | None
    head: Letterhead
    next_due: datetime | None = field(default=None, init=False)
    """When the next tick has something to do, as far as the last one knew. None: nothing is open."""

    async def tick(self, now: datetime) -> None:
        # What is open is weighed once a tick; mails are few beside the ticks in which changes come.
        self.next_due = await notifier.next_due(self.pool, self.sender, now)
        if self.next_due is not None and self.next_due <= now:
            await notifier.tick(self.pool, self.sender, now, self.head)
            self.next_due = await notifier.next_due(self.pool, self.sender, now)
