"""Pure: how likely each account changed since it was read, by its own past and its lists' last hours.

Accounts are positions from 0, times are seconds since 1970. An account is on one of two sides: nothing is
done to it (what may come is a block), or it is blocked or gone (what may come is a restoration). What is seen
on one side of a list says nothing of the other: those just blocked are not read again for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.intp]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOUR = 3600.0
DAY = 24 * HOUR
NEVER = -np.inf
_SIDES = 2
_ENOUGH = 200
"""Of what is expected this much is kept: then all that was seen so far counts half."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is held before anything was read, and how fast the signs of a list fade.

    The rates of single accounts come from recorded histories; the rest was chosen by simulation.
    """

    edges_s: tuple[float, ...] = (3 * HOUR, 12 * HOUR, 2 * DAY, 7 * DAY, 30 * DAY, np.inf)
    """Accounts are told apart by how long ago they changed: up to these ends, and those that never did."""
    once_in_s: tuple[float, ...] = tuple(h * HOUR for h in (24, 24, 96, 500, 1500, 3000, 180 * 24))
    """How long it takes on average until an account changes."""
    weight: tuple[float, ...] = (2, 2, 2, 2, 2, 2, 3)
    """As many changes as this expectation counts for."""
    fading_s: float = 1.5 * HOUR
    """What was seen in a list counts e times less after this time."""
    unseen_s: float = 200 * HOUR
    """Every list counts as looked at for so many account-seconds: else the first change in one that is hardly
    ever read would be taken for a wave."""
    factor_at_most: float = 3
    factor_weight: float = 4


@dataclass(slots=True)
class ListSigns:
    """What was seen lately in one list, by side, as of `at`: changes, and account-seconds looked at."""

    at: float
    changes: list[float]
    looked_s: list[float]


@dataclass(slots=True)
class Learned:
    """What reading taught, in a form that can be stored."""

    changes: list[list[float]]
    """By side, and by how long ago the last change was."""
    looked_s: list[list[float]]
    seen: float = 0
    """Changes where a list had signs of life, and how many these let expect."""
    expected: float = 0
    lists: dict[int, ListSigns] = field(default_factory=dict[int, ListSigns])
    """By the number of the list; only those with signs of life."""

    def is_of(self, prior: Prior) -> bool:
        """Whether it tells accounts apart as this prior does, in numbers that can have been counted."""
        width, rows = len(prior.weight), (*self.changes, *self.looked_s)
        of_lists = [row for signs in self.lists.values() for row in (signs.changes, signs.looked_s)]
        counted = [self.seen, self.expected, *chain.from_iterable((*rows, *of_lists))]
        return (
            [len(row) for row in rows] == [width] * 2 * _SIDES
            and all(len(row) == _SIDES for row in of_lists)
            and all(0 <= number < np.inf for number in counted)
        )


def nothing_learned(prior: Prior) -> Learned:
    weight = list(prior.weight)
    looked = [w * once for w, once in zip(prior.weight, prior.once_in_s, strict=True)]
    return Learned([weight, list(weight)], [looked, list(looked)])


@dataclass(slots=True)
class Accounts:
    """Each account as it was when last read."""

    read_at: Floats
    """Of one that was never read, what it is to count as."""
    changed_at: Floats
    """When its last change was seen; -inf: it has not changed."""
    closed: NDArray[np.int8]
    """1: it is blocked or gone."""
    asked_at: Floats = field(init=False)
    """When it was last asked for: later than `read_at` where answers leave it out."""

    def __post_init__(self) -> None:
        self.asked_at = self.read_at.copy()


class Expectations:
    """What is expected of every account; kept current by `saw`."""

    def __init__(
        self, prior: Prior, accounts: Accounts, lists: Mapping[int, Positions], learned: Learned
    ) -> None:
        self.accounts = accounts
        self._prior = prior
        self._edges = np.array(prior.edges_s)
        self._numbers = list(lists)
        self._starts, self._lists = _lists_of(len(accounts.read_at), list(lists.values()))
        self._changes, self._looked = np.array(learned.changes), np.array(learned.looked_s)
        self._seen, self._expected = learned.seen, learned.expected
        self._at = np.zeros(len(lists))
        self._list_changes = np.zeros((len(lists), _SIDES))
        self._list_looked = np.zeros((len(lists), _SIDES))
        for position, number in enumerate(self._numbers):
            if (signs := learned.lists.get(number)) is not None:
                self._at[position] = signs.at
                self._list_changes[position], self._list_looked[position] = signs.changes, signs.looked_s

    def learned(self) -> Learned:
        alive = np.flatnonzero(self._list_changes.any(axis=1))
        return Learned(
            self._changes.tolist(),
            self._looked.tolist(),
            self._seen,
            self._expected,
            {
                self._numbers[p]: ListSigns(
                    float(self._at[p]), self._list_changes[p].tolist(), self._list_looked[p].tolist()
                )
                for p in alive
            },
        )

    @property
    def factor(self) -> float:
        """How far the signs of lists are to be believed, by what came of them so far."""
        weight = self._prior.factor_weight
        return min(self._prior.factor_at_most, (self._seen + weight) / (self._expected + weight))

    def list_rates(self, now: float) -> Floats:
        """Changes per second and member, by list and side, without the factor. 0 where nothing is alive."""
        fade = self._fade(self._at, now)
        changes = self._list_changes * fade
        rates = changes / (self._list_looked * fade + self._prior.unseen_s)
        return np.where(changes > 0.01, rates, 0.0)

    def worth(self, who: Positions, now: float, list_rates: Floats) -> Floats:
        """The delay, in seconds, that reading each account now is expected to spare against never.

        Whom answers leave out is worth no more than anybody else: he would be left out again.
        """
        age = np.maximum(0.0, now - self.accounts.asked_at[who])
        rate, _ = self._own_rate(who, now)
        recent = np.minimum(age, self._prior.fading_s)
        signs = self.factor * self._signs(who, list_rates)
        return rate * age * age / 2 + signs * recent * (age - recent / 2)

    def by_chance(self, who: Positions, now: float) -> Floats:
        """How many changes reading each account now would show if it had no list."""
        return self._own_rate(who, now)[0] * self._age(who, now)

    def saw(self, who: Positions, now: float, changed: Bools, closed: NDArray[np.int8]) -> None:
        """Accounts were read: which are otherwise than when last read, and on which side each is now."""
        accounts = self.accounts
        age = self._age(who, now)
        before = accounts.closed[who]
        self._learn(who, now, age, changed)
        self._note_signs(who, now, np.minimum(age, self._prior.fading_s), before, changed)
        accounts.changed_at[who[changed]] = now
        accounts.closed[who] = closed
        accounts.read_at[who] = accounts.asked_at[who] = now

    def lists_of(self, who: Positions) -> tuple[Positions, NDArray[np.int64]]:
        """Each list of each of these accounts: the place in `who`, and the number of the list."""
        index, lists = self._memberships(who)
        return index, np.array(self._numbers, np.int64)[lists]

    def withdrew(self, who: Positions, seen_at: Floats, before: NDArray[np.int8]) -> None:
        """Changes that were seen then, from the side `before`, were not confirmed: they are no signs."""
        index, lists = self._memberships(who)
        left = np.exp(np.minimum(0.0, seen_at[index] - self._at[lists]) / self._prior.fading_s)
        np.subtract.at(self._list_changes, (lists, before[index]), left)
        np.maximum(self._list_changes, 0, out=self._list_changes)

    def _age(self, who: Positions, now: float) -> Floats:
        """For how long each account was not read; 0 where a clock that was set back would say less."""
        return np.maximum(0.0, now - self.accounts.read_at[who])

    def _fade(self, at: Floats, now: float) -> Floats:
        """What is left by now of signs as of `at`, in one column."""
        return np.exp(np.minimum(0.0, at - now) / self._prior.fading_s)[:, None]

    def _own_rate(self, who: Positions, now: float) -> tuple[Floats, tuple[NDArray[np.int8], Positions]]:
        """Changes per second by the account's own past, and the cell of the table that it comes from."""
        since = now - self.accounts.changed_at[who]
        cell = self.accounts.closed[who], np.searchsorted(self._edges, since, side="right")
        return self._changes[cell] / self._looked[cell], cell

    def _signs(self, who: Positions, list_rates: Floats) -> Floats:
        """Changes per second of each account by the signs of its lists together."""
        index, lists = self._memberships(who)
        rates = list_rates[lists, self.accounts.closed[who[index]]]
        return np.bincount(index, rates, minlength=len(who)).astype(np.float64)

    def _memberships(self, who: Positions) -> tuple[Positions, Positions]:
        """Each list of each of these accounts: the place in `who`, and the position of the list."""
        first, end = self._starts[who], self._starts[who + 1]
        number = end - first
        index = np.repeat(np.arange(len(who)), number)
        offset = np.arange(len(index)) - np.repeat(np.cumsum(number) - number, number)
        return index, self._lists[first[index] + offset]

    def _learn(self, who: Positions, now: float, age: Floats, changed: Bools) -> None:
        """A change counts for the lists where these had signs of life, else for the account's own past."""
        signs = self._signs(who, self.list_rates(now))
        alive = signs > 1 / self._prior.once_in_s[-1]
        recent = np.minimum(age[alive], self._prior.fading_s)
        self._expected += float(-np.expm1(-signs[alive] * recent).sum())
        self._seen += float(changed[alive].sum())
        if self._expected > _ENOUGH:
            self._expected, self._seen = self._expected / 2, self._seen / 2
        _, (side, column) = self._own_rate(who, now)
        cell = side[~alive], column[~alive]
        np.add.at(self._looked, cell, age[~alive])
        np.add.at(self._changes, cell, changed[~alive])

    def _note_signs(
        self, who: Positions, now: float, recent: Floats, before: NDArray[np.int8], changed: Bools
    ) -> None:
        index, lists = self._memberships(who)
        touched = np.unique(lists)
        fade = self._fade(self._at[touched], now)
        self._list_changes[touched] *= fade
        self._list_looked[touched] *= fade
        self._at[touched] = now
        np.add.at(self._list_looked, (lists, before[index]), recent[index])
        np.add.at(self._list_changes, (lists, before[index]), changed[index])


def _lists_of(accounts: int, lists: Sequence[Positions]) -> tuple[Positions, Positions]:
    """The lists of all accounts in one row, and where those of each account begin in it."""
    members = np.concatenate([*lists, np.empty(0, np.intp)]).astype(np.intp)
    names = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    order = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[order], np.arange(accounts + 1))
    return starts.astype(np.intp), names[order].astype(np.intp)
