"""How many mails a server is given in a minute. Pure."""

from collections import deque
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)


class MailRateLimit:
    """At most so many in any minute; None: as many as there are."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._tried: deque[datetime] = deque()

    def allows(self, now: datetime) -> bool:
        """Whether another one may be tried at `now`."""
        while self._tried and self._tried[0] <= now - _MINUTE:
            self._tried.popleft()
        return self._per_minute is None or len(self._tried) < self._per_minute

    def count(self, now: datetime) -> None:
        """One is tried at `now`, whatever becomes of it."""
        if self._per_minute is not None:
            self._tried.append(now)
