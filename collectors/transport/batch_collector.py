"""A collector of a platform that one server answers for, many accounts in one GET: most of what a further
platform needs.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Self

from collectors.core import evidence
from collectors.core.collector import (
    CanaryCandidate,
    CollectorAnswer,
    EngagementAnswer,
    Exchange,
    RequestFailure,
    Resolution,
)
from collectors.core.rate_limit_headers import MOST_JITTER_S, NOT_STATED, Pauses, failure_of, read_window
from collectors.core.wire import NotAsked, WireFault, printable
from collectors.transport.client import BudgetUsedUp, Http, HttpOptions, NoAnswer
from storage.model.core.accounts import Platform
from storage.model.core.availability import BREAKERS, Missed, MissedReason, Reading
from storage.model.platforms.registry import DECLARED


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """The address of a GET. `shown` is the address in the evidence: it names no account and holds no key."""

    url: str
    params: Sequence[tuple[str, str]]
    shown: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class BatchReadings:
    """What one answer says. Each account asked about is in exactly one of `readings` and `missed`."""

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...] = ()


class BatchCollector(ABC):
    """See `Collector`. A subclass says what is asked, and what an answer means; nothing is asked in a pause,
    and a failed request is a miss for everybody.
    """

    platform: ClassVar[Platform]

    def __init__(self, base_url: str, http: HttpOptions, dice: random.Random | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._longest_pause = http.longest_pause
        self._dice = dice or random.SystemRandom()
        self._http = Http(http, self._dice)
        self._pauses = Pauses()

    # --- What a platform says

    @abstractmethod
    def request(self, native_ids: Sequence[str]) -> BatchRequest:
        """What is asked about accounts, at most `batch_size` of them."""

    @abstractmethod
    def readings(
        self, http_status: int, body: bytes, asked: Sequence[str], at: datetime
    ) -> BatchReadings | WireFault:
        """What an answer says of the `asked` accounts; a fault if it says nothing of any. Never raises."""

    @abstractmethod
    def excerpt(self, exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
        """By native id, the part of a raw answer that is about the account: what evidence keeps of it."""

    @abstractmethod
    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """See `Collector`."""

    # --- The collector

    async def __aenter__(self) -> Self:
        self._http.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @property
    def batch_size(self) -> int:
        return DECLARED[self.platform].terms.batch

    @property
    def countries(self) -> frozenset[str] | None:
        """See `Collector`: the platform names them itself."""
        return None

    def place(self, native_id: str) -> str:  # noqa: ARG002
        """One server answers for the whole platform."""
        return ""

    def base_url(self, place: str) -> str:  # noqa: ARG002
        """See `Collector`."""
        return self._base_url

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """See `Collector`."""
        asked = tuple(dict.fromkeys(native_ids))
        if len(asked) > self.batch_size:
            raise ValueError(f"{len(asked)} accounts in one request; at most {self.batch_size} are answered")
        is_id = DECLARED[self.platform].is_native_id
        sound = [native_id for native_id in asked if is_id(native_id)]
        odd = tuple(
            Missed(native_id, now, MissedReason.BAD_REQUEST, "not an id of this platform")
            for native_id in asked
            if not is_id(native_id)
        )
        if not sound:
            return CollectorAnswer((), odd)
        said = await self.asked(self.request(sound), now)
        if isinstance(said, RequestFailure):
            return CollectorAnswer((), (*odd, *_all_missed(sound, now, said)), (), said, sent=False)
        if isinstance(said, WireFault):
            trouble = self._trouble(said, now)
            sent = not isinstance(said, NotAsked)
            return CollectorAnswer((), (*odd, *_all_missed(sound, now, said)), (), trouble, sent=sent)
        found = self.readings(said.http_status, said.body, sound, now)
        if isinstance(found, WireFault):
            trouble = self._trouble(found, now)
            return CollectorAnswer((), (*odd, *_all_missed(sound, now, found)), (said,), trouble)
        return CollectorAnswer(found.readings, (*odd, *found.missed), (said,))

    async def verify_lifts(
        self,
        answer: CollectorAnswer,
        withheld_in: Mapping[str, frozenset[str]],  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> CollectorAnswer:
        """See `Collector`: there is no second source."""
        return answer

    async def engagement(
        self,
        native_id: str,  # noqa: ARG002
        cursor: str | None,
        now: datetime,
    ) -> EngagementAnswer:
        """See `Collector`: it shows none, which is not to say that there is none."""
        words = "no engagement can be read on this platform"
        return EngagementAnswer((), cursor, RequestFailure(MissedReason.ACCESS, words, now, breaker=False))

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:  # noqa: ARG002
        """See `Collector`."""
        return ()

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """See `Collector`."""
        return evidence.document(exchanges, native_ids, self.excerpt)

    async def asked(self, request: BatchRequest, now: datetime) -> Exchange | WireFault | RequestFailure:
        """The answer to a request; a fault if none came, and the failure that pauses the platform if it must
        not be asked.
        """
        pause = self._pauses.of(now, "")
        if pause is not None:
            return pause
        began_s = asyncio.get_running_loop().time()
        try:
            answer = await self._http.get(request.url, request.params, request.headers)
        except BudgetUsedUp as e:
            self._pauses.start("", e.trouble)
            return e.not_asked
        except NoAnswer as e:
            return WireFault(MissedReason.NETWORK, printable(str(e)))
        window = read_window(answer.headers)
        self._pauses.note_window("", window, now)
        if answer.http_status == 429:
            limited = WireFault(MissedReason.RATE_LIMITED, "HTTP 429")
            jitter_s = self._dice.uniform(0, MOST_JITTER_S)
            self._pauses.start("", failure_of(limited, window, now, jitter_s, self._longest_pause))
        return Exchange(request.shown, now, answer.http_status, answer.body, None, (), *answer.after(began_s))

    def _trouble(self, fault: WireFault, now: datetime) -> RequestFailure:
        if isinstance(fault, NotAsked):
            return RequestFailure(fault.reason, fault.detail, fault.retry_at, breaker=False)
        pause = self._pauses.of(now, "")
        if pause is not None and pause.reason is fault.reason:
            return pause
        jitter_s = self._dice.uniform(0, MOST_JITTER_S)
        trouble = failure_of(fault, NOT_STATED, now, jitter_s, self._longest_pause)
        if fault.reason in BREAKERS:
            self._pauses.start("", trouble)
        return trouble


def _all_missed(asked: Sequence[str], now: datetime, why: WireFault | RequestFailure) -> tuple[Missed, ...]:
    return tuple(Missed(native_id, now, why.reason, why.detail) for native_id in asked)
