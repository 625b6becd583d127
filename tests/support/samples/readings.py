"""Short builders for tests."""

import os
import random
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

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


HEADER = "platform,account_id,handle,at,status,withheld_in,list"


def write_history(path: Path, accounts: int = 260, days: int = 12, seed: int = 7) -> Path:
    """Accounts on lists and on none: a wave, vanishings short and long, flapping, and quiet ones."""
    rng = random.Random(seed)
    rows = [HEADER]
    for n in range(accounts):
        watch_list = ("Order 9", "Reporters", "")[n % 3]
        changes = [("2021-01-01T00:00:00Z", "available", "")]
        for _ in range(rng.choice((0, 0, 1, 2, 6))):
            begin = T0 + timedelta(seconds=rng.randrange(days * 86_400))
            status, countries = rng.choice(
                (
                    ("withheld", "IN"),
                    ("withheld", "IN TR"),
                    ("suspended", ""),
                    ("not_found", ""),
                    ("deactivated", ""),
                    ("protected", ""),
                )
            )
            end = begin + timedelta(minutes=rng.choice((2, 20, 50, 90, 600, 4000)))
            changes += [(begin.isoformat(), status, countries), (end.isoformat(), "available", "")]
        if watch_list == "Order 9" and n % 2 == 0:
            wave = T0 + timedelta(days=3, seconds=rng.randrange(2400))
            changes += [(wave.isoformat(), "withheld", "IN")]
        rows += [
            f"x,{10_000 + n},handle_{n},{at},{status},{countries},{watch_list}"
            for at, (status, countries) in {at: (s, c) for at, s, c in changes}.items()
        ]
    path.write_text("\n".join(rows) + "\n")
    return path


def write_order(path: Path, accounts: int, at: datetime) -> Path:
    """Accounts of one order, all withheld in India and Turkey within the ten minutes after `at`."""
    rng = random.Random(1)
    rows = [HEADER]
    for n in range(accounts):
        blocked = at + timedelta(seconds=rng.randrange(600))
        named = f"x,{20_000 + n},ordered_{n}"
        rows += [
            f"{named},2021-01-01T00:00:00Z,available,,Order 1",
            f"{named},{blocked.isoformat()},withheld,IN TR,Order 1",
        ]
    path.write_text("\n".join(rows) + "\n")
    return path


def recorded(name: str = "account_status_history.csv.gz") -> Path:
    """The file of that name, skipping the test where it is not on the machine."""
    folder = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (folder / name).exists():
        pytest.skip(f"the recorded history {folder / name} is not on this machine")
    return folder / name
