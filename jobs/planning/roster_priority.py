"""Pure: which roster is read next, when reading everybody takes long.

Most requests go to the roster that waits longest, so that nobody waits longer than a stated ceiling. The
rest may go ahead to rosters made of one list when changes were just seen among its members: accounts of one
order change together. Nothing else can be foreseen: nobody is blocked often enough to learn his own rate.

Only whole rosters are read, and they stay as they are: a reading in one of them takes a byte to store, in a
set made for the moment ten. What a roster is worth is the delay that reading it is expected to spare
(`Expectations.worth`); it goes ahead when that is several times what the one in turn is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from math import isfinite

import numpy as np

from jobs.planning.change_rates import Expectations, Floats, Positions
from storage.model.core.coverage import WhyRead


@dataclass(frozen=True, slots=True)
class PlannerRule:
    """The figures were chosen by simulation: `make bench GROUP=planner` shows what they do."""

    ceiling_sweeps: float = 10 / 7
    """Nobody stays unread for more sweeps, as long as requests are answered."""
    saved: float = 10
    """So many requests out of turn can be saved up for a burst."""
    dearer: float = 5
    """A roster goes ahead when it is worth so many times the one in turn."""
    lists_at_once: int = 8
    """So many lists are weighed for one request, those with the most changes first."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A roster that can be read out of turn."""

    accounts: Positions
    lists: tuple[int, ...]
    """The lists whose members it holds, as positions among the lists of the expectations."""
    every_s: float = np.inf
    """It was promised to be read so often."""


@dataclass(frozen=True, slots=True)
class Pick:
    why: WhyRead
    roster: int
    """Position among the base rosters (TURN), or among those that can be read out of turn."""


class _ReadQueue:
    """Who waits for his turn, and who of them the longest: looked up without a look at everybody."""

    def __init__(self, since: Floats) -> None:
        self._since: list[float] = since.tolist()
        self._from = [-np.inf] * len(self._since)
        """When each can be picked; inf: he is under way."""
        self._free = sorted((at, who) for who, at in enumerate(self._since))
        self._held_back: list[tuple[float, int]] = []
        """Two heaps. What is in them and does not hold any more is passed over."""

    def first(self, now: float) -> int | None:
        """Who has waited longest, of those who can be picked."""
        while self._held_back and self._held_back[0][0] <= now:
            until, who = heappop(self._held_back)
            if self._from[who] == until:
                self.hold_back(who, -np.inf)
        while self._free:
            at, who = self._free[0]
            if self._from[who] == -np.inf and self._since[who] == at:
                return who
            heappop(self._free)
        return None

    def take(self, who: int) -> None:
        self._from[who] = np.inf

    def is_under_way(self, who: int) -> bool:
        return self._from[who] == np.inf

    def put_at_end(self, who: int, now: float) -> None:
        self._since[who], self._from[who] = now, -np.inf
        heappush(self._free, (now, who))

    def hold_back(self, who: int, until: float) -> None:
        """He keeps his place, and is not picked before `until`."""
        if self._from[who] != until:
            self._from[who] = until
            heap, at = (self._free, self._since[who]) if until == -np.inf else (self._held_back, until)
            heappush(heap, (at, who))

    def next_from(self, now: float) -> float:
        """See `RosterPriority.next_from`."""
        if self.first(now) is not None:
            return -np.inf
        while self._held_back and self._from[self._held_back[0][1]] != self._held_back[0][0]:
            heappop(self._held_back)
        return self._held_back[0][0] if self._held_back else np.inf


