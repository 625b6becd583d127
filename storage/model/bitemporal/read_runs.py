"""Pure: when accounts were read without a break, and when that was put on record.

Which readings were on record at a time says what could be known then. Most requests follow each other at the
usual distance and are recorded at once. Such a run is told by its first and its last reading alone, and still
tells the same of every time, as known then or later. A reading that was recorded late stands alone, so that
it can be left out where it was not on record yet. What a request did not tell of one account is a hole.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from storage.model.core.coverage import is_answered
from storage.model.core.coverage_gaps import Watch


@dataclass(frozen=True, slots=True)
class UsualPace:
    """What is usual."""

    apart: timedelta
    """Readings at most so far apart follow each other."""
    recorded_within: timedelta
    """A reading that was recorded later than this after it was made is late."""


def pace(sweep_every: timedelta) -> UsualPace:
    """So that in the middle of a run the newest reading on record is always less than two sweeps old."""
    return UsualPace(apart=1.5 * sweep_every, recorded_within=0.5 * sweep_every)


@dataclass(frozen=True, slots=True)
class RosterAnswer:
    """An answered request of a roster.

    Requests at the usual pace that all accounts answered, as they did the two beside them, may be left out.
    """

    at: datetime
    recorded_at: datetime
    following: datetime | None
    """The next answered request of the roster, left out or not; None when there is none."""
    answered: bytes | None
    """Bitmap over the roster's accounts; None when all of them answered."""
    is_punctual: bool
    """It was recorded at once, and before the next one."""


@dataclass(frozen=True, slots=True)
class ReadRun:
    """Readings of a roster without a break from `first` to `last`, which are one where one stands alone."""

    roster_id: int
    first: datetime
    first_recorded: datetime
    last: datetime
    last_recorded: datetime
    is_punctual: bool


@dataclass(frozen=True, slots=True)
class Hole:
    """Requests of a roster in a row that told nothing of one account: no reading of it lies in between."""

    account_id: int
    roster_id: int
    before: datetime | None
    """The last that did; None when none had."""
    after: datetime | None
    """The next that did; None when none has."""
    after_recorded: datetime | None


@dataclass(frozen=True, slots=True)
class Point:
    """A reading of one account beside the regular sweep."""

    account_id: int
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Reads:
    """All that was read. The newest reading of an account is the newest of its rosters and points."""

    runs: tuple[ReadRun, ...]
    """By roster and time."""
    holes: tuple[Hole, ...]
    points: tuple[Point, ...]
    """Only those that tell more than the runs."""
    rosters: dict[int, tuple[int, ...]]
    """The accounts of each roster of the regular sweep, present or past."""


def reads_of(
    rosters: Mapping[int, Watch], answers: Mapping[int, Sequence[RosterAnswer]], usual: UsualPace
) -> Reads:
    """Fold the answers of each roster, which come in the order of time."""
    runs: dict[int, tuple[ReadRun, ...]] = {}
    holes: list[Hole] = []
    for roster_id, log in answers.items():
        watch = rosters[roster_id]
        if watch.base:
            runs[roster_id] = tuple(_runs(roster_id, log, usual))
            holes += _holes(roster_id, watch.account_ids, log)
    runs_of = _CoveredRuns(rosters, runs, holes)
    return Reads(
        runs=tuple(run for of_roster in runs.values() for run in of_roster),
        holes=tuple(holes),
        points=tuple(p for p in _points(rosters, answers) if not runs_of.covers(p)),
        rosters={roster_id: watch.account_ids for roster_id, watch in rosters.items() if watch.base},
    )


def joined(parts: Sequence[Reads], usual: UsualPace) -> Reads:
    """What parts tell together, of which each is of the time after the one before."""
    runs: defaultdict[int, list[ReadRun]] = defaultdict(list)
    holes: list[Hole] = []
    opened: dict[tuple[int, int], Hole] = {}
    rosters: dict[int, tuple[int, ...]] = {}
    for part in parts:
        rosters |= part.rosters
        firsts = {run.roster_id: run for run in reversed(part.runs)}
        begun = {(h.account_id, h.roster_id): h for h in part.holes if h.before is None}
        for key, hole in list(opened.items()):
            first = firsts.get(key[1])
            if first is not None and key not in begun:
                holes.append(replace(hole, after=first.first, after_recorded=first.first_recorded))
                del opened[key]
        for hole in part.holes:
            key = hole.account_id, hole.roster_id
            whole = hole
            if hole.before is None and key in opened:
                whole = replace(hole, before=opened.pop(key).before)
            elif hole.before is None and runs[hole.roster_id]:
                whole = replace(hole, before=runs[hole.roster_id][-1].last)
            if whole.after is None:
                opened[key] = whole
            else:
                holes.append(whole)
        for run in part.runs:
            _append(runs[run.roster_id], run, usual)
    return Reads(
        runs=tuple(run for of_roster in runs.values() for run in of_roster),
        holes=(*holes, *opened.values()),
        points=tuple(p for part in parts for p in part.points),
        rosters=rosters,
    )


