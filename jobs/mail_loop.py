"""The mail side of a pipeline as one thing that can be ticked: letterhead and sender tied together."""

from dataclasses import dataclass
from datetime import datetime

from jobs import notify
from jobs.compose import Letterhead
from jobs.notify import Sender
from storage.db import Pool


@dataclass(frozen=True, slots=True)
class MailLoop:
    pool: Pool
    sender: Sender | None
    head: Letterhead

    async def tick(self, now: datetime) -> None:
        await notify.tick(self.pool, self.sender, now, self.head)

    async def next_due(self, now: datetime) -> datetime | None:
        return await notify.next_due(self.pool, self.sender, now)
