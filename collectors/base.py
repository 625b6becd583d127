"""What every collector answers: for each account asked, one conclusive reading or one honest miss."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.model.accounts import Platform
from storage.model.availability import Missed, MissedReason, Reading
from storage.model.signals import Signal


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request that failed as a whole, and what to do about it.

    `retry_at` is the earliest useful time for the next request of this collector. `breaker` is
    True when every further request would fail in the same way (token, credits, usage cap): the
    collector then pauses as a whole and the operator is told once.
    """

    reason: MissedReason
    detail: str
    retry_at: datetime
    breaker: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one request: each asked id is in exactly one of `readings` and `missed`.

    `body` is the raw answer, kept as evidence; empty when there was none.
    """

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...]
    body: bytes
    trouble: Trouble | None = None
    sent: bool = True
    """False when nothing was asked, because the collector pauses: not an attempt."""


@dataclass(frozen=True, slots=True)
class Engagement:
    """New acts of one executive since the cursor, oldest first, and the cursor to store with them.

    When `trouble` is set nothing may be concluded, `signals` is empty and the cursor is the old one.
    """

    signals: tuple[Signal, ...]
    cursor: str | None
    trouble: Trouble | None = None


class Collector(Protocol):
    """One platform, seen with one set of credentials from one place."""

    @property
    def platform(self) -> Platform: ...

    @property
    def batch_size(self) -> int:
        """Largest number of accounts in one request."""
        ...

    async def read(self, native_ids: Sequence[str], now: datetime) -> Answer:
        """Ask for up to `batch_size` accounts. Faults of platform, network or token become misses."""
        ...

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> Engagement:
        """Ask what an executive did since `cursor` (None: the newest page only)."""
        ...

    def excerpts(self, body: bytes, native_ids: Iterable[str]) -> dict[str, bytes]:
        """For each account that a raw answer speaks of, the part about it: the evidence to keep."""
        ...
