"""The mail side of a pipeline as one thing that can be ticked: rules, letterhead and server tied together."""

from dataclasses import dataclass
from datetime import datetime

from jobs import notify
from jobs.compose import Letterhead
from jobs.notify import Sender
from jobs.policy import AlertRule
from storage.db import Pool


@dataclass(frozen=True, slots=True)
class MailLoop:
    pool: Pool
    sender: Sender | None
    rule: AlertRule
    head: Letterhead

    async def tick(self, now: datetime) -> None:
        await notify.tick(self.pool, self.sender, self.rule, now, self.head)

    async def next_due(self, now: datetime) -> datetime | None:
        return await notify.next_due(self.pool, self.sender, self.rule, now)
