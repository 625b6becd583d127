"""Short builders for tests."""

import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from collectors.core.collector import (
    CanaryCandidate,
    CollectorAnswer,
    EngagementAnswer,
    Exchange,
    RequestFailure,
    Resolution,
)
from collectors.x.declaration import X
from storage.health.collectors_report import CollectorReport
from storage.model.core.availability import Missed, MissedReason, Reading, State, Status, Strength
from storage.model.core.signals import Signal

T0 = datetime(2021, 2, 1, 0, 0, tzinfo=UTC)


MINUTE = timedelta(minutes=1)


AVAILABLE = State(Status.AVAILABLE)


PROTECTED = State(Status.PROTECTED)


SUSPENDED = State(Status.SUSPENDED)


NOT_FOUND = State(Status.NOT_FOUND)


WITHHELD_IN = State(Status.WITHHELD, ("IN",))


def minutes(n: float) -> datetime:
    """That many minutes after the start of every test story."""
    return T0 + n * MINUTE


def reading(native_id: str, state: State, at: datetime, handle: str | None = None) -> Reading:
    strength = Strength.WEAK if state.status.is_gone else Strength.STRONG
    return Reading(native_id, at, state, strength, handle)


class FakeCollector:
    """A platform at our own seam: says what `truth` says, or fails as `trouble` says."""

    platform = X
    batch_size = 100
    address = "https://platform.example"

    def __init__(self) -> None:
        self.truth: dict[str, State] = {}
        self.handles: dict[str, str] = {}
        self.silent: set[str] = set()
        """Accounts that an answer leaves out."""
        self.trouble: RequestFailure | None = None
        self.asked: list[tuple[str, ...]] = []
        self.acts: Mapping[str, Sequence[Signal]] = {}
        self.spare: tuple[CanaryCandidate, ...] = ()
        self.spoken_of: frozenset[str] | None = None
        """Countries that it can speak of; None: all."""

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        self.asked.append(tuple(native_ids))
        if self.trouble is not None:
            missed = tuple(Missed(i, now, self.trouble.reason) for i in native_ids)
            return CollectorAnswer((), missed, (), self.trouble)
        readings = tuple(
            reading(i, self.truth.get(i, AVAILABLE), now, self.handles.get(i))
            for i in native_ids
            if i not in self.silent
        )
        missed = tuple(Missed(i, now, MissedReason.OMITTED) for i in native_ids if i in self.silent)
        body = f"answer of {now.isoformat()}".encode()
        return CollectorAnswer(readings, missed, (Exchange("/read", now, 200, body),))

    async def verify_lifts(
        self, answer: CollectorAnswer, withheld_in: Mapping[str, frozenset[str]], now: datetime
    ) -> CollectorAnswer:
        return answer

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        acts = [a for a in self.acts.get(native_id, ()) if cursor is None or a.native_id > cursor]
        return EngagementAnswer(tuple(acts), max([a.native_id for a in acts], default=cursor))

    @property
    def countries(self) -> frozenset[str] | None:
        return self.spoken_of

    def place(self, native_id: str) -> str:
        return ""

    def base_url(self, place: str) -> str:
        return self.address

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        return Resolution((), ())

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:
        return self.spare

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        said = b" ".join(exchange.body for exchange in exchanges)
        return {i: i.encode() + b": " + said for i in native_ids} if exchanges else {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""


WORKING = CollectorReport(
    platform=X,
    place="",
    vantage="",
    healthy=True,
    reason=None,
    detail="",
    since=None,
    retry_at=None,
    stable=2,
    suspended=1,
    doubted=(),
    held_since=None,
    last_answered_at=T0,
    last_asked_at=T0,
)


EVERY_CHARACTER = "".join(map(chr, range(sys.maxunicode + 1)))


def invisible(text: str) -> set[str]:
    """Its controls, format characters, surrogates and separators: what a reader would not see."""
    return {c for c in set(text) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def hostile() -> str:
    """Every invisible character, of the 2,048 surrogates one."""
    return "".join(sorted(c for c in invisible(EVERY_CHARACTER) if not "\ud801" <= c <= "\udfff"))
