"""Pure: the simulated time of a platform, and which accounts changed between two times."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime

from collectors.simulator.history import HistoryAccount


class HistoryClock:
    """A time that is moved in either direction."""

    def __init__(
        self, accounts: Iterable[HistoryAccount], now: datetime, events: Iterable[tuple[datetime, str]] = ()
    ) -> None:
        """`events` are changes besides those of the histories: when, and the native id of the account."""
        self.now = now
        self._events = sorted(
            {(at, a.native_id) for a in accounts for at in (*a.times[1:], *a.handle_times[1:])} | set(events)
        )
        self._passed = self._events_until(now)

    def move_to(self, now: datetime) -> set[str]:
        """Set the time. Returns the native ids of the accounts that changed on the way."""
        passed = self._events_until(now)
        between = self._events[min(passed, self._passed) : max(passed, self._passed)]
        self.now, self._passed = now, passed
        return {native_id for _, native_id in between}

    def _events_until(self, at: datetime) -> int:
        return bisect_right(self._events, at, key=lambda event: event[0])
