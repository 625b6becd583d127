"""Pure: when X may be asked again, from its rate-limit headers and from what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from collectors.base import Trouble
from collectors.x_envelope import Fault
from storage.model.availability import MissedReason

SHORTEST_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=15)
"""X counts requests in windows of 15 minutes: a reset that lies further away is absurd."""

BREAKERS = frozenset(
    {MissedReason.AUTH, MissedReason.CREDITS, MissedReason.ACCESS, MissedReason.USAGE_CAPPED}
)
"""Reasons for which every further request would fail in the same way until somebody acts."""


@dataclass(frozen=True, slots=True)
class Window:
    """X's count of the requests to one endpoint, as its last answer stated it. None: not stated."""

    limit: int | None
    remaining: int | None
    reset_at: datetime | None
    retry_after_s: int | None


def read_window(headers: Mapping[str, str]) -> Window:
    """The rate-limit headers of an answer; what is not a plain number counts as not stated."""
    reset = _number(headers.get("x-rate-limit-reset"))
    return Window(
        limit=_number(headers.get("x-rate-limit-limit")),
        remaining=_number(headers.get("x-rate-limit-remaining")),
        reset_at=None if reset is None else datetime.fromtimestamp(reset, UTC),
        retry_after_s=_number(headers.get("retry-after")),
    )


def trouble_of(fault: Fault, window: Window, now: datetime, jitter_s: float) -> Trouble:
    """What to do about a request that failed as a whole at `now`.

    `jitter_s` is added where X did not say when to come back, so that clients do not return at once.
    """
    if fault.reason in BREAKERS:
        return Trouble(fault.reason, fault.detail, now + LONGEST_WAIT, breaker=True)
    if fault.reason is MissedReason.RATE_LIMITED:
        return Trouble(fault.reason, fault.detail, _after_limit(window, now, jitter_s), breaker=False)
    return Trouble(fault.reason, fault.detail, now + SHORTEST_WAIT, breaker=False)


def exhausted(window: Window, now: datetime) -> datetime | None:
    """When the next request makes sense although this one succeeded: its window may be used up."""
    if window.remaining != 0 or window.reset_at is None or not now < window.reset_at <= now + LONGEST_WAIT:
        return None
    return window.reset_at


def _after_limit(window: Window, now: datetime, jitter_s: float) -> datetime:
    wanted = now + SHORTEST_WAIT
    if window.retry_after_s is not None:
        wanted = max(wanted, now + timedelta(seconds=min(window.retry_after_s, LONGEST_WAIT.seconds)))
    reset_at = window.reset_at
    if reset_at is not None and now < reset_at <= now + LONGEST_WAIT:
        return max(wanted, reset_at)
    if reset_at is not None and reset_at > now:
        wanted = now + LONGEST_WAIT
    return wanted + timedelta(seconds=jitter_s)


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
