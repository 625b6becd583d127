"""The loops of a notifier: deciding, sending emails, and sending to channels. Each is independent of the
others.

If a mail server hangs, decisions and channels continue. If a message cannot be sent, other messages are sent.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.base.clock import Clock
from jobs.delivery.sender import NO_SERVER, Sender
from jobs.messages.compose import Letterhead
from jobs.notify import merging
from jobs.notify.notifier import Accepted, decide_due, next_decision, record_accepted, send_next
from storage.alerts import mail_queue
from storage.alerts.open_alerts import news_mark
from storage.model.alerts.alerts import Via
from storage.postgres.pool import Pool

_THINK_AGAIN = timedelta(seconds=30)
"""The longest time for which a plan is used. If something new is recorded, the next turn makes a new plan."""


_MINUTE = timedelta(minutes=1)


class MailRateLimit:
    """Allows at most `per_minute` emails in any minute; None means no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._tried: deque[datetime] = deque()

    def allows(self, now: datetime) -> bool:
        """Whether another email may be tried at `now`."""
        while self._tried and self._tried[0] <= now - _MINUTE:
            self._tried.popleft()
        return self._per_minute is None or len(self._tried) < self._per_minute

    def count(self, now: datetime) -> None:
        """Count an attempt at `now`, whatever its result."""
        if self._per_minute is not None:
            self._tried.append(now)


@dataclass(slots=True)
class DecisionLoop:
    """Decides the open alerts when they are due. A `turn` is cheap if nothing new was recorded."""

    pool: Pool
    head: Letterhead
    clock: Clock
    _due: datetime | None = field(default=None, init=False)
    _known: tuple[int, ...] | None = field(default=None, init=False)
    _planned_at: datetime | None = field(default=None, init=False)

    async def turn(self) -> None:
        if self._planned_at is None:
            self.head.prepare()
        now = self.clock()
        known = await news_mark(self.pool)
        old = self._planned_at is None or not self._planned_at <= now < self._planned_at + _THINK_AGAIN
        if old or known != self._known:
            self._due = await next_decision(self.pool, now)
            self._known, self._planned_at = known, now
            # A mail may have failed only after the one that makes it pointless was written.
            await merging.tick(self.pool, now, self.head)
        if self._due is not None and self._due <= now:
            self._known = None
            await decide_due(self.pool, now, self.head)


@dataclass(slots=True)
class DeliveryLoop:
    """Sends the due messages that go out by `via`, one after the other."""

    pool: Pool
    sender: Sender | None
    """None if there is no mail server. Emails then wait, and the reason is recorded."""
    via: Via
    clock: Clock
    pace: MailRateLimit = field(default_factory=lambda: MailRateLimit(None))
    _accepted: list[Accepted] = field(default_factory=list[Accepted], init=False)
    """Not yet recorded, because the database could not be reached."""

    async def turn(self) -> None:
        await record_accepted(self.pool, self._accepted)
        if self.sender is None:
            await mail_queue.explain_queue(self.pool, self.clock(), NO_SERVER)
            return
        try:
            while self.pace.allows(now := self.clock()):
                if await send_next(self.pool, self.sender, self.clock, self.via, self._accepted) is None:
                    break
                self.pace.count(now)
        finally:
            await self.sender.close()
