"""What is known of an account between two readings, and what one reading changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from storage.model.core.availability import Flag, Outcome, Reason, State, Strength

ALWAYS_HEARD: Final[Mapping[str, datetime | None]] = MappingProxyType({})
"""The value of `Known.heard` in the usual case, shared because very many accounts are in memory."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A provisional change. The interval (`last_seen_old`, `first_seen_new`] never moves."""

    state: State
    strength: Strength
    last_seen_old: datetime | None
    first_seen_new: datetime
    agreeing: int
    """Number of agreeing readings that count, including the first."""
    last_agreeing_at: datetime
    next_read_at: datetime
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed the change first."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """When an account may have entered a state that it was seen in lately. A change to it began after that
    time.
    """

    last_seen_old: datetime | None
    """When the last answer that contradicts the first sighting was requested; None if there was none."""
    first_heard: frozenset[str] = frozenset()
    """Countries of this state about which no earlier answer said anything."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Contradicting answers about an account, while none of its states was confirmed again.

    A state is settled once it was read as often and for as long as the rule's `way_back` asks. Until then, a
    state that shows again may have lasted since it was sighted, because the answers in between may be stale.
    """

    state: State
    """The state that the last answer showed."""
    since: datetime
    """The reading since which that state was shown without a break."""
    agreeing: int
    """Number of readings since then that count, including the first; 0 if it did not rule out
    another state.
    """
    sighted: Mapping[State, Sighting]
    """Every state that the account changed to, or back to, in this time, except those confirmed since."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the monitor knows of one account."""

    state: State | None = None
    """The confirmed state; None until the first one is confirmed."""
    last_read_at: datetime | None = None
    """When the last conclusive answer arrived, whatever it showed."""
    last_asked_at: datetime | None = None
    """When that answer was requested. The state is certain only up to this time."""
    pending: Pending | None = None
    heard: Mapping[str, datetime | None] = field(default_factory=lambda: ALWAYS_HEARD)
    """Countries about which the last answer said nothing, each with the request time of the last answer that
    did report it (None: never). Usually empty, because the last answer reported every country.
    """
    unsettled: Unsettled | None = None
    """None in the usual case: the account has shown one state for long enough."""


@dataclass(frozen=True, slots=True)
class Closed:
    """How a provisional change ended."""

    pending: Pending
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class ReadingEffect:
    """The effect of one reading. In order: `refuted` ends the provisional change that was open, `opened`
    begins one, and `overtaken` or `confirmed` ends the one open now. `advanced` means that it came nearer to
    confirmation.
    """

    known: Known
    refuted: Closed | None = None
    opened: Pending | None = None
    overtaken: Closed | None = None
    confirmed: Closed | None = None
    advanced: bool = False

    @property
    def is_news(self) -> bool:
        """Whether anything must be stored besides the coverage."""
        return self.advanced or bool(self.refuted or self.opened or self.confirmed)
