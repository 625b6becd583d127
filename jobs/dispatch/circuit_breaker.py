"""Pure: when a collector stops asking a place that fails, and when it tries again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import LONGEST_WAIT
from storage.model.core.availability import MissedReason

FAILURES_TO_TRIP = 3
_FIRST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Nothing is asked until `paused_until`; after that one request, the probe, asks how the place is. None
    lets every request through. A new one is healthy.
    """

    failures: int = 0
    """Requests that failed in a row."""
    trips: int = 0
    """How often it paused in a row: the pause doubles with each."""
    failed_at: datetime | None = None
    paused_until: datetime | None = None
    probed_until: datetime | None = None
    """Until when the others wait for the answer to the probe. It is as long as the next pause, and both count
    from the question, so that a place that hangs for long is asked again no later than any other.
    """
    reason: MissedReason | None = None
    detail: str = ""

    @property
    def closed_until(self) -> datetime | None:
        """Until when no further request is made; None or a past time: one may be."""
        return self.paused_until if self.probed_until is None else self.probed_until

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and now < self.paused_until

    def probed(self, now: datetime, longest: timedelta = LONGEST_WAIT) -> "CircuitBreaker":
        """The breaker when a request is made at `now`: the probe, if the place had failed."""
        if self.paused_until is None:
            return self
        return replace(self, trips=self.trips + 1, probed_until=now + self._pause(longest))

    def after(
        self,
        failure: RequestFailure | None,
        asked_at: datetime,
        now: datetime,
        longest: timedelta = LONGEST_WAIT,
    ) -> "CircuitBreaker":
        """The breaker after a request that was sent at `asked_at` and ended `now`.

        One failure does not trip it; a bad token, a rate limit, a failed probe or the third failure does. It
        never pauses for more than `longest`, but for what the platform said. Several requests run at once: an
        answer to an older one ends no pause, and a failure never shortens a pause.
        """
        if failure is None:
            is_news = self.failed_at is None or asked_at > self.failed_at
            return CircuitBreaker() if is_news else self
        failed = replace(
            self,
            failures=self.failures + 1,
            failed_at=now,
            probed_until=None,
            reason=failure.reason,
            detail=failure.detail,
        )
        if failure.breaker or failure.reason is MissedReason.RATE_LIMITED:
            return failed._paused(failure.retry_at)
        if self.is_paused(now):
            return replace(self, failures=failed.failures, failed_at=now)
        if self.probed_until is not None:
            return failed._paused(self.probed_until)
        if failed.failures < FAILURES_TO_TRIP:
            return failed
        return replace(failed, trips=self.trips + 1)._paused(asked_at + self._pause(longest))

    def _pause(self, longest: timedelta) -> timedelta:
        return min(_FIRST_PAUSE * 2 ** min(self.trips, 10), longest)

    def _paused(self, until: datetime) -> "CircuitBreaker":
        longest = until if self.paused_until is None else max(until, self.paused_until)
        return replace(self, paused_until=longest)
