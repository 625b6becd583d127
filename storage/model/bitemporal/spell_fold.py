"""Pure: what was so, told from all the changes that stand, whoever saw them.

Every confirmed change tells three observations: the old state when it was last seen, the new one when it was
first seen, and the new one again when it was last agreed with. In the order of time they are the truth; when
they came in does not matter. An observation of which only the day is known begins a state at the last second
of that day, and bounds the next one from its first. From our own first reading on, others count only where we
did not look: between the two readings that bound a change of ours. Elsewhere, what a record says stays what
its makers say.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from storage.model.bitemporal.imported_records import DAY_END
from storage.model.core.availability import State


@dataclass(frozen=True, slots=True)
class EffectiveChange:
    """A confirmed change of one account that nothing supersedes."""

    change_id: int
    change_key: str
    source: str
    is_own: bool
    """Seen by our own monitor, not taken from somebody else's record."""
    old: State | None
    new: State
    last_seen_old: datetime | None
    first_seen_new: datetime
    last_agreeing_at: datetime
    by_day: bool = False
    """Of its looks only the days are known: each was made in the day of which its time is the last second."""


@dataclass(frozen=True, slots=True)
class FoldedSpell:
    """A period with one state. `until` is None while it lasts."""

    change_id: int
    state: State
    onset_after: datetime | None
    since: datetime
    until: datetime | None
    before_change: bool = False
    """It begins with the old side of its change: sources contradict each other, and nobody recorded the
    change that led here.
    """


@dataclass(frozen=True, slots=True)
class _Observation:
    at: datetime
    """When it had been made; of a look that is known by its day alone, the end of that day."""
    state: State
    change: EffectiveChange
    is_old_side: bool = False

    @property
    def since(self) -> datetime:
        """Not before this time was it made."""
        return self.at - DAY_END if self.change.by_day else self.at

    def may_be_at_once_with(self, other: "_Observation") -> bool:
        """Whether which of the two came first is not known."""
        return self.since <= other.at and other.since <= self.at


def spells_of(changes: Iterable[EffectiveChange]) -> tuple[FoldedSpell, ...]:
    """The spells of one account in the order of time, the same for every order of `changes`."""
    observations = sorted(_observations(changes), key=_rank)
    runs: list[list[_Observation]] = []
    for o in _heard(observations):
        if not runs or o.state != runs[-1][-1].state:
            runs.append([])
        runs[-1].append(o)
    folded = [
        FoldedSpell(
            change_id=run[0].change.change_id,
            state=run[0].state,
            onset_after=_onset_after(run[0], before, observations),
            since=run[0].at,
            until=None,
            before_change=run[0].is_old_side,
        )
        for before, run in zip([None, *runs], runs, strict=False)
    ]
    return (*(replace(spell, until=later.since) for spell, later in pairwise(folded)), *folded[-1:])


def _rank(o: _Observation) -> tuple[datetime, bool, bool, str, str]:
    """At one instant our own monitor goes before others, and what was seen anew before what was still so."""
    return o.at, not o.change.is_own, o.is_old_side, o.change.change_key, o.change.source


def _heard(ranked: Sequence[_Observation]) -> list[_Observation]:
    """Those of which the order is known. Of two that contradict each other at one instant the one that goes
    before is heard; a look that is known by its day alone gives way to any contrary one of that day.
    """
    at_once: dict[datetime, State] = {}
    heard = [o for o in ranked if not o.change.by_day and at_once.setdefault(o.at, o.state) == o.state]
    for o in ranked:
        if o.change.by_day and not any(o.state != k.state and o.may_be_at_once_with(k) for k in heard):
            heard.append(o)
    return sorted(heard, key=_rank)


def _observations(changes: Iterable[EffectiveChange]) -> Iterable[_Observation]:
    by_source: defaultdict[str, list[EffectiveChange]] = defaultdict(list)
    for change in changes:
        by_source[change.source].append(change)
    ours = [c for changes_of in by_source.values() for c in changes_of if c.is_own]
    for o in _observations_of(by_source):
        if o.change.is_own or not ours or _was_unseen(o, ours):
            yield o


def _was_unseen(o: _Observation, ours: Sequence[EffectiveChange]) -> bool:
    """Whether we had not looked yet, or it lies between the two readings of a change of ours."""
    return o.at < min(c.first_seen_new for c in ours) or any(
        c.last_seen_old is not None and c.last_seen_old < o.since and o.at < c.first_seen_new for c in ours
    )


def _observations_of(by_source: Mapping[str, list[EffectiveChange]]) -> Iterable[_Observation]:
    for changes in by_source.values():
        changes.sort(key=lambda c: (c.first_seen_new, c.change_key))
        for before, change in zip([None, *changes], changes, strict=False):
            at, old = change.last_seen_old, change.old
            # It contradicts the new state, but it may be older than the old one: an answer that is silent on
            # a country speaks of the others only, and a question comes before its answer.
            if at is not None and old is not None and (before is None or at >= before.first_seen_new):
                seen_by = at + DAY_END if change.by_day else at
                yield _Observation(seen_by, old, change, is_old_side=True)
            yield _Observation(change.first_seen_new, change.new, change)
            yield _Observation(change.last_agreeing_at, change.new, change)


def _onset_after(
    first: _Observation, before: Sequence[_Observation] | None, observations: Sequence[_Observation]
) -> datetime | None:
    """After which contrary look a run began; None when there is none."""
    change = first.change
    if first.is_old_side:
        return None if before is None else max(o.since for o in before)
    contrary = [
        o.since
        for o in observations
        if o.change.source != change.source and o.state != first.state and o.at < first.since
    ]
    bounds = [at for at in (change.last_seen_old, max(contrary, default=None)) if at is not None]
    return max(bounds, default=None)
