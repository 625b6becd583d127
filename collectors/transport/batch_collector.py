"""Collector for platforms where one server answers a GET about many accounts: most of what a further platform
needs.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Self

from collectors.core import evidence
from collectors.core.collector import (
    BatchReadings,
    CanaryCandidate,
    CollectorAnswer,
    EngagementAnswer,
    Exchange,
    RequestFailure,
    Resolution,
)
from collectors.core.rate_limit_headers import (
    MOST_JITTER_S,
    NOT_STATED,
    Pauses,
    RateLimitWindow,
    failure_of,
    read_window,
)
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


_LIMIT, _REFUSAL = "limit", "refusal"
"""Two pauses: one that is short must not replace one that is long."""


class BatchCollector(ABC):
    """See `Collector`. A subclass says what is asked, and what an answer means; nothing is asked in a pause,
    and a failed request is a miss for everybody.

    So is one that the platform refuses because of a single id: `is_native_id` has to keep such ids away.
    """

    platform: ClassVar[Platform]

    def __init__(self, base_url: str, http: HttpOptions, dice: random.Random | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        if http.guard is not None:
            http = replace(http, guard=http.guard.trusting((self._base_url,)))
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
        """What an answer says of the `asked` accounts; a fault if it says nothing about any account. Never
        raises.
        """

    @abstractmethod
    def excerpt(self, exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
        """By native id, the part of a raw answer that is about the account: what evidence keeps of it."""

    def with_retry_time(self, trouble: RequestFailure, now: datetime) -> RequestFailure:  # noqa: ARG002
        """The failure with the retry time that the platform documents; by default unchanged."""
        return trouble

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
        if len({self.place(native_id) for native_id in sound}) > 1:
            raise ValueError("one request asks about accounts of one place only")
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
            trouble = self.trouble(said, NOT_STATED, now)
            sent = not isinstance(said, NotAsked)
            return CollectorAnswer((), (*odd, *_all_missed(sound, now, said)), (), trouble, sent=sent)
        exchange, window = said
        found = self.readings(exchange.http_status, exchange.body, sound, now)
        if isinstance(found, WireFault):
            trouble = self.trouble(found, window, now)
            return CollectorAnswer((), (*odd, *_all_missed(sound, now, found)), (exchange,), trouble)
        readings, missed = _each_once(found, sound, now)
        return CollectorAnswer(readings, (*odd, *missed), (exchange,))

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

    async def asked(
        self, request: BatchRequest, now: datetime
    ) -> tuple[Exchange, RateLimitWindow] | WireFault | RequestFailure:
        """The answer to the first request of a reading, and the rate limit that it states. A fault if none
        came, and the failure that pauses the platform if it must not be asked.
        """
        pause = self._pauses.of(now, _LIMIT, _REFUSAL)
        if pause is not None:
            return pause
        began_s = asyncio.get_running_loop().time()
        try:
            answer = await self._http.get(request.url, request.params, request.headers)
        except BudgetUsedUp as e:
            self._pauses.start(_LIMIT, e.trouble)
            return e.not_asked
        except NoAnswer as e:
            return WireFault(MissedReason.NETWORK, printable(str(e)))
        window = read_window(answer.headers)
        self._pauses.note_window(_LIMIT, window, now)
        times = answer.after(began_s)
        return Exchange(request.shown, now, answer.http_status, answer.body, None, (), *times), window

    def trouble(self, fault: WireFault, window: RateLimitWindow, now: datetime) -> RequestFailure:
        """What to do about a request that failed as a whole; starts the pause that it calls for."""
        if isinstance(fault, NotAsked):
            return RequestFailure(fault.reason, fault.detail, fault.retry_at, breaker=False)
        jitter_s = self._dice.uniform(0, MOST_JITTER_S)
        trouble = self.with_retry_time(failure_of(fault, window, now, jitter_s, self._longest_pause), now)
        if fault.reason in BREAKERS:
            self._pauses.start(_REFUSAL, trouble)
        elif fault.reason is MissedReason.RATE_LIMITED:
            self._pauses.start(_LIMIT, trouble)
        return trouble


def _each_once(
    found: BatchReadings, asked: Sequence[str], now: datetime
) -> tuple[tuple[Reading, ...], tuple[Missed, ...]]:
    """Exactly one reading or miss for each account asked about, whatever an answer holds."""
    missed = {one.native_id: one for one in found.missed}
    read = {one.native_id: one for one in found.readings if one.native_id not in missed}
    left_out = {i: Missed(i, now, MissedReason.OMITTED, "left out of the answer") for i in asked}
    return (
        tuple(read[i] for i in asked if i in read),
        tuple(missed.get(i, left_out[i]) for i in asked if i not in read),
    )


def _all_missed(asked: Sequence[str], now: datetime, why: WireFault | RequestFailure) -> tuple[Missed, ...]:
    return tuple(Missed(native_id, now, why.reason, why.detail) for native_id in asked)
