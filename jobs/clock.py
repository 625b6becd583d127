"""Where the time comes from: the only module that reads the clock of the machine."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands at the moment of the last event until it is set to the next."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now


class PacedClock:
    """A clock that runs through a simulated period faster than the wall does.

    `pace(at)` tells how many simulated seconds pass in one real second at that moment. It never
    runs past `set_limit`, so that nobody sees a time whose events have not happened yet.
    """

    def __init__(self, start: datetime, pace: Callable[[datetime], float]) -> None:
        self._pace = pace
        self._now = start
        self._limit = start
        self._read_at = time.monotonic()

    def __call__(self) -> datetime:
        read_at = time.monotonic()
        elapsed = read_at - self._read_at
        self._read_at = read_at
        self._now = min(self._limit, self._now + timedelta(seconds=elapsed * self._pace(self._now)))
        return self._now

    def set_limit(self, limit: datetime) -> None:
        """Let the clock run on, but not past `limit`."""
        self()
        self._limit = max(limit, self._now)

    def seconds_until(self, at: datetime) -> float:
        """Real seconds until the clock, running freely from now, shows `at`; 0 when it is past."""
        return max(0.0, (at - self()).total_seconds() / self._pace(self._now))
