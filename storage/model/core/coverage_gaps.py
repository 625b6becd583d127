"""When each account was looked at: the gaps of coverage, folded from answered requests."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
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

Stretch = tuple[datetime, datetime]
"""The first and the last reading of a time in which no silence was longer than the limit."""


def coverage_of(
    rosters: Mapping[int, Watch],
    requests: Iterable[AnsweredRequest],
    limit: timedelta,
    since: datetime | None = None,
    only: Set[int] | None = None,
) -> dict[int, Seen]:
    """When was each account of `rosters` last read, and where not at all for longer than `limit`? `only`
    names the accounts that are asked about; None means all.

    `requests` come in the order of time within each roster. Re-reads only ever shorten a silence. Silences
    that ended by `since` are no gaps: of the time before it, `requests` hold only the last one of each
    roster. None means that they hold all.
    """
    by_roster: defaultdict[int, list[AnsweredRequest]] = defaultdict(list)
    for request in requests:
        by_roster[request.roster_id].append(request)
    swept: defaultdict[int, list[tuple[Stretch, ...]]] = defaultdict(list)
    again: defaultdict[int, list[Stretch]] = defaultdict(list)
    for roster_id, watch in rosters.items():
        log = by_roster[roster_id]
        if only is not None and only.isdisjoint(watch.account_ids):
            continue
        if watch.base:
            for account_id, stretches in _of_roster(watch.account_ids, log, limit, only):
                swept[account_id].append(stretches)
            continue
        for request in log:
            for position, account_id in enumerate(watch.account_ids):
                if (only is None or account_id in only) and is_answered(request.answered, position):
                    again[account_id].append((request.at, request.at))
    # Accounts move from roster to roster together, so most of them share what was seen.
    together: dict[tuple[int, ...], Seen] = {}
    out: dict[int, Seen] = {}
    for account_id in swept.keys() | again.keys():
        parts = swept.get(account_id, [])
        if account_id in again:
            out[account_id] = _seen(chain(*parts, again[account_id]), limit, since)
            continue
        # `swept` holds all of them until the end, so that an id is that of one object.
        key = tuple(map(id, parts))
        if key not in together:
            together[key] = _seen(chain(*parts), limit, since)
        out[account_id] = together[key]
    return out


@dataclass(frozen=True, slots=True)
class SharedCoverage:
    """What `coverage_of` says of each account, once for all accounts of a roster that were read alike."""

    of_roster: Mapping[int, Seen]
    """By roster: holds for those of its accounts that are not in `of_account`."""
    of_account: Mapping[int, Seen]


def shared_coverage(
    rosters: Mapping[int, Watch],
    requests: Iterable[AnsweredRequest],
    limit: timedelta,
    since: datetime | None = None,
) -> SharedCoverage:
    """`coverage_of` for very many accounts: looks at a single one only if it is in several rosters, or if an
    answer that it did not give makes a difference.
    """
    by_roster: defaultdict[int, list[AnsweredRequest]] = defaultdict(list)
    for request in requests:
        by_roster[request.roster_id].append(request)
    times = Counter(chain.from_iterable(w.account_ids for w in rosters.values()))
    alone = {account_id for account_id, n in times.items() if n > 1}
    of_roster: dict[int, Seen] = {}
    for roster_id, watch in rosters.items():
        if not watch.base:
            alone.update(watch.account_ids)
            continue
        log = by_roster[roster_id]
        of_roster[roster_id] = usual = _seen(_stretches(log, None, limit), limit, since)
        partial = [r for r in log if r.answered is not None]
        for position, account_id in enumerate(watch.account_ids if partial else ()):
            if all(is_answered(r.answered, position) for r in partial):
                continue
            if _seen(_stretches(log, position, limit), limit, since) != usual:
                alone.add(account_id)
    logs = chain.from_iterable(by_roster.values())
    return SharedCoverage(of_roster, coverage_of(rosters, logs, limit, since, alone))


def coarser(found: Iterable[Seen], step: timedelta) -> dict[Seen, Seen]:
    """Make accounts that were read nearly alike alike: to each of these, one that differs by less than `step`
    at any time and says of no moment that an account was looked at that was not.

    A last reading becomes one a little earlier; a silence begins a little earlier and ends a little later.
    """
    different = set(found)
    lasts = _earliest({s.last for s in different if s.last is not None}, step)
    begins = _earliest({g.since for s in different for g in s.gaps}, step)
    ends = _latest({g.until for s in different for g in s.gaps if g.until is not None}, step)
    return {
        s: Seen(
            None if s.last is None else lasts[s.last],
            tuple(_joined(Gap(begins[g.since], None if g.until is None else ends[g.until]) for g in s.gaps)),
        )
        for s in different
    }


def _earliest(times: Set[datetime], step: timedelta) -> dict[datetime, datetime]:
    """To each time the first of those that lie less than `step` after one another's first."""
    out: dict[datetime, datetime] = {}
    first: datetime | None = None
    for at in sorted(times):
        if first is None or at - first >= step:
            first = at
        out[at] = first
    return out


