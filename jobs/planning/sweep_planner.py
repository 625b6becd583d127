"""When each account is read without being called for: in a fixed sweep. `jobs.planning.adaptive_planner`
does it otherwise.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Protocol

from jobs.detect.judge import Judged
from jobs.planning.sweep import Attempt, Sweep, due_from, next_attempt
from jobs.planning.watch_state import WatchState
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import Batch, BatchOutcome, Roster, WhyRead

_NEVER = datetime.min.replace(tzinfo=UTC)

NotBefore = Callable[[str, datetime], datetime]
"""The time at which a place can be asked, not earlier than the given one."""


@dataclass(frozen=True, slots=True)
class ScheduledRead:
    """One request that is to be made now."""

    why: WhyRead
    place: str
    account_ids: tuple[AccountId, ...]
    roster: Roster | None
    """The base roster; None: one that is made of these accounts."""
    slot: datetime
    number: int
    """The attempt in this slot, counted from 0."""
    position: int
    """Among the rosters of its kind: which control accounts it gets, when it is made."""
    another_way: bool = False
    """The last answer was not believed: ask beside other control accounts."""


class Planner(Protocol):
    """What a monitor asks for its next requests."""

    def take_up(
        self,
        base: Sequence[Roster],
        stored: Mapping[int, Attempt],
        now: datetime,
        edited: Collection[AccountId] | None = None,
        /,
    ) -> None:
        """These are the base rosters now; `stored` are their newest attempts on record, by roster id. If only
        some accounts were `edited`, the others are as the planner holds them, and `stored` has only rosters
        that are new.
        """
        ...

    def loaded_again(self, roster: Roster, newest: Attempt | None, /) -> None:
        """Another process was first: what is held of these accounts is now what is on record, and so is the
        newest attempt, where it is a base roster.
        """
        ...

    def due(self, now: datetime, not_before: NotBefore) -> list[ScheduledRead]:
        """What is to be read now. It is under way until `polled` is told of it."""
        ...

    def next_at(self, now: datetime, not_before: NotBefore, /) -> Iterable[datetime]:
        """Times at which `due` has something, the earliest among them."""
        ...

    def polled(self, turn: ScheduledRead, batch: Batch | None) -> None:
        """How it went; None: nothing was asked, or nothing could be stored."""
        ...

    def refused(self, roster: Roster, until: datetime, /) -> None:
        """The daily cost limit does not pay for this roster until then."""
        ...

    def saw(self, judged: Judged, at: datetime, /) -> None:
        """What an answer showed, from whichever request. Told before the accounts are brought up to date."""
        ...


class SweepPlanner:
    """Everybody once in each slot of the sweep."""

    def __init__(self, sweep: Sweep, watched: WatchState) -> None:
        self._sweep = sweep
        self._watched = watched
        self._base: Sequence[Roster] = ()
        self._position: dict[tuple[AccountId, ...], int] = {}
        self._last: dict[int, Attempt] = {}
        self._queues: dict[str, list[tuple[datetime, int]]] = {}
        """By place: when each roster is due, as a heap. Those under way are not in it."""
        self._under_way: set[tuple[AccountId, ...]] = set()
        self._refused: dict[int, datetime] = {}
        """By roster, until when it is not paid for."""

    def take_up(
        self,
        base: Sequence[Roster],
        stored: Mapping[int, Attempt],
        _now: datetime,
        _edited: Collection[AccountId] | None = None,
        /,
    ) -> None:
        """A roster that was made anew only for its control accounts keeps its turn. What was refused is asked
        for again: another limit may hold now.
        """
        turns = {r.account_ids: self._last.get(r.roster_id) for r in self._base}
        last = {
            r.roster_id: stored.get(r.roster_id) or self._last.get(r.roster_id) or turns.get(r.account_ids)
            for r in base
        }
        self._base = base
        self._position = {r.account_ids: position for position, r in enumerate(base)}
        self._last = {roster_id: attempt for roster_id, attempt in last.items() if attempt is not None}
        self._queues, self._refused = {}, {}
        for roster in base:
            if roster.account_ids not in self._under_way:
                self._queue(roster)

    def loaded_again(self, roster: Roster, newest: Attempt | None, /) -> None:
        if newest is not None:
            self._last[roster.roster_id] = newest

    def due(self, now: datetime, not_before: NotBefore) -> list[ScheduledRead]:
        """The rosters whose turn it is, those answered longest ago first: a limit starves nobody."""
        ready: list[ScheduledRead] = []
        for place, queue in self._queues.items():
            while queue and not_before(place, queue[0][0]) <= now:
                _, position = heappop(queue)
                roster = self._base[position]
                if not_before(place, self._due_at(roster)) <= now:
                    ready.append(self._turn(position, roster, now))
                else:  # another process read it meanwhile
                    self._queue(roster)
        self._under_way.update(turn.account_ids for turn in ready)
        return sorted(ready, key=lambda turn: (self._read_at(turn.account_ids), turn.position))

    def next_at(self, _now: datetime, not_before: NotBefore, /) -> Iterable[datetime]:
        return [not_before(place, queue[0][0]) for place, queue in self._queues.items() if queue]

    def polled(self, turn: ScheduledRead, batch: Batch | None) -> None:
        if batch is not None and turn.roster is not None:
            self._last[turn.roster.roster_id] = Attempt(
                turn.slot, turn.number, batch.observed_at, batch.outcome
            )
        self._under_way.discard(turn.account_ids)
        if (position := self._position.get(turn.account_ids)) is not None:
            self._queue(self._base[position])

    def refused(self, roster: Roster, until: datetime, /) -> None:
        self._refused[roster.roster_id] = until

    def saw(self, _judged: Judged, _at: datetime, /) -> None:
        """Nothing is learned from it."""

    def _queue(self, roster: Roster) -> None:
        entry = self._due_at(roster), self._position[roster.account_ids]
        heappush(self._queues.setdefault(roster.place, []), entry)

    def _due_at(self, roster: Roster) -> datetime:
        last = self._last.get(roster.roster_id)
        due = _NEVER if last is None else due_from(self._sweep, last)
        return max(due, self._refused.get(roster.roster_id, _NEVER))

    def _turn(self, position: int, roster: Roster, now: datetime) -> ScheduledRead:
        last = self._last.get(roster.roster_id)
        due = next_attempt(self._sweep, last, now)
        quarantined = last is not None and last.outcome is BatchOutcome.HELD
        ids = roster.account_ids
        return ScheduledRead(
            WhyRead.TURN, roster.place, ids, roster, due.slot, due.number, position, another_way=quarantined
        )

    def _read_at(self, account_ids: Iterable[AccountId]) -> datetime:
        """When the last of them was answered."""
        read = (self._watched[a].known.last_read_at for a in account_ids)
        return max((at for at in read if at is not None), default=_NEVER)
