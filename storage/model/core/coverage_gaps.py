"""When each account was looked at: the gaps of coverage, folded from answered requests."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from storage.model.core.coverage import Gap, is_answered


class AnsweredRequest(NamedTuple):
    """One answered request of a roster, with its neighbours in that roster.

    Requests that all accounts answered, with the usual distance to their neighbours, may be left out of
    the input of `coverage_of`: `previous` and `following` tell that they were there.
    """

    roster_id: int
    at: datetime
    previous: datetime | None
    """The answered request before this one; None when there was none."""
    following: datetime | None
    """The answered request after this one."""
    answered: bytes | None
    """Bitmap over the roster's accounts; None when all of them answered."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How well one account was looked at. Equal for most accounts of a roster."""

    last: datetime | None
    """Its newest reading; None when there is none."""
    gaps: tuple[Gap, ...]
    """Silences between two readings that lasted longer than the limit, oldest first. All are closed."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The members of one roster. `base` rosters make up the regular sweep, others are single re-reads."""

    account_ids: tuple[int, ...]
    base: bool


NEVER = Seen(last=None, gaps=())

Silence = tuple[datetime | None, datetime | None]
"""Open interval without a reading; None is the beginning or the end of time."""


def coverage_of(
    rosters: Mapping[int, Watch], requests: Iterable[AnsweredRequest], limit: timedelta
) -> dict[int, Seen]:
    """When was each account of `rosters` last read, and where not at all for longer than `limit`?

    `requests` come in the order of time within each roster. Re-reads only ever shorten a silence.
    """
    by_roster: defaultdict[int, list[AnsweredRequest]] = defaultdict(list)
    for request in requests:
        by_roster[request.roster_id].append(request)
    silences: defaultdict[int, list[tuple[Silence, ...]]] = defaultdict(list)
    points: defaultdict[int, list[datetime]] = defaultdict(list)
    for roster_id, watch in rosters.items():
        log = by_roster[roster_id]
        if watch.base:
            for account_id, spans in _of_roster(watch.account_ids, log, limit):
                silences[account_id].append(spans)
            continue
        for request in log:
            for position, account_id in enumerate(watch.account_ids):
                if is_answered(request.answered, position):
                    points[account_id].append(request.at)
    return _merged(silences, points, limit)


def _of_roster(
    account_ids: Sequence[int], log: Sequence[AnsweredRequest], limit: timedelta
) -> Iterator[tuple[int, tuple[Silence, ...]]]:
    """Silences of each account in one roster: the same object for all that answered each time."""
    partial = [r for r in log if r.answered is not None]
    usual = tuple(_silences(log, None, limit))
    for position, account_id in enumerate(account_ids):
        if all(is_answered(r.answered, position) for r in partial):
            yield account_id, usual
        else:
            yield account_id, tuple(_silences(log, position, limit))


def _silences(log: Sequence[AnsweredRequest], position: int | None, limit: timedelta) -> Iterator[Silence]:
    last: datetime | None = None
    before: AnsweredRequest | None = None
    for request in log:
        if request.previous is not None and (before is None or request.previous != before.at):
            # Requests left out of the log lie in between: everybody answered them, without a gap.
            first = request.previous if before is None or before.following is None else before.following
            if last is None or first - last > limit:
                yield last, first
            last = request.previous
        before = request
        if position is not None and not is_answered(request.answered, position):
            continue
        if last is None or request.at - last > limit:
            yield last, request.at
        last = request.at
    yield last, None


def _merged(
    silences: Mapping[int, Sequence[tuple[Silence, ...]]],
    points: Mapping[int, Sequence[datetime]],
    limit: timedelta,
) -> dict[int, Seen]:
    always: tuple[Silence, ...] = ((None, None),)
    shared: dict[tuple[Silence, ...], Seen] = {}
    # Accounts move from roster to roster together, so most of these intersections are needed many times.
    # The spans are kept beside them: an id is that of another object once the first one is gone.
    met: dict[tuple[int, int], tuple[tuple[Silence, ...], tuple[Silence, ...]]] = {}
    out: dict[int, Seen] = {}
    for account_id in silences.keys() | points.keys():
        common = always
        for spans in silences.get(account_id, ()):
            key = id(common), id(spans)
            if key not in met:
                met[key] = tuple(_intersection(common, spans)), common
            common = met[key][0]
        for at in sorted(points.get(account_id, ())):
            common = tuple(_split(common, at))
        if common not in shared:
            shared[common] = _seen(common, limit)
        out[account_id] = shared[common]
    return out


def _intersection(left: Sequence[Silence], right: Sequence[Silence]) -> Iterator[Silence]:
    """What is in both. In each, spans follow each other and touch at most in a point."""
    i = j = 0
    while i < len(left) and j < len(right):
        (a, b), (c, d) = left[i], right[j]
        start = a if c is None else c if a is None else max(a, c)
        end = b if d is None else d if b is None else min(b, d)
        if start is None or end is None or start < end:
            yield start, end
        if b is None or (d is not None and d <= b):
            j += 1
        else:
            i += 1


def _split(spans: Sequence[Silence], at: datetime) -> Iterator[Silence]:
    for start, end in spans:
        inside = (start is None or start < at) and (end is None or at < end)
        if inside:
            yield start, at
            yield at, end
        else:
            yield start, end


def _seen(spans: Sequence[Silence], limit: timedelta) -> Seen:
    gaps = [
        Gap(start, end)
        for start, end in spans
        if start is not None and end is not None and end - start > limit
    ]
    last = [start for start, end in spans if end is None and start is not None]
    return Seen(last=max(last, default=None), gaps=tuple(sorted(gaps, key=lambda g: g.since)))
