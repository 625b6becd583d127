"""Where the time comes from: the only module that reads the clock of the machine."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_LONGEST_NAP_S = 0.2
"""The pace may change on the way, so a long wait is taken in small parts."""


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
    runs past the last `wait_for`, so that nobody sees a time whose events have not happened yet.
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

    async def wait_for(self, at: datetime) -> None:
        """Let the clock run on, but not past `at`, and wait until it gets there."""
        self()
        self._limit = max(at, self._now)
        while (left := (at - self()).total_seconds()) > 0:  # noqa: ASYNC110 - time is what is waited for
            await asyncio.sleep(min(left / self._pace(self._now), _LONGEST_NAP_S))
