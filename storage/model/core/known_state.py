"""What is held of an account between two readings, and what one reading did to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from storage.model.core.availability import Flag, Outcome, Reason, State, Strength

ALWAYS_HEARD: Final[Mapping[str, datetime | None]] = MappingProxyType({})
"""See `Known.heard`. One for all: very many accounts are held."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A provisional change. The interval (`last_seen_old`, `first_seen_new`] never moves."""

    state: State
    strength: Strength
    last_seen_old: datetime | None
    first_seen_new: datetime
    agreeing: int
    """Agreeing readings that count, the first included."""
    last_agreeing_at: datetime
    next_read_at: datetime
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed it first."""
    first_seen_in: frozenset[str] = frozenset()
    """Countries of which no answer spoke before this change, or before those that it follows without a
    reading in between that denies them.
    """


@dataclass(frozen=True, slots=True)
class Known:
    """What the monitor holds of one account."""

    state: State | None = None
    """The confirmed state; None until the first one is confirmed."""
    last_read_at: datetime | None = None
    """When the last conclusive answer had arrived, whatever it said."""
    last_asked_at: datetime | None = None
    """When that answer was asked for. Only up to here is its state certain: it may have changed since."""
    pending: Pending | None = None
    heard: Mapping[str, datetime | None] = field(default_factory=lambda: ALWAYS_HEARD)
    """Countries of which the last answer said nothing, and when the last answer that did was asked for
    (None: never). Empty in the usual case: the last answer spoke of every country.
    """


@dataclass(frozen=True, slots=True)
class Closed:
    """How a provisional change ended."""

    pending: Pending
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class ReadingEffect:
    """The effect of one reading, in this order: `refuted` ends the provisional change that stood,
    `opened` begins one, `confirmed` ends the one that stands now. `advanced` says that it came nearer.
    """

    known: Known
    refuted: Closed | None = None
    opened: Pending | None = None
    confirmed: Closed | None = None
    advanced: bool = False

    @property
    def is_news(self) -> bool:
        """Whether anything must be stored beside the proof that we looked."""
        return self.advanced or bool(self.refuted or self.opened or self.confirmed)
