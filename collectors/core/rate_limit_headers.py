"""Computing when a platform may be asked again, from its rate-limit headers and the kind of failure. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from storage.model.core.availability import BREAKERS, MissedReason

SHORTEST_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=15)
"""The longest plausible time until a reset. X counts requests in windows of 15 minutes, Bluesky and Mastodon
in windows of 5 minutes.
"""

MOST_JITTER_S = 15.0
_MOST_JITTER = timedelta(seconds=MOST_JITTER_S)
_SHORTEST_LONGEST = timedelta(seconds=30)
_EVERY_NAME = ("x-rate-limit", "x-ratelimit", "ratelimit")
"""Prefixes of the names of the three rate-limit headers, on X, Mastodon and Bluesky in this order."""


@dataclass(frozen=True, slots=True)
class RateLimitWindow:
    """The rate limit of one place, as the platform's last answer stated it. None means not stated."""

    limit: int | None
    remaining: int | None
    reset_at: datetime | None
    retry_after_s: int | None


NOT_STATED = RateLimitWindow(None, None, None, None)


def read_window(headers: Mapping[str, str]) -> RateLimitWindow:
    """Read the rate-limit headers of an answer. A value that cannot be read as a number or time counts as not
    stated.

    The reset header holds epoch seconds on X and Bluesky (measured) and an ISO 8601 time on Mastodon
    (documented).
    """
    for name in _EVERY_NAME:
        limit, remaining, reset = (headers.get(f"{name}-{part}") for part in ("limit", "remaining", "reset"))
        if not (limit is remaining is reset is None):
            break
    else:
        limit = remaining = reset = None
    return RateLimitWindow(
        _number(limit), _number(remaining), _moment(reset), _number(headers.get("retry-after"))
    )


def longest_pause(every: timedelta) -> timedelta:
    """Return the longest pause allowed after a failed request to a place. `every` is the length of a sweep.

    The pause is one sweep, but at least half a minute and at most `LONGEST_WAIT`.
    """
    return min(LONGEST_WAIT, max(every, _SHORTEST_LONGEST))


def failure_of(
    fault: WireFault,
    window: RateLimitWindow,
    now: datetime,
    jitter_s: float,
    longest: timedelta = LONGEST_WAIT,
) -> RequestFailure:
    """Return the failure of a whole request at `now`, with the time of the next try.

    After a rate limit, the platform may state two times: the one in `Retry-After`, and that of the reset. The
    next try is not earlier than either. A stated time further away than `LONGEST_WAIT` is not plausible and
    is not obeyed. If neither is plausible, the wait is at most `longest`. Unless the time of the reset is
    plausible, `jitter_s` is added, so that clients do not all return at once.
    """
    if fault.reason in BREAKERS:
        return RequestFailure(fault.reason, fault.detail, now + longest, breaker=True)
    if fault.reason is MissedReason.RATE_LIMITED:
        retry_at = _after_limit(window, now, timedelta(seconds=jitter_s), longest)
        return RequestFailure(fault.reason, fault.detail, retry_at, breaker=False)
    return RequestFailure(fault.reason, fault.detail, now + min(SHORTEST_WAIT, longest), breaker=False)


def exhausted(window: RateLimitWindow, now: datetime) -> datetime | None:
    """Return the reset time if this answer used up the rate limit. None if requests are left, or if no
    plausible reset time was stated.
    """
    if window.remaining != 0 or window.reset_at is None or not now < window.reset_at <= now + LONGEST_WAIT:
        return None
    return window.reset_at


class Pauses:
    """Places (endpoints, hosts) that must not be asked for a while, each with the failure that caused the
    pause.

    The caller passes the time as `now`, so that a backtest can use its own time.
    """

    def __init__(self) -> None:
        self._pauses: dict[str, RequestFailure] = {}

    def start(self, place: str, trouble: RequestFailure) -> None:
        """Pause `place` until `trouble.retry_at`."""
        self._pauses[place] = trouble

    def of(self, now: datetime, *places: str) -> RequestFailure | None:
        """Return the failure that pauses these places longest; None if none of them is paused at `now`."""
        pauses = [self._pauses.get(place) for place in places]
        lasting = [pause for pause in pauses if pause is not None and pause.retry_at > now]
        return max(lasting, key=lambda pause: pause.retry_at, default=None)

    def note_window(self, place: str, window: RateLimitWindow, now: datetime) -> None:
        """Pause `place` until the reset if `window` says that no requests are left."""
        used_up_until = exhausted(window, now)
        if used_up_until is not None:
            detail = "the rate limit of this window is used up"
            self.start(place, RequestFailure(MissedReason.RATE_LIMITED, detail, used_up_until, breaker=False))


def _after_limit(window: RateLimitWindow, now: datetime, jitter: timedelta, longest: timedelta) -> datetime:
    longest -= _MOST_JITTER
    wanted = now + min(SHORTEST_WAIT, longest)
    if window.retry_after_s is not None:
        stated = timedelta(seconds=window.retry_after_s)
        wanted = max(wanted, now + (stated if stated <= LONGEST_WAIT else longest))
    reset_at = window.reset_at
    if reset_at is not None and now < reset_at <= now + LONGEST_WAIT:
        return max(wanted, reset_at)
    if reset_at is not None and reset_at > now:
        wanted = max(wanted, now + longest)
    return wanted + jitter


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _moment(text: str | None) -> datetime | None:
    epoch = _number(text)
    try:
        if epoch is not None:
            return datetime.fromtimestamp(epoch, UTC)
        at = datetime.fromisoformat(text.strip()) if text else None
        return None if at is None else at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
