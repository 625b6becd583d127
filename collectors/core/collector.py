"""The collector interface. For each account asked about, a collector returns one conclusive reading or one
miss.
"""

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
    """A request that failed as a whole.

    `retry_at` is the earliest useful time for another request to the same place. If `breaker` is True, every
    further request would fail for the same reason, such as a rejected token or a usage cap. The collector
    then pauses for the whole place, and the operator is notified once.
    """

    reason: MissedReason
    detail: str
    retry_at: datetime
    breaker: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its raw answer, from which evidence is cut.

    `at` is the start of the reading; one reading may need several requests. `url` contains no secret.
    `request_id` is the platform's id of the request, or None if the platform gave none. `said` holds the
    headers of the answer that affect the result, such as which labelers applied. Header names are in lower
    case.
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
        """Return a copy in which the request and the answer are not later than `at`. Two clocks may differ
        slightly.
        """
        most = max(at - self.at, timedelta())
        if self.answered_after <= most:
            return self
        return replace(self, asked_after=min(self.asked_after, most), answered_after=most)


@dataclass(frozen=True, slots=True)
class CollectorAnswer:
    """The outcome of reading one batch. Each requested id is in exactly one of `readings` and `missed`.

    `exchanges` are the raw answers in the order of the requests; empty if there were none. `trouble` is set
    if the request failed and no account was answered. `countries` are the countries that the answer could
    report with the collector's settings; None means all.

    All readings have the same time. If one reading does not report a country, the country counts as
    unreported by all readings, because coverage stores unreported countries per answer.
    """

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...]
    exchanges: tuple[Exchange, ...] = ()
    trouble: RequestFailure | None = None
    sent: bool = True
    """False if no request was made because the collector is paused. No attempt is counted then."""
    countries: frozenset[str] | None = None

    def arrived(self, at: datetime) -> "CollectorAnswer":
        """Return a copy in which all readings have the time `at`, when the answer arrived. Exchanges are not
        later than `at`.
        """
        is_dated = all(r.at == at for r in self.readings[:1])
        dated = self.readings if is_dated else tuple(r.dated(at) for r in self.readings)
        return replace(self, readings=dated, exchanges=tuple(e.by(at) for e in self.exchanges))


@dataclass(frozen=True, slots=True)
class BatchReadings:
    """What one answer about a batch says of accounts. One that is in neither is missed: it was left out."""

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, slots=True)
class EngagementAnswer:
    """New engagements of one executive since the cursor, oldest first, and the next cursor to store.

    If `trouble` is set, the request failed: `signals` is empty and the cursor is the old one.
    """

    signals: tuple[Signal, ...]
    cursor: str | None
    trouble: RequestFailure | None = None


class UnresolvedReason(StrEnum):
    """Why a handle gave no id."""

    NOT_FOUND = "not_found"
    """The platform does not know the handle. The account may be closed or renamed, or the handle misspelt."""
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
    """An account that may become a control account, because its status is stable. `expected` is
    this status.
    """

    native_id: str
    handle: str
    expected: Status = Status.AVAILABLE


def by_place(collector: "Collector", native_ids: Iterable[str]) -> dict[str, list[str]]:
    """The ids by place, as one request can ask about them."""
    places: dict[str, list[str]] = {}
    for native_id in native_ids:
        places.setdefault(collector.place(native_id), []).append(native_id)
    return places


class Collector(Protocol):
    """Access to one platform, with one set of credentials, from one vantage point.

    Use it with `async with`, because a collector owns its connections.
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
        """Return the place of an account: its server, or its kind where kinds are asked for apart. Empty if
        one request can ask about any accounts of the platform.

        One request asks only about accounts of the same place. Each place fails, pauses and recovers on its
        own.
        """
        ...

    def base_url(self, place: str) -> str:
        """The base URL of requests about a place. Empty if the place itself is the address."""
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
        """Check with a second source whether blocks really ended. Return the corrected answer.

        `withheld_in` holds, by native id, the countries in which an account is known to be withheld. A
        country is checked only if the answer no longer shows the account as withheld there. If the platform
        needs no second source, the answer is returned unchanged.
        """
        ...

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        """Ask for an executive's engagements since `cursor`. If `cursor` is None, ask for the newest page
        only.
        """
        ...

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """Look up the ids of handles or profile URLs, in as many requests as needed."""
        ...

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:
        """Return stable accounts of a place, from which control accounts can be chosen. Some of them may be
        watched. Empty if none are known or the request failed.
        """
        ...

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the evidence to store, by native id: the parts of the raw answers that are about the
        account.

        Each value is a document as described in `collectors.core.evidence`. Accounts that no answer mentions
        are left out.
        """
        ...