class RosterPriority:
    """The requests to one place. Who calls keeps to the budget of the sweep; the shares are kept here.

    What was picked is under way, and is not picked again, until it is said how it went.
    """

    def __init__(
        self,
        rule: PlannerRule,
        expectations: Expectations,
        base: Sequence[Positions],
        ahead: Sequence[Ahead],
    ) -> None:
        self._rule = rule
        self._expected = expectations
        self._base = list(base)
        self._ahead = list(ahead)
        self.size = max((len(b) for b in base), default=1)
        """Of a full request."""
        requests = sum(len(b) for b in base) / self.size
        asked_at = expectations.accounts.asked_at
        self._line = _ReadQueue(_oldest(asked_at, base))
        self._ahead_from = np.full(len(ahead), -np.inf)
        self._promised: list[tuple[float, int]] = []
        """A heap: each with a time before which it is not due. Those under way are not in it."""
        self._reckoned: dict[int, float] = {}
        """The time with which each stands there."""
        self._of_list: dict[int, list[int]] = {}
        for position, roster in enumerate(ahead):
            for one in roster.lists:
                self._of_list.setdefault(one, []).append(position)
        self._saved_at_most = max(1.0, min(rule.saved, requests / 20))
        for position in range(len(ahead)):
            self._free_ahead(position, -np.inf)
        self._saved = 0.0
        self.share_in_turn = _share_in_turn(rule, requests, self._saved_at_most)

    def next(self, now: float) -> Pick | None:
        """What to read now with one request of the sweep; None when everything has to wait."""
        turn = self._line.first(now)
        ahead = self._best_ahead(now, turn) if self._saved >= 1 else None
        if ahead is not None:
            pick = Pick(WhyRead.AHEAD, ahead)
            self._ahead_from[ahead] = np.inf
        elif turn is not None:
            pick = Pick(WhyRead.TURN, turn)
            self._line.take(turn)
        else:
            return None
        cost = self.cost(pick)
        saved = self._saved + (1 - self.share_in_turn) * cost
        self._saved = min(self._saved_at_most, saved if ahead is None else saved - cost)
        return pick

    def promised(self, now: float) -> Pick | None:
        """What has to be read now because it was promised, beside the requests of the sweep."""
        if self.promised_from() > now:
            return None
        _, roster = heappop(self._promised)
        del self._reckoned[roster]
        self._ahead_from[roster] = np.inf
        return Pick(WhyRead.PROMISED, roster)

    def cost(self, pick: Pick) -> float:
        """How much of a full request it is: what is counted are readings."""
        return len(self.accounts_of(pick)) / self.size

    def picks(self) -> list[Pick]:
        """Everything that can be picked."""
        turns = (Pick(WhyRead.TURN, n) for n in range(len(self._base)))
        return [*turns, *(Pick(WhyRead.AHEAD, n) for n in range(len(self._ahead)))]

    def accounts_of(self, pick: Pick) -> Positions:
        if pick.why is WhyRead.TURN:
            return self._base[pick.roster]
        return self._ahead[pick.roster].accounts

    def answered(self, pick: Pick, now: float) -> None:
        """It was read at `now`: it goes to the end."""
        self._expected.accounts.asked_at[self.accounts_of(pick)] = now
        if pick.why is WhyRead.TURN:
            self._line.put_at_end(pick.roster, now)
        else:
            self._free_ahead(pick.roster, -np.inf)

    def wait(self, pick: Pick, until: float) -> None:
        """It gave nothing: it is not picked before `until`, and keeps its place."""
        if pick.why is WhyRead.TURN:
            self._line.hold_back(pick.roster, until)
        else:
            self._free_ahead(pick.roster, until)

    def is_under_way(self, pick: Pick) -> bool:
        if pick.why is WhyRead.TURN:
            return self._line.is_under_way(pick.roster)
        return bool(self._ahead_from[pick.roster] == np.inf)

    def next_from(self) -> float:
        """When the first roster can be picked: -inf when one can now, inf when there is none."""
        return self._line.next_from(-np.inf)

    def promised_from(self) -> float:
        """When the next promise is due; inf when there is none."""
        while self._promised:
            reckoned, roster = self._promised[0]
            holds = self._reckoned.get(roster) == reckoned
            due = self._due_from(roster)
            if holds and due == reckoned:
                return due
            heappop(self._promised)
            if holds:  # it was read meanwhile, or is under way
                del self._reckoned[roster]
                self._reckon(roster, due)
        return np.inf

    def _free_ahead(self, roster: int, at: float) -> None:
        self._ahead_from[roster] = at
        if isfinite(self._ahead[roster].every_s):
            self._reckon(roster, self._due_from(roster))

    def _reckon(self, roster: int, due: float) -> None:
        """Let a promise stand in the heap with this time, if it does not with an earlier one."""
        if np.isfinite(due) and due < self._reckoned.get(roster, np.inf):
            self._reckoned[roster] = due
            heappush(self._promised, (due, roster))

    def _due_from(self, promised: int) -> float:
        """When a promise is due. A member that answers leave out does not make it due again at once."""
        roster = self._ahead[promised]
        asked_at = self._expected.accounts.asked_at[roster.accounts].min()
        return float(max(self._ahead_from[promised], asked_at + roster.every_s))

    def _best_ahead(self, now: float, turn: int | None) -> int | None:
        """The roster out of turn that is worth most, if it is worth so much more than the one in turn."""
        rates = self._expected.list_rates(now)
        strongest = rates.max(axis=1, initial=0)
        busy = np.flatnonzero(strongest)
        busy = busy[np.argsort(-strongest[busy])][: self._rule.lists_at_once]
        weighed = {roster for one in busy for roster in self._of_list.get(int(one), ())}
        candidates = sorted(roster for roster in weighed if self._ahead_from[roster] <= now)
        if not candidates:
            return None
        worth = self._worth([self._ahead[c].accounts for c in candidates], now, rates)
        best = int(np.argmax(worth))
        least = 0.0
        if turn is not None:
            # As of a full one: before a small rest of a sweep everything would be worth more.
            least = self._worth([self._base[turn]], now, rates)[0] * self.size / len(self._base[turn])
        return candidates[best] if worth[best] > self._rule.dearer * least else None

    def _worth(self, rosters: Sequence[Positions], now: float, rates: Floats) -> Floats:
        starts = np.cumsum([0, *(len(r) for r in rosters[:-1])])
        return np.add.reduceat(self._expected.worth(np.concatenate(rosters), now, rates), starts)