def _latest(times: Set[datetime], step: timedelta) -> dict[datetime, datetime]:
    out: dict[datetime, datetime] = {}
    last: datetime | None = None
    for at in sorted(times, reverse=True):
        if last is None or last - at >= step:
            last = at
        out[at] = last
    return out


def _joined(gaps: Iterable[Gap]) -> Iterator[Gap]:
    """Silences in the order of time; those that overlap are one. Between two that touch, it was read."""
    before: Gap | None = None
    for gap in gaps:
        if before is not None and before.until is not None and gap.since < before.until:
            before = Gap(before.since, gap.until and max(gap.until, before.until))
            continue
        if before is not None:
            yield before
        before = gap
    if before is not None:
        yield before


def _of_roster(
    account_ids: Sequence[int], log: Sequence[AnsweredRequest], limit: timedelta, only: Set[int] | None
) -> Iterator[tuple[int, tuple[Stretch, ...]]]:
    """Stretches of each account in one roster: the same object for all that answered each time."""
    partial = [r for r in log if r.answered is not None]
    usual = tuple(_stretches(log, None, limit))
    for position, account_id in enumerate(account_ids):
        if only is not None and account_id not in only:
            continue
        if all(is_answered(r.answered, position) for r in partial):
            yield account_id, usual
        else:
            yield account_id, tuple(_stretches(log, position, limit))


def _stretches(log: Sequence[AnsweredRequest], position: int | None, limit: timedelta) -> Iterator[Stretch]:
    """The readings of the account at `position`, joined; None is one that answered each time."""
    begin: datetime | None = None
    last: datetime | None = None
    for first, end in _read(log, position):
        if begin is None or last is None:
            begin = first
        elif first - last > limit:
            yield begin, last
            begin = first
        last = end
    if begin is not None and last is not None:
        yield begin, last


def _read(log: Sequence[AnsweredRequest], position: int | None) -> Iterator[Stretch]:
    before: datetime | None = None
    after_before: datetime | None = None
    for _, at, previous, following, answered in log:
        if previous is not None and previous != before:
            # Requests left out of the log lie in between: everybody answered them, without a gap.
            yield after_before or previous, previous
        before, after_before = at, following
        if position is None or is_answered(answered, position):
            yield at, at


def _seen(stretches: Iterable[Stretch], limit: timedelta, since: datetime | None) -> Seen:
    """What all these stretches leave open."""
    gaps: list[Gap] = []
    last: datetime | None = None
    for first, end in sorted(stretches):
        if last is not None and first - last > limit and (since is None or first > since):
            gaps.append(Gap(last, first))
        last = end if last is None else max(last, end)
    return Seen(last, tuple(gaps))
