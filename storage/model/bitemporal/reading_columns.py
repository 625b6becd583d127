"""Pure: the readings of an account in columns, to be decided on again.

Times are microseconds as `columns.microseconds` counts them: of a hundred thousand readings only those are
made into objects that something is decided on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from storage.model.bitemporal.corrections import OwnChange, TimedReading, held_at, shown_at
from storage.model.core.accounts import Account, DatedMembership
from storage.model.core.availability import BY_COUNTRY, Flag, Outcome, Reading, State, Strength
from storage.model.core.known_state import Known
from storage.model.core.packed_columns import instant, microseconds

NOBODY: frozenset[str] = frozenset()


class ReplayedReading(NamedTuple):
    """What a reading showed. How good its evidence was, and its side facts, are on record of the first
    reading of a state only, and are those of it.
    """

    state: State
    strength: Strength
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class ReplayedReadings:
    """What an account showed over time: entry i from `since[i]` until before the next; None: not known."""

    since: Sequence[int]
    looks: Sequence[ReplayedReading | None]

    def place(self, at: int) -> int:
        """Which entry holds at a time; -1 before the first."""
        return bisect_right(self.since, at) - 1

    def end(self, place: int) -> int | None:
        """Until before when an entry holds; None for the last."""
        return self.since[place + 1] if place + 1 < len(self.since) else None


def looks_of(own: Sequence[OwnChange]) -> ReplayedReadings:
    """What our own stored changes tell of every reading: as `account_readings` does in the database."""
    valid = [c for c in own if not c.is_annulled]
    times = {c.first_seen_new for c in valid}
    times |= {c.last_agreeing_at + timedelta.resolution for c in valid if _ends(c)}
    since: list[int] = []
    looks: list[ReplayedReading | None] = []
    for at in sorted(times):
        teller = shown_at(valid, at) or held_at(valid, at)
        look = None if teller is None else ReplayedReading(teller.new, teller.strength, teller.flags)
        if not looks or look != looks[-1]:
            since.append(microseconds(at))
            looks.append(look)
    return ReplayedReadings(since, looks)


def _ends(change: OwnChange) -> bool:
    return change.outcome is not Outcome.CONFIRMED


def times_there(looks: ReplayedReadings) -> list[tuple[datetime, datetime | None]]:
    """When readings showed the account to be there, so that they could speak of countries: from, until before
    (None: to this day).
    """
    times: list[tuple[datetime, datetime | None]] = []
    for place, look in enumerate(looks.looks):
        if look is None or look.state.status not in BY_COUNTRY:
            continue
        since, end = looks.since[place], looks.end(place)
        times.append((instant(since), None if end is None else instant(end)))
    return times


class CountrySilence(NamedTuple):
    """Readings in a row that are silent on the same countries: from `start` until before `stop`."""

    start: int
    stop: int
    countries: frozenset[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings in the order of time, no two of one instant."""

    at: Sequence[int]
    asked: Sequence[int]
    """When each was asked for."""
    silences: tuple[CountrySilence, ...] = ()

    def silent_on(self, position: int) -> frozenset[str]:
        silence = self.silence(position)
        return NOBODY if silence is None else silence.countries

    def silence(self, position: int) -> CountrySilence | None:
        """The silence that a reading is part of."""
        if not self.silences:
            return None
        found = bisect_right(self.silences, position, key=lambda s: s.start) - 1
        return self.silences[found] if found >= 0 and position < self.silences[found].stop else None

    def next_silent(self, position: int) -> int:
        """The first reading from a position on that is silent on a country; behind the last if none is."""
        found = bisect_right(self.silences, position, key=lambda s: s.stop) if self.silences else 0
        if found == len(self.silences):
            return len(self.at)
        return max(position, self.silences[found].start)

    def last_spoken(self, country: str, first: int, last: int) -> int | None:
        """The last reading of those from `first` to `last` that is not silent on a country."""
        position = last
        while position >= first and (s := self.silence(position)) is not None and country in s.countries:
            position = s.start - 1
        return position if position >= first else None


