"""When a collector pauses as a whole, and when it tries again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.core.collector import Trouble
from storage.model.core.availability import MissedReason

FAILURES_TO_CLOSE = 3
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Gate:
    """Closed until `closed_until`; open when that is None or past. A fresh gate is open and healthy."""

    failures: int = 0
    """Requests that failed in a row."""
    closings: int = 0
    """How often it closed in a row: the pause doubles with each."""
    failed_at: datetime | None = None
    closed_until: datetime | None = None
    reason: MissedReason | None = None
    detail: str = ""

    def is_closed(self, now: datetime) -> bool:
        return self.closed_until is not None and now < self.closed_until

    def after(self, trouble: Trouble | None, asked_at: datetime, now: datetime) -> "Gate":
        """The gate after a request that was asked at `asked_at` and ended `now`.

        One failure does not close it; a bad token, a limit or the third does. Several requests are under
        way at once: an answer to an older question opens nothing, and a failure never shortens a pause.
        """
        if trouble is None:
            is_news = self.failed_at is None or asked_at > self.failed_at
            return Gate() if is_news else self
        failed = replace(
            self, failures=self.failures + 1, failed_at=now, reason=trouble.reason, detail=trouble.detail
        )
        if trouble.breaker or trouble.reason is MissedReason.RATE_LIMITED:
            return failed._closed(trouble.retry_at)
        if self.is_closed(now):
            return replace(self, failures=failed.failures, failed_at=now)
        if failed.failures < FAILURES_TO_CLOSE:
            return failed
        pause = min(_FIRST_PAUSE * 2 ** min(self.closings, 10), _LONGEST_PAUSE)
        return replace(failed, closings=self.closings + 1)._closed(now + pause)

    def _closed(self, until: datetime) -> "Gate":
        longest = until if self.closed_until is None else max(until, self.closed_until)
        return replace(self, closed_until=longest)
