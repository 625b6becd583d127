"""Proof that we looked: who was asked in one request, who answered, when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from storage.model.core.accounts import AccountId, Platform


class BatchOutcome(IntEnum):
    """Of a whole request. Only ANSWERED counts as coverage."""

    ANSWERED = 0
    MISSED = 1
    HELD = 2


class WhyRead(StrEnum):
    """Why a roster is read."""

    TURN = "turn"
    """It waited longest, or its slot of the sweep came."""
    AHEAD = "ahead"
    """Changes were just seen in its list."""
    PROMISED = "promised"
    """Its list is promised to be read that often."""
    SENTINEL = "sentinel"
    """It is paid for today, and watched for the lists of its accounts."""
    AGAIN = "again"
    """A change of one of its accounts is to be confirmed, an answer left it out, or it was called for."""


@dataclass(frozen=True, slots=True)
class Roster:
    """An immutable, ordered set of accounts asked in one request, its canaries last."""

    roster_id: int
    platform: Platform
    account_ids: tuple[AccountId, ...]
    canary_ids: tuple[AccountId, ...] = ()
    vantage: str = ""
    """Where it is read from; empty is the installation's own connection."""
    place: str = ""
    """Which server answers; empty where one server answers for the whole platform."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One attempt to read one roster. (roster_id, slot, attempt) is its identity: a repeat stores nothing."""

    roster_id: int
    slot: datetime
    """The planned time. Not a time of observation."""
    attempt: int
    observed_at: datetime
    outcome: BatchOutcome
    missed_reason: str | None
    """Of the whole request, for outcomes MISSED and HELD."""
    answered: bytes | None
    """Bitmap over `Roster.account_ids`: bit i % 8 (lowest first) of byte i // 8. None when all answered."""
    latency_ms: int
    missed: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    """Why accounts gave nothing in an answered request: positions in the roster by reason."""
    silent: tuple[str, ...] = ()
    """Countries of which the answer said nothing: nobody in it was read for them."""

    @property
    def asked_at(self) -> datetime:
        return self.observed_at - timedelta(milliseconds=self.latency_ms)


def bitmap(answered: Sequence[bool]) -> bytes | None:
    """The bitmap of `Batch.answered`: None when every account answered (the usual case costs nothing)."""
    if all(answered):
        return None
    out = bytearray((len(answered) + 7) // 8)
    for i, yes in enumerate(answered):
        if yes:
            out[i // 8] |= 1 << (i % 8)
    return bytes(out)


def is_answered(answered: bytes | None, position: int) -> bool:
    """Whether the account at `position` of the roster gave a conclusive answer in this batch."""
    return answered is None or bool(answered[position // 8] >> (position % 8) & 1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was read between these two times; `until` is None when it is still so."""

    since: datetime
    until: datetime | None
