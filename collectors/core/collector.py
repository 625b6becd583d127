"""What every collector answers: for each account asked, one conclusive reading or one honest miss."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from storage.model.core.accounts import Platform
from storage.model.core.availability import Missed, MissedReason, Reading, Status
from storage.model.core.signals import Signal


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """A request that failed as a whole, and what to do about it.

    `retry_at` is the earliest useful time for the next request to this place. `breaker` is True when
    every further request would fail in the same way (token, credits, usage cap): the collector then
    pauses there as a whole and the operator is told once.
    """

    reason: MissedReason
    detail: str
    retry_at: datetime
    breaker: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its raw answer: what evidence is cut out of.

    `at` is when the reading began that it belongs to. `url` holds no secret. `request_id` is the platform's
    own, where it gives one. `said` holds the headers that bear on the verdict (which labelers had a say), by
    lower-case name.
    """

    url: str
    at: datetime
    http_status: int
    body: bytes
    request_id: str | None = None
    said: tuple[tuple[str, str], ...] = ()
    asked_after: timedelta = timedelta()
    """How long after `at` it was sent."""
    answered_after: timedelta = timedelta()
    """How long after `at` all of the answer had come."""

    def by(self, at: datetime) -> "Exchange":
        """The same, asked and answered no later than `at`, where two clocks differ a little."""
        most = max(at - self.at, timedelta())
        if self.answered_after <= most:
            return self
        return replace(self, asked_after=min(self.asked_after, most), answered_after=most)


@dataclass(frozen=True, slots=True)
class CollectorAnswer:
    """The outcome of reading one roster: each asked id is in exactly one of `readings` and `missed`.

    `exchanges` are the raw answers that it rests on, in the order of the requests; empty when there
    was none. All readings bear one time. Where one of them is silent on a country, all of them count as
    silent on it: coverage has that for the whole answer. `trouble` is set when nothing could be learned of
    anybody. `countries` are those that it could speak of, by the settings of the process that asked; None:
    all.
    """

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...]
    exchanges: tuple[Exchange, ...] = ()
    trouble: RequestFailure | None = None
    sent: bool = True
    """False when nothing was asked, because the collector pauses: not an attempt."""
    countries: frozenset[str] | None = None

    def arrived(self, at: datetime) -> "CollectorAnswer":
        """The same, its readings dated when the answer had arrived rather than when it was asked for."""
        is_dated = all(r.at == at for r in self.readings[:1])
        dated = self.readings if is_dated else tuple(r.dated(at) for r in self.readings)
        return replace(self, readings=dated, exchanges=tuple(e.by(at) for e in self.exchanges))


@dataclass(frozen=True, slots=True)
class EngagementAnswer:
    """New acts of one executive since the cursor, oldest first, and the cursor to store with them.

    When `trouble` is set nothing may be concluded, `signals` is empty and the cursor is the old one.
    """

    signals: tuple[Signal, ...]
    cursor: str | None
    trouble: RequestFailure | None = None


class UnresolvedReason(StrEnum):
    """Why no id is known for a handle."""

    NOT_FOUND = "not_found"
    """The platform knows no such handle: closed, renamed, or misspelt."""
    SUSPENDED = "suspended"
    """There is such an account and it is suspended; the platform does not tell its id."""
    DEACTIVATED = "deactivated"
    NOT_A_HANDLE = "not_a_handle"
    NO_ANSWER = "no_answer"
    """Nothing was learned: try again."""


@dataclass(frozen=True, slots=True)
class ResolvedHandle:
    """`asked` is the handle as it was asked for, `handle` as the platform spells it."""

    asked: str
    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class UnresolvedHandle:
    """A handle that gave no id."""

    asked: str
    why: UnresolvedReason
    detail: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Each asked handle is in exactly one of `found` and `unresolved`."""

    found: tuple[ResolvedHandle, ...]
    unresolved: tuple[UnresolvedHandle, ...]
    trouble: RequestFailure | None = None


@dataclass(frozen=True, slots=True)
class CanaryCandidate:
    """An account that may serve as a control account: known to be stable in `expected`."""

    native_id: str
    handle: str
    expected: Status = Status.AVAILABLE


class Collector(Protocol):
    """One platform, seen with one set of credentials from one place.

    Use as `async with`: a collector owns its connections.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def platform(self) -> Platform: ...

    @property
    def batch_size(self) -> int:
        """Largest number of accounts, control accounts included, that one `read` takes."""
        ...

    @property
    def countries(self) -> frozenset[str] | None:
        """The countries of which it can tell that an account is withheld there; None: of all."""
        ...

    def place(self, native_id: str) -> str:
        """Which server answers for the account: only accounts of one place are asked together.

        Empty where one server answers for the whole platform. A place fails, pauses and recovers alone.
        """
        ...

    def base_url(self, place: str) -> str:
        """The address that is asked for the accounts of a place. Empty where that is the place itself."""
        ...

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """Ask for up to `batch_size` accounts of one place. Faults of platform, network or token become
        misses. Never asks while paused: the answer is then not `sent`. Raises ValueError for a wrong call.
        """
        ...

    async def verify_lifts(
        self, answer: CollectorAnswer, withheld_in: Mapping[str, frozenset[str]], now: datetime
    ) -> CollectorAnswer:
        """The same answer after a second source was asked about restrictions that it no longer shows.

        `withheld_in` holds by native id the countries in which accounts are held to be withheld. A platform
        whose answers need no second source returns the answer as it is.
        """
        ...

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        """Ask what an executive did since `cursor` (None: the newest page only)."""
        ...

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """The ids of handles or of addresses of profiles, in as many requests as it takes."""
        ...

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:
        """Accounts of a place that are known to be stable, watched or not: to choose control accounts
        from. Empty when none is known or nothing was answered.
        """
        ...

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """For each account that raw answers speak of, the parts about it: the evidence to keep.

        A document of `collectors.core.evidence`: with addresses, times and hashes of the whole answers.
        """
        ...