def columns_of(readings: Iterable[tuple[int, int, frozenset[str]]]) -> Columns:
    """Columns of (when, when asked for, silent on what). Of one instant the answer counts that was asked for
    first: the others are repeats.
    """
    at: list[int] = []
    asked: list[int] = []
    silences: list[CountrySilence] = []
    for when, since, countries in sorted(readings, key=lambda r: r[:2]):
        if at and at[-1] == when:
            continue
        n = len(at)
        if countries:
            last = silences[-1] if silences else None
            if last is not None and last.stop == n and last.countries == countries:
                silences[-1] = CountrySilence(last.start, n + 1, countries)
            else:
                silences.append(CountrySilence(n, n + 1, countries))
        at.append(when)
        asked.append(since)
    return Columns(at, asked, tuple(silences))


def with_more(plain: Columns, rows: Sequence[tuple[int, int, frozenset[str]]]) -> Columns:
    """Many readings with a few more."""
    if plain.silences or any(silent for *_, silent in rows):
        every = [(at, plain.asked[i], plain.silent_on(i)) for i, at in enumerate(plain.at)]
        return columns_of([*every, *rows])
    asked_at = dict(zip(plain.at, plain.asked, strict=True))
    for at, asked, _ in rows:
        asked_at[at] = min(asked, asked_at.get(at, asked))
    order = sorted(asked_at)
    return Columns(order, [*map(asked_at.__getitem__, order)])


@dataclass(frozen=True, slots=True)
class Course:
    """One account over a time: what was held before, and all its readings since."""

    account: Account
    memberships: Sequence[DatedMembership]
    """The lists that it is or was on."""
    columns: Columns
    looks: ReplayedReadings
    stored: Sequence[OwnChange]
    """The changes that these readings told, in the order of time; annulled ones are not among them."""
    known: Known = field(default_factory=Known)
    flags: frozenset[Flag] = frozenset()
    """Side facts of the state that is held before."""
    let_go_at: Sequence[datetime] = ()
    """When it was taken off the watch while a change was provisional."""
    decided_at: Mapping[int, datetime] = field(default_factory=dict[int, datetime])
    """When the outcome of a stored change was written, by its number."""
    countries: frozenset[str] = NOBODY
    """Those that answers of its platform speak of, where these are some."""

    def is_there(self, position: int) -> bool:
        """Whether a reading showed the account, so that it could speak of countries."""
        look = self.looks.looks[self.looks.place(self.columns.at[position])] if self.countries else None
        return look is None or look.state.status in BY_COUNTRY

    def silent_on(self, position: int) -> frozenset[str]:
        """The countries of which a reading said nothing: of all when it showed no account."""
        silent = self.columns.silent_on(position)
        return silent if self.is_there(position) else silent | self.countries

    def asked(self, position: int) -> TimedReading:
        """A reading as it was understood then."""
        at = self.columns.at[position]
        place = self.looks.place(at)
        look = self.looks.looks[place] if place >= 0 else None
        if look is None:
            raise ValueError(f"what account {self.account.account_id} showed is not known")
        when = instant(at)
        silent = self.silent_on(position)
        reading = Reading("", when, look.state, look.strength, flags=look.flags, silent_on=silent)
        return TimedReading(reading, instant(self.columns.asked[position]))


def known_only(columns: Columns, looks: ReplayedReadings) -> Columns:
    """The readings of which it is known what they showed: nearly always all of them."""
    unknown = [n for n, look in enumerate(looks.looks) if look is None]
    if columns.at and not unknown and looks.since and columns.at[0] >= looks.since[0]:
        return columns
    kept: list[tuple[int, int, frozenset[str]]] = []
    for place, look in enumerate(looks.looks):
        if look is not None:
            end = looks.end(place)
            first = bisect_left(columns.at, looks.since[place])
            last = len(columns.at) if end is None else bisect_left(columns.at, end)
            kept += [(columns.at[i], columns.asked[i], columns.silent_on(i)) for i in range(first, last)]
    return columns_of(kept)
