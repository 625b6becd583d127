"""Pure: what our own readings of an account told so far, and what they tell once a late one is among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import Account, AccountId, DatedMembership
from storage.model.core.availability import ChangeKind, Flag, Outcome, Reading, Reason, State, Strength
from storage.model.core.known_state import Closed, Known, Pending

_STORED_PRECISION = timedelta(milliseconds=1)
"""How long an answer took is kept in whole milliseconds, rounded up: so much earlier may a question seem."""


@dataclass(frozen=True, slots=True)
class TimedReading:
    """A reading and when it was asked for; `reading.at` is when its answer had arrived."""

    reading: Reading
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class OwnChange:
    """A standing change of our own monitor, as it is stored."""

    change_id: int
    account_id: AccountId
    change_key: str
    old: State | None
    new: State
    kind: ChangeKind
    strength: Strength
    flags: frozenset[Flag]
    last_seen_old: datetime | None
    first_seen_new: datetime
    outcome: Outcome | None
    """None while provisional."""
    reason: Reason | None
    readings: int
    last_agreeing_at: datetime
    old_evidence: bytes | None
    """The hashes of what shows both sides."""
    new_evidence: bytes | None
    decided_at: datetime | None = None
    """When the outcome was written; None while provisional."""

    @property
    def is_annulled(self) -> bool:
        return self.reason in {Reason.CORRECTED, Reason.SET_ASIDE}

    def was_shown(self, at: datetime) -> bool:
        """Whether readings at this time agreed with it although it was not, or not yet, confirmed."""
        if self.is_annulled or at < self.first_seen_new:
            return False
        return at < self.last_agreeing_at or (
            at == self.last_agreeing_at and self.outcome is not Outcome.CONFIRMED
        )


def shown_at(own: Sequence[OwnChange], at: datetime) -> OwnChange | None:
    """The change, not confirmed or not yet, that a reading at this time agreed with; `own` in their order."""
    return next((c for c in reversed(own) if c.was_shown(at)), None)


def held_at(own: Sequence[OwnChange], at: datetime) -> OwnChange | None:
    """The change whose new state was held at this time, as far as is known now."""
    confirmed = (c for c in reversed(own) if c.outcome is Outcome.CONFIRMED and c.first_seen_new <= at)
    return next(confirmed, None)


@dataclass(frozen=True, slots=True)
class CorrectionInput:
    """One account as far as late readings can matter to it: what is held before, and what came since."""

    account: Account
    is_watched: bool
    memberships: Sequence[DatedMembership]
    """The lists that it is or was on."""
    known: Known
    flags: frozenset[Flag]
    """Side facts of the state that is held."""
    readings: Sequence[TimedReading]
    """Those that are stored, after the last one that `known` holds."""
    stored: Sequence[OwnChange]
    """The changes that these readings told, annulled ones included."""
    let_go_at: Sequence[datetime] = ()
    """When it was taken off the watch while a change was provisional."""


@dataclass(frozen=True, slots=True)
class RecomputedChange:
    """A change as all the readings tell it."""

    old: State | None
    pending: Pending
    """As it stood when it was decided, or as it stands now."""
    closed: Closed | None
    kind: ChangeKind
    until: datetime | None = None
    """Up to this reading its state lasted; None while it lasts."""

    @property
    def is_confirmed(self) -> bool:
        return self.closed is not None and self.closed.outcome is Outcome.CONFIRMED

    def holds(self, at: datetime) -> bool:
        """Whether a reading of its state at this time belongs to its run."""
        return self.pending.first_seen_new <= at and (self.until is None or at <= self.until)

    def is_same_change(self, stored: OwnChange) -> bool:
        """Whether a row says the same, its outcome left aside."""
        p = self.pending
        return (
            stored.old,
            stored.new,
            stored.kind,
            stored.strength,
            stored.flags,
            stored.first_seen_new,
        ) == (self.old, p.state, self.kind, p.strength, p.flags, p.first_seen_new) and _same_question(
            stored.last_seen_old, p.last_seen_old
        )

    def is_same_outcome(self, stored: OwnChange) -> bool:
        closed = self.closed
        said = None if closed is None else (closed.outcome, closed.reason)
        was = None if stored.outcome is None else (stored.outcome, stored.reason)
        return (said, self.pending.agreeing, self.pending.last_agreeing_at) == (
            was,
            stored.readings,
            stored.last_agreeing_at,
        )


def _same_question(stored: datetime | None, rebuilt: datetime | None) -> bool:
    if stored is None or rebuilt is None:
        return stored is rebuilt
    return timedelta(0) <= stored - rebuilt < _STORED_PRECISION


@dataclass(frozen=True, slots=True)
class Corrections:
    """What has to be written so that the stored changes of one account are those that the readings tell."""

    added: tuple[tuple[RecomputedChange, OwnChange | None], ...] = ()
    """New rows, each with the row that it supersedes, if any."""
    settled: tuple[tuple[RecomputedChange, OwnChange], ...] = ()
    """Provisional rows that stay, and came nearer or were decided."""
    annulled: tuple[OwnChange, ...] = ()
    """Rows that no reading bears out any more."""

    @property
    def is_news(self) -> bool:
        return bool(self.added or self.settled or self.annulled)
