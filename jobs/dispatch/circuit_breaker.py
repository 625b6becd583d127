"""Pure: when a collector stops asking a place that fails, and when it tries again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.core.collector import RequestFailure
from storage.model.core.availability import MissedReason

FAILURES_TO_TRIP = 3
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Nothing is asked until `paused_until`; None or a past time lets requests through. A new one is
    healthy.
    """

    failures: int = 0
    """Requests that failed in a row."""
    trips: int = 0
    """How often it paused in a row: the pause doubles with each."""
    failed_at: datetime | None = None
    paused_until: datetime | None = None
    reason: MissedReason | None = None
    detail: str = ""

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and now < self.paused_until

    def after(self, trouble: RequestFailure | None, asked_at: datetime, now: datetime) -> "CircuitBreaker":
        """The breaker after a request that was sent at `asked_at` and ended `now`.

        One failure does not trip it; a bad token, a rate limit or the third failure does. Several requests
        run at once: an answer to an older one ends no pause, and a failure never shortens a pause.
        """
        if trouble is None:
            is_news = self.failed_at is None or asked_at > self.failed_at
            return CircuitBreaker() if is_news else self
        failed = replace(
            self, failures=self.failures + 1, failed_at=now, reason=trouble.reason, detail=trouble.detail
        )
        if trouble.breaker or trouble.reason is MissedReason.RATE_LIMITED:
            return failed._paused(trouble.retry_at)
        if self.is_paused(now):
            return replace(self, failures=failed.failures, failed_at=now)
        if failed.failures < FAILURES_TO_TRIP:
            return failed
        pause = min(_FIRST_PAUSE * 2 ** min(self.trips, 10), _LONGEST_PAUSE)
        return replace(failed, trips=self.trips + 1)._paused(now + pause)

    def _paused(self, until: datetime) -> "CircuitBreaker":
        longest = until if self.paused_until is None else max(until, self.paused_until)
        return replace(self, paused_until=longest)
