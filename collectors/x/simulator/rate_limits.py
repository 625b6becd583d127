"""Pure: how often each endpoint of X was asked, and when its rate limit refuses."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final

WINDOW: Final = timedelta(minutes=15)

DOCUMENTED_LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "users": 300,
        "users/by": 300,
        "users/:id": 300,
        "tweets": 3_500,
        "users/:id/tweets": 10_000,
        "users/:id/following": 300,
        "users/:id/liked_tweets": 75,
        "compliance/jobs": 150,
    }
)
"""Requests in 15 minutes: of one app, and for likes of one user (documented, rate limits of X)."""


@dataclass(slots=True)
class _MeterWindow:
    since: datetime
    used: int = 0


class Meter:
    """Counts requests in windows of simulated time. `limits` is one for every endpoint, or one for each."""

    def __init__(self, limits: int | Mapping[str, int] | None) -> None:
        self._limits = limits
        self._windows: dict[tuple[str, str], _MeterWindow] = {}
        self._requests: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._of_day: dict[date, set[str]] = {}

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """By endpoint: requests, ids or handles asked for, and requests refused for the rate limit."""
        return {
            name: {"requests": n, "ids": self._ids[name], "refused": self._refused[name]}
            for name, n in self._requests.items()
        }

    def asked(self, endpoint: str, ids: int) -> None:
        """So many ids were asked for."""
        self._ids[endpoint] += ids

    def looked_up(self, native_ids: Iterable[str], now: datetime) -> None:
        """These users were asked for by their ids."""
        self._of_day.setdefault(now.astimezone(UTC).date(), set()).update(native_ids)

    @property
    def account_days(self) -> dict[date, int]:
        """Different users asked for by id on each UTC day: X bills those of them that it returns."""
        return {day: len(ids) for day, ids in self._of_day.items()}

    def take(self, endpoint: str, reader: str, now: datetime) -> tuple[dict[str, str], bool]:
        """Count a request of `reader` (empty: the app): the rate-limit headers, and whether it is refused."""
        self._requests[endpoint] += 1
        limit = self._limits.get(endpoint) if isinstance(self._limits, Mapping) else self._limits
        if limit is None:
            return {}, False
        window = self._windows.get((endpoint, reader))
        if window is None or not window.since <= now < window.since + WINDOW:
            window = self._windows[endpoint, reader] = _MeterWindow(now)
        refused = window.used >= limit
        if refused:
            self._refused[endpoint] += 1
        else:
            window.used += 1
        headers = {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(limit - window.used),
            "x-rate-limit-reset": str(int((window.since + WINDOW).timestamp())),
        }
        return headers, refused
