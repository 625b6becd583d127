"""Somebody else's published record of account statuses, on its way into storage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, Missed, State, Strength

DAY_END: Final = timedelta(hours=23, minutes=59, seconds=59)
"""From the first second of a day to its last: between them lies a look of which only the day is known."""


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    native_id: str
    handle: str
    lists: tuple[str, ...] = ()
    """Lists of this account beside the one of the whole record."""


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """Evidence that is stored already, by its SHA-256."""

    sha256: bytes


Evidence = bytes | StoredEvidence | None
"""The part of the record that says so; None where it does not exist."""


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
    """How many looks of the record agree with the new state, as far as the record lists them: of one that
    came in parts, at least so many.
    """
    last_agreeing_at: datetime
    evidence: Evidence
    old_evidence: Evidence = None
    supersedes: int | None = None
    """The id of the change that this one corrects: the record was told before, and now says more."""
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class ImportedSpan:
    """By the record an account was in one state from `since` to `until`, and not only at both."""

    native_id: str
    state: State
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ImportedBatch:
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
    list_name: str | None
    """The list of all its accounts."""
    platform: Platform
    accounts: tuple[ImportedAccount, ...]
    changes: tuple[ImportedChange, ...]
    looks: tuple[ImportedBatch, ...]
    spans: tuple[ImportedSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """An account was seen in `state` at `at`, by somebody else."""

    at: datetime
    state: State
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class StoredImportedChange:
    """A standing change of the same record that is stored: what an earlier version of it told."""

    change_id: int
    old: State | None
    new: State
    last_seen_old: datetime | None
    first_seen_new: datetime
    readings: int
    last_agreeing_at: datetime
    evidence: Evidence
    old_evidence: Evidence

    def observations(self) -> list[Observation]:
        """The sightings that the change holds. Others between first and last agreed, and are not kept."""
        seen = [
            Observation(self.first_seen_new, self.new, self.evidence),
            Observation(self.last_agreeing_at, self.new, None),
        ]
        if self.old is not None and self.last_seen_old is not None:
            seen.insert(0, Observation(self.last_seen_old, self.old, self.old_evidence))
        return seen


def changes_told(
    native_id: str, observations: Iterable[Observation], before: Sequence[StoredImportedChange] = ()
) -> list[ImportedChange]:
    """The changes of one account that its observations and what is stored tell together, if they are news.

    Repeated equal observations agree. A change lies between the last contrary observation and the first
    agreeing one; the first state is a baseline without an earlier bound. A change that is stored but has
    other bounds now is superseded. No two observations may show different states at one time.

    Of what is stored only the looks are known that bound a change: parts of a record never tell more than
    all of it at once, and the same once all of it is there again.
    """
    seen: dict[datetime, Observation] = {}
    for one in (*(o for earlier in before for o in earlier.observations()), *observations):
        if one.at not in seen or seen[one.at].evidence is None:
            seen[one.at] = one
    stored = {earlier.first_seen_new: earlier for earlier in before}
    out: list[ImportedChange] = []
    previous: Observation | None = None
    for run in _runs([seen[at] for at in sorted(seen)]):
        was = next((stored[o.at] for o in run if o.at in stored), None)
        strength = Strength.WEAK if run[0].state.status.is_gone else Strength.STRONG
        change = ImportedChange(
            native_id=native_id,
            old=previous and previous.state,
            new=run[0].state,
            strength=strength,
            last_seen_old=previous and previous.at,
            first_seen_new=run[0].at,
            readings=_readings(run, was),
            last_agreeing_at=run[-1].at,
            evidence=run[0].evidence,
            old_evidence=previous and previous.evidence,
            supersedes=was and was.change_id,
        )
        if was is None or _bounds(change) != _bounds(was):
            out.append(change)
        previous = run[-1]
    return out


def _runs(ordered: Sequence[Observation]) -> list[list[Observation]]:
    runs: list[list[Observation]] = []
    for one in ordered:
        if runs and runs[-1][-1].state == one.state:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _readings(run: Sequence[Observation], was: StoredImportedChange | None) -> int:
    """The least number of looks in a run. Of those that `was` counts the bounds are known, and the others
    only if the run has both: else a contrary look lies among them.
    """
    if was is None or all(o.at != was.last_agreeing_at for o in run):
        return len(run)
    return max(
        len(run), was.readings + sum(not was.first_seen_new <= o.at <= was.last_agreeing_at for o in run)
    )


def _bounds(change: ImportedChange | StoredImportedChange) -> tuple[object, ...]:
    return change.old, change.last_seen_old, change.first_seen_new, change.last_agreeing_at
