"""The collector interface: for each account asked about, one conclusive reading or one miss."""

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
    """A request that failed as a whole, and when to try again.

    `retry_at` is the earliest useful time for the next request to this place. `breaker` is True if every
    further request would fail in the same way (token, credits, usage cap). The collector then pauses for the
    whole place, and the operator is notified once.
    """

    reason: MissedReason
    detail: str
    retry_at: datetime
    breaker: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its raw answer, from which evidence is cut.

    `at` is when the reading began that the request belongs to. `url` contains no secret. `request_id` is the
    platform's own id of the request; None if it gives none. `said` holds the headers that affect the result
    (such as which labelers applied), by lower-case name.
    """

    url: str
    at: datetime
    http_status: int
    body: bytes
    request_id: str | None = None
    said: tuple[tuple[str, str], ...] = ()
    asked_after: timedelta = timedelta()
    """Time from `at` until the request was sent."""
    answered_after: timedelta = timedelta()
    """Time from `at` until the answer was complete."""

    def by(self, at: datetime) -> "Exchange":
        """A copy whose times are no later than `at`. Needed because two clocks may differ slightly."""
        most = max(at - self.at, timedelta())
        if self.answered_after <= most:
            return self
        return replace(self, asked_after=min(self.asked_after, most), answered_after=most)


@dataclass(frozen=True, slots=True)
class CollectorAnswer:
    """The outcome of reading one batch: each requested id is in exactly one of `readings` and `missed`.

    `exchanges` are the raw answers in the order of the requests; empty if there were none. All readings have
    the same time. If one of them says nothing about a country, all of them count as saying nothing about it,
    because coverage stores that per answer. `trouble` is set if the request failed and nothing was learned
    about any account. `countries` are those that the answer could report, by the settings of the process that
    asked; None means all.
    """

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...]
    exchanges: tuple[Exchange, ...] = ()
    trouble: RequestFailure | None = None
    sent: bool = True
    """False if no request was made because the collector is paused. That does not count as an attempt."""
    countries: frozenset[str] | None = None

    def arrived(self, at: datetime) -> "CollectorAnswer":
        """A copy whose readings are dated by the arrival of the answer instead of the request."""
        is_dated = all(r.at == at for r in self.readings[:1])
        dated = self.readings if is_dated else tuple(r.dated(at) for r in self.readings)
        return replace(self, readings=dated, exchanges=tuple(e.by(at) for e in self.exchanges))


@dataclass(frozen=True, slots=True)
class EngagementAnswer:
    """New engagements of one executive since the cursor, oldest first, and the cursor to store with them.

    If `trouble` is set, nothing is known: `signals` is empty and the cursor is the old one.
    """

    signals: tuple[Signal, ...]
    cursor: str | None
    trouble: RequestFailure | None = None


class UnresolvedReason(StrEnum):
    """Why a handle gave no id."""

    NOT_FOUND = "not_found"
    """The platform knows no such handle: the account is closed or renamed, or the handle is misspelt."""
    SUSPENDED = "suspended"
    """The account exists and is suspended; the platform does not give its id."""
    DEACTIVATED = "deactivated"
    NOT_A_HANDLE = "not_a_handle"
    NO_ANSWER = "no_answer"
    """The request failed. Trying again may help."""


@dataclass(frozen=True, slots=True)
class ResolvedHandle:
    """The id of a handle. `asked` is the handle as requested, `handle` as the platform spells it."""

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
    """The result of looking up handles. Each requested handle is in exactly one of `found` and
    `unresolved`.
    """

    found: tuple[ResolvedHandle, ...]
    unresolved: tuple[UnresolvedHandle, ...]
    trouble: RequestFailure | None = None


@dataclass(frozen=True, slots=True)
class CanaryCandidate:
    """An account that may serve as a control account because it is known to be stable in `expected`."""

    native_id: str
    handle: str
    expected: Status = Status.AVAILABLE


class Collector(Protocol):
    """One platform, seen with one set of credentials from one place.

    Use it with `async with`: a collector owns its connections.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def platform(self) -> Platform: ...

    @property
    def batch_size(self) -> int:
        """The largest number of accounts, control accounts included, that one `read` takes."""
        ...

    @property
    def countries(self) -> frozenset[str] | None:
        """The countries for which the collector can report that an account is withheld; None means all."""
        ...

    def place(self, native_id: str) -> str:
        """The server that answers for the account. Only accounts of one place are asked about together.

        Empty if one server answers for the whole platform. Each place fails, pauses and recovers on its own.
        """
        ...

    def base_url(self, place: str) -> str:
        """The URL that requests about a place go to. Empty if the place itself is the address."""
        ...

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """Ask about up to `batch_size` accounts of one place.

        Failures of the platform, the network or the token become misses. While paused, no request is made and
        the answer has `sent` False. Raises ValueError for a wrong call, such as too many accounts.
        """
        ...

    async def verify_lifts(
        self, answer: CollectorAnswer, withheld_in: Mapping[str, frozenset[str]], now: datetime
    ) -> CollectorAnswer:
        """The answer, after asking a second source about withheld countries that it no longer shows.

        `withheld_in` holds, by native id, the countries in which accounts are known to be withheld. A
        platform that needs no second source returns the answer unchanged.
        """
        ...

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        """Ask for an executive's engagements since `cursor`. None fetches the newest page only."""
        ...

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """Look up the ids of handles or profile URLs, in as many requests as needed."""
        ...

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:
        """Accounts of a place that are known to be stable, watched or not, from which to choose control
        accounts. Empty if none are known or the request failed.
        """
        ...

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """The evidence to keep: by native id, the parts of the raw answers about each account.

        Each value is a document as described in `collectors.core.evidence`. Accounts that no answer mentions
        are left out.
        """
        ...