def _append(runs: list[ReadRun], run: ReadRun, usual: UsualPace) -> None:
    before = runs[-1] if runs else None
    if (
        before is not None
        and before.is_punctual
        and run.is_punctual
        and run.first - before.last <= usual.apart
    ):
        if run.last > before.last:
            runs[-1] = replace(before, last=run.last, last_recorded=run.last_recorded)
    else:
        runs.append(run)


def _runs(roster_id: int, log: Sequence[RosterAnswer], usual: UsualPace) -> Iterator[ReadRun]:
    begin = before = None
    for answer in log:
        if begin is None or before is None or not _follows(before, answer, usual):
            if begin is not None and before is not None:
                yield _run(roster_id, begin, before)
            begin = answer
        before = answer
    if begin is not None and before is not None:
        yield _run(roster_id, begin, before)


def _follows(before: RosterAnswer, answer: RosterAnswer, usual: UsualPace) -> bool:
    """Whether the later one belongs to the run of the one before."""
    left_out = before.following != answer.at
    return before.is_punctual and answer.is_punctual and (left_out or answer.at - before.at <= usual.apart)


def _run(roster_id: int, first: RosterAnswer, last: RosterAnswer) -> ReadRun:
    return ReadRun(roster_id, first.at, first.recorded_at, last.at, last.recorded_at, first.is_punctual)


def _holes(roster_id: int, account_ids: Sequence[int], log: Sequence[RosterAnswer]) -> Iterator[Hole]:
    """Both answers beside one that not everybody gave are in the log."""
    for position, missing in _silent(len(account_ids), log).items():
        begin = 0
        for n, place in enumerate(missing, 1):
            if n < len(missing) and missing[n] == place + 1:
                continue
            first = missing[begin]
            after = log[place + 1] if place + 1 < len(log) else None
            yield Hole(
                account_ids[position],
                roster_id,
                log[first - 1].at if first else None,
                None if after is None else after.at,
                None if after is None else after.recorded_at,
            )
            begin = n


def _silent(accounts: int, log: Sequence[RosterAnswer]) -> dict[int, list[int]]:
    """Which answers said nothing of an account, by its position."""
    out: defaultdict[int, list[int]] = defaultdict(list)
    everybody = (1 << accounts) - 1
    for n, answer in enumerate(log):
        if answer.answered is None:
            continue
        left = everybody & ~int.from_bytes(answer.answered, "little")
        while left:
            lowest = left & -left
            out[lowest.bit_length() - 1].append(n)
            left ^= lowest
    return out


def _points(rosters: Mapping[int, Watch], answers: Mapping[int, Sequence[RosterAnswer]]) -> Iterator[Point]:
    for roster_id, log in answers.items():
        if rosters[roster_id].base:
            continue
        for answer in log:
            for position, account_id in enumerate(rosters[roster_id].account_ids):
                if is_answered(answer.answered, position):
                    yield Point(account_id, answer.at, answer.recorded_at)


class _CoveredRuns:
    """What runs and holes tell already."""

    def __init__(
        self, rosters: Mapping[int, Watch], runs: Mapping[int, Sequence[ReadRun]], holes: Sequence[Hole]
    ) -> None:
        self._runs = {roster_id: [r for r in some if r.is_punctual] for roster_id, some in runs.items()}
        self._begins = {roster_id: [r.first for r in some] for roster_id, some in self._runs.items()}
        self._of: defaultdict[int, list[int]] = defaultdict(list)
        for roster_id in runs:
            for account_id in rosters[roster_id].account_ids:
                self._of[account_id].append(roster_id)
        self._holes: defaultdict[tuple[int, int], list[Hole]] = defaultdict(list)
        for hole in holes:
            self._holes[hole.account_id, hole.roster_id].append(hole)

    def covers(self, point: Point) -> bool:
        """Whether the account was read without a break around that time."""
        return any(
            self._is_in_run(roster_id, point.at)
            and not any(
                _is_in_hole(hole, point.at) for hole in self._holes.get((point.account_id, roster_id), ())
            )
            for roster_id in self._of.get(point.account_id, ())
        )

    def _is_in_run(self, roster_id: int, at: datetime) -> bool:
        place = bisect_right(self._begins[roster_id], at) - 1
        return place >= 0 and at <= self._runs[roster_id][place].last


def _is_in_hole(hole: Hole, at: datetime) -> bool:
    return (hole.before is None or hole.before < at) and (hole.after is None or at < hole.after)
