"""Our own changes of an account as stored, and as recomputed with a late reading. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import Account, AccountId, DatedMembership
from storage.model.core.availability import ChangeKind, Flag, Outcome, Reading, Reason, State, Strength
from storage.model.core.known_state import Closed, Known, Pending

_STORED_PRECISION = timedelta(milliseconds=1)
"""Latencies are stored in whole milliseconds, rounded up. A request may seem earlier by up to this much."""


@dataclass(frozen=True, slots=True)
class TimedReading:
    """A reading and when it was requested; `reading.at` is when its answer arrived."""

    reading: Reading
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class OwnChange:
    """A change of our own monitor as stored, not superseded."""

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
    """The hashes of the evidence of both sides."""
    new_evidence: bytes | None
    decided_at: datetime | None = None
    """When the outcome was written; None while provisional."""

    @property
    def is_annulled(self) -> bool:
        return self.reason in {Reason.CORRECTED, Reason.SET_ASIDE}

    def was_shown(self, at: datetime) -> bool:
        """Whether readings at this time agreed with the change before it was confirmed, or without confirming
        it.
        """
        if self.is_annulled or at < self.first_seen_new:
            return False
        return at < self.last_agreeing_at or (
            at == self.last_agreeing_at and self.outcome is not Outcome.CONFIRMED
        )


def shown_at(own: Sequence[OwnChange], at: datetime) -> OwnChange | None:
    """The unconfirmed change that a reading at this time agreed with; None if there is none. `own` is in
    order.
    """
    return next((c for c in reversed(own) if c.was_shown(at)), None)


def held_at(own: Sequence[OwnChange], at: datetime) -> OwnChange | None:
    """The confirmed change whose new state applied at this time, as known now; None if there is none."""
    confirmed = (c for c in reversed(own) if c.outcome is Outcome.CONFIRMED and c.first_seen_new <= at)
    return next(confirmed, None)


@dataclass(frozen=True, slots=True)
class CorrectionInput:
    """One account as late readings may affect it: what was known before, and the readings since."""

    account: Account
    is_watched: bool
    memberships: Sequence[DatedMembership]
    """The lists that the account is or was on."""
    known: Known
    flags: frozenset[Flag]
    """Side facts of the known state."""
    readings: Sequence[TimedReading]
    """The stored readings after the last one that `known` includes."""
    stored: Sequence[OwnChange]
    """The stored changes of these readings, including annulled ones."""
    let_go_at: Sequence[datetime] = ()
    """When the account left the watch while a change was provisional."""


@dataclass(frozen=True, slots=True)
class RecomputedChange:
    """A change as computed from all readings."""

    old: State | None
    pending: Pending
    """Its state when it was decided, or now if it is not."""
    closed: Closed | None
    kind: ChangeKind
    until: datetime | None = None
    """The last reading of its state; None while the state lasts."""

    @property
    def is_confirmed(self) -> bool:
        return self.closed is not None and self.closed.outcome is Outcome.CONFIRMED

    def holds(self, at: datetime) -> bool:
        """Whether a reading of its state at this time belongs to its run."""
        return self.pending.first_seen_new <= at and (self.until is None or at <= self.until)

    def is_same_change(self, stored: OwnChange) -> bool:
        """Whether a stored row states the same change, regardless of its outcome."""
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
    """What must be written so that the stored changes of one account match its readings."""

    added: tuple[tuple[RecomputedChange, OwnChange | None], ...] = ()
    """New rows, each with the row that it supersedes, or None."""
    settled: tuple[tuple[RecomputedChange, OwnChange], ...] = ()
    """Provisional rows that stay, with new progress or an outcome."""
    annulled: tuple[OwnChange, ...] = ()
    """Rows that no reading supports any more."""

    @property
    def is_news(self) -> bool:
        return bool(self.added or self.settled or self.annulled)
