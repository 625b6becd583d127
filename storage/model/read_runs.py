"""Pure: when each account was read without a break, and when that was put on record.

Which readings were on record at a time says what could be known then. Most requests follow each other at the
usual distance and are recorded at once. Such a run is told by its first and its last reading alone: that tells
the same of every time, as known then or later. A reading that was recorded late stands alone, so that it can
be left out where it was not on record yet.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.coverage import is_answered
from storage.model.timeline import Watch


@dataclass(frozen=True, slots=True)
class Pace:
    """What is usual."""

    apart: timedelta
    """Readings at most so far apart follow each other."""
    recorded_within: timedelta
    """A reading that was recorded later than this after it was made is late."""


def pace(sweep_every: timedelta) -> Pace:
    """So that in the middle of a run the newest reading on record is always less than two sweeps old."""
    return Pace(apart=1.5 * sweep_every, recorded_within=0.5 * sweep_every)


@dataclass(frozen=True, slots=True)
class Answer:
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
class Run:
    """Readings without a break from `first` to `last`, which are one where one stands alone."""

    first: datetime
    first_recorded: datetime
    last: datetime
    last_recorded: datetime
    is_punctual: bool


Runs = tuple[Run, ...]
_Part = tuple[int, int]
"""The first and the last answer of a run, by their places in the log of a roster."""


def runs_of(
    rosters: Mapping[int, Watch], answers: Mapping[int, Sequence[Answer]], usual: Pace
) -> dict[int, Runs]:
    """The runs of every account of `rosters` that was read, oldest first. `answers` come in order of time."""
    found: defaultdict[int, list[Runs]] = defaultdict(list)
    points: defaultdict[int, list[Run]] = defaultdict(list)
    for roster_id, log in answers.items():
        watch = rosters[roster_id]
        if watch.base:
            for account_id, runs in _of_sweep(watch.account_ids, log, usual):
                found[account_id].append(runs)
            continue
        for answer in log:
            for position, account_id in enumerate(watch.account_ids):
                if is_answered(answer.answered, position):
                    points[account_id].append(_run(answer, answer))
    return {
        account_id: _together(found.get(account_id, []), points.get(account_id, ()), usual)
        for account_id in found.keys() | points.keys()
    }


def _of_sweep(account_ids: Sequence[int], log: Sequence[Answer], usual: Pace) -> Iterable[tuple[int, Runs]]:
    """The same object for all that answered each time."""
    parts = _parts(log, usual)
    common = _runs(log, parts)
    silent = _silent(len(account_ids), log)
    for position, account_id in enumerate(account_ids):
        missing = silent.get(position)
        yield account_id, common if missing is None else _runs(log, _without(log, parts, missing, usual))


def _parts(log: Sequence[Answer], usual: Pace) -> list[_Part]:
    parts: list[_Part] = []
    for n, answer in enumerate(log):
        before = log[n - 1] if n else None
        if before is not None and before.is_punctual and answer.is_punctual:
            left_out = before.following != answer.at
            if left_out or answer.at - before.at <= usual.apart:
                parts[-1] = parts[-1][0], n
                continue
        parts.append((n, n))
    return parts


def _silent(accounts: int, log: Sequence[Answer]) -> dict[int, list[int]]:
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


def _without(
    log: Sequence[Answer], parts: Sequence[_Part], missing: Sequence[int], usual: Pace
) -> list[_Part]:
    """The parts without these answers. Both answers beside one that not everybody gave are in the log."""
    out: list[_Part] = []
    begins = [first for first, _ in parts]
    cuts: defaultdict[int, list[int]] = defaultdict(list)
    for n in missing:
        cuts[bisect_right(begins, n) - 1].append(n)
    for number, (first, last) in enumerate(parts):
        pieces: list[_Part] = []
        for n in [*cuts.get(number, ()), last + 1]:
            if n > first:
                if pieces and log[first].at - log[pieces[-1][1]].at <= usual.apart:
                    pieces[-1] = pieces[-1][0], n - 1
                else:
                    pieces.append((first, n - 1))
            first = n + 1
        out += pieces
    return out


def _runs(log: Sequence[Answer], parts: Iterable[_Part]) -> Runs:
    return tuple(_run(log[first], log[last]) for first, last in parts)


def _run(first: Answer, last: Answer) -> Run:
    return Run(first.at, first.recorded_at, last.at, last.recorded_at, first.is_punctual)


def _together(of_rosters: Sequence[Runs], points: Sequence[Run], usual: Pace) -> Runs:
    """What all requests for one account tell of it. Within a run a further reading tells nothing more."""
    if len(of_rosters) == 1:
        runs = of_rosters[0]
        begins = [run.first for run in runs]
        if all(_is_inside(p, runs, begins) for p in points):
            return runs
    every = [run for runs in of_rosters for run in runs] + list(points)
    joined: list[Run] = []
    for run in sorted((r for r in every if r.is_punctual), key=lambda r: (r.first, r.last)):
        before = joined[-1] if joined else None
        if before is None or run.first - before.last > usual.apart:
            joined.append(run)
        elif run.last > before.last:
            joined[-1] = Run(before.first, before.first_recorded, run.last, run.last_recorded, True)
    begins = [run.first for run in joined]
    late = [run for run in every if not run.is_punctual and not _is_inside(run, joined, begins)]
    return tuple(sorted([*joined, *late], key=lambda r: (r.first, r.first_recorded)))


def _is_inside(point: Run, runs: Sequence[Run], begins: Sequence[datetime]) -> bool:
    place = bisect_right(begins, point.first) - 1
    return place >= 0 and runs[place].is_punctual and point.first <= runs[place].last
