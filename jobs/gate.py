"""When a collector pauses as a whole, and when it tries again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.base import Trouble
from storage.model.availability import MissedReason

_FAILURES_TO_CLOSE = 3
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Gate:
    """Closed until `closed_until`; open when that is None or past. A fresh gate is open and healthy."""

    failures: int = 0
    """Requests that failed in a row."""
    rounds: int = 0
    """Different times at which they failed: the pause doubles with each."""
    failed_at: datetime | None = None
    closed_until: datetime | None = None
    reason: MissedReason | None = None
    detail: str = ""

    def is_closed(self, now: datetime) -> bool:
        return self.closed_until is not None and now < self.closed_until

    def after(self, trouble: Trouble | None, now: datetime) -> "Gate":
        """The gate after a request. One failure does not close it; a bad token, a limit or the third does."""
        if trouble is None:
            return self if self == Gate() else Gate()
        rounds = self.rounds + (self.failed_at != now)
        failed = replace(
            self,
            failures=self.failures + 1,
            rounds=rounds,
            failed_at=now,
            reason=trouble.reason,
            detail=trouble.detail,
        )
        if trouble.breaker or trouble.reason is MissedReason.RATE_LIMITED:
            return replace(failed, closed_until=trouble.retry_at)
        if failed.failures < _FAILURES_TO_CLOSE:
            return failed
        pause = min(_FIRST_PAUSE * 2 ** min(rounds - 1, 10), _LONGEST_PAUSE)
        return replace(failed, closed_until=now + pause)
