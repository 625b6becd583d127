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


@dataclass(frozen=True, slots=True)
class Sighting:
    """Since when an account may be in a state that it was seen in lately: a change to it began after that."""

    last_seen_old: datetime | None
    """When the last answer was asked for that contradicts the first sighting; None: there was none."""
    first_heard: frozenset[str] = frozenset()
    """Countries of this state of which no answer spoke before it."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The answers about an account contradict each other, and none of its states was read since as often, and
    over as long a time, as the way back asks for. A state that shows again may have lasted since it was
    sighted: the answers in between may be stale.
    """

    state: State
    """What the account looked like last."""
    since: datetime
    """From this reading on it looked so without a break."""
    agreeing: int
    """Readings since then that count, the first included: 0 if it left open whether another state is so."""
    sighted: Mapping[State, Sighting]
    """Every state that it changed to, and changed back to, in this time; not one that is confirmed since."""


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
    unsettled: Unsettled | None = None
    """None in the usual case: the account has long looked the same."""


@dataclass(frozen=True, slots=True)
class Closed:
    """How a provisional change ended."""

    pending: Pending
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class ReadingEffect:
    """The effect of one reading, in this order: `refuted` ends the provisional change that stood,
    `opened` begins one, `overtaken` or `confirmed` ends the one that stands now. `advanced` says that it came
    nearer.
    """

    known: Known
    refuted: Closed | None = None
    opened: Pending | None = None
    overtaken: Closed | None = None
    confirmed: Closed | None = None
    advanced: bool = False

    @property
    def is_news(self) -> bool:
        """Whether anything must be stored beside the proof that we looked."""
        return self.advanced or bool(self.refuted or self.opened or self.confirmed)