def _oldest(asked_at: Floats, rosters: Sequence[Positions]) -> Floats:
    """When the account of each roster that waits longest was asked for."""
    if not rosters:
        return np.empty(0)
    starts = np.cumsum([0, *(len(roster) for roster in rosters[:-1])])
    return np.minimum.reduceat(asked_at[np.concatenate(rosters)], starts)


def even_parts(members: Positions, size: int) -> list[Positions]:
    """As few parts as hold them, of at most `size`, none larger than another by more than one."""
    number = max(1, -(-len(members) // size))
    least, larger = divmod(len(members), number)
    ends = [least * n + min(n, larger) for n in range(number + 1)]
    return [members[begin:end] for begin, end in pairwise(ends)]


def _share_in_turn(rule: PlannerRule, sweep: float, saved: float) -> float:
    """Which part of all requests has to go in turn. `sweep`: so many full ones read everybody once.

    While everybody waits for his turn, sweep/share requests are made, and those saved up before come on top:
    so that (sweep + saved)/share requests take no more than the ceiling.
    """
    return min(1.0, (sweep + saved) / (sweep * rule.ceiling_sweeps)) if sweep else 1.0


def rosters_by_list(lists: Sequence[Positions], every_s: Sequence[float], size: int) -> list[Ahead]:
    """Rosters to be read out of turn: each list in as few as hold it, small rests of several together.

    `every_s` says how often each list is promised to be read: only those of one promise stand together.
    """
    rosters: list[Ahead] = []
    rests: list[tuple[Positions, int]] = []
    for position, members in enumerate(lists):
        for part in even_parts(members, size):
            if len(part) > size / 2:
                rosters.append(Ahead(part, (position,), every_s[position]))
            elif len(part):
                rests.append((part, position))
    shared: list[list[tuple[Positions, int]]] = []
    for rest in sorted(rests, key=lambda r: -len(r[0])):
        fitting = (
            s
            for s in shared
            if every_s[s[0][1]] == every_s[rest[1]] and sum(len(p) for p, _ in s) + len(rest[0]) <= size
        )
        if (room := next(fitting, None)) is not None:
            room.append(rest)
        else:
            shared.append([rest])
    for parts in shared:
        accounts = np.unique(np.concatenate([part for part, _ in parts]))
        lists_in = tuple(position for _, position in parts)
        rosters.append(Ahead(accounts, lists_in, every_s[lists_in[0]]))
    return rosters
