"""Somebody else's published record of account statuses, on its way into storage."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.accounts import Platform
from storage.model.availability import Missed, State, Strength


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class ImportedChange:
    """A change as far as the record shows it; `old` and `last_seen_old` are None for the first state."""

    native_id: str
    old: State | None
    new: State
    strength: Strength
    last_seen_old: datetime | None
    first_seen_new: datetime
    readings: int
    """How many looks of the record agree with the new state."""
    last_agreeing_at: datetime
    evidence: bytes
    """The part of the record that says so."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look of the record's makers, at a time between `since` and `at`; no more is known of it.

    `number` tells two looks with the same times apart.
    """

    since: datetime
    at: datetime
    number: int
    answered: tuple[str, ...]
    """Native ids with a conclusive answer."""
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedHistory:
    """A whole record. Nothing in it says more than the record does."""

    name: str
    """Under this name its changes are kept: their source is `import:<name>`."""
    list_name: str
    platform: Platform
    accounts: tuple[ImportedAccount, ...]
    changes: tuple[ImportedChange, ...]
    looks: tuple[Look, ...]
