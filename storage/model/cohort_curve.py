"""How many accounts of a cohort were blocked, over time, with the band in which the truth lies. Pure."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto

from storage.model.cohort import Kind, Member, blocked_times


@dataclass(frozen=True, slots=True)
class Step:
    """Counts of accounts that hold from `at` until the next step."""

    at: datetime
    blocked: int
    """As the readings showed it: from the first that showed a block to the first that showed its end."""
    certain: int
    """Blocked at the least: a change lies as late as it can, its end as early."""
    possible: int
    """Blocked at the most."""
    withheld: int
    """Of `blocked`."""
    suspended: int
    """Of `blocked`."""
    unread: int
    """Not looked at then: nothing is known of them at that time."""


class _Line(StrEnum):
    BLOCKED = auto()
    CERTAIN = auto()
    POSSIBLE = auto()
    WITHHELD = auto()
    SUSPENDED = auto()
    UNREAD = auto()


def curve(
    members: Sequence[Member], since: datetime, until: datetime, gap_after: timedelta
) -> tuple[Step, ...]:
    """The counts from `since` to `until`, a step wherever one of them changes. The first is at `since`."""
    moves: defaultdict[datetime, Counter[_Line]] = defaultdict(Counter)

    def during(line: _Line, start: datetime | None, end: datetime | None) -> None:
        first = since if start is None else max(start, since)
        if first > until or (end is not None and end <= first):
            return
        moves[first][line] += 1
        if end is not None and end <= until:
            moves[end][line] -= 1

    for member in members:
        for stay in member.stays:
            if stay.kind is Kind.WITHHELD:
                during(_Line.WITHHELD, stay.since, stay.until)
            elif stay.kind is Kind.SUSPENDED:
                during(_Line.SUSPENDED, stay.since, stay.until)
        for blocked in blocked_times(member):
            during(_Line.BLOCKED, blocked.since, blocked.until)
            sure = (
                blocked.last_blocked if blocked.until is not None else _read_until(member, until, gap_after)
            )
            during(_Line.CERTAIN, blocked.since, sure)
            during(_Line.POSSIBLE, blocked.onset_after, blocked.until)
        for start, end in _unread(member, gap_after):
            during(_Line.UNREAD, start, end)
    moves[since] += Counter()
    return tuple(_steps(moves))


def step_at(steps: Sequence[Step], moment: datetime) -> Step | None:
    """The counts of a moment; None before the first step."""
    n = bisect_right(steps, moment, key=lambda s: s.at)
    return steps[n - 1] if n else None


def _read_until(member: Member, until: datetime, gap_after: timedelta) -> datetime | None:
    """Until when what lasts is certain: its newest reading. None: that is not longer ago than usual."""
    last = member.seen.last
    return last if last is not None and last + gap_after < until else None


def _unread(member: Member, gap_after: timedelta) -> Iterable[tuple[datetime | None, datetime | None]]:
    if not member.stays or member.seen.last is None:
        yield None, None
        return
    yield None, member.stays[0].since
    for gap in member.seen.gaps:
        if gap.until is not None and gap.until > member.stays[0].since:
            yield gap.since, gap.until
    yield member.seen.last + gap_after, None


def _steps(moves: dict[datetime, Counter[_Line]]) -> Iterable[Step]:
    total: Counter[_Line] = Counter()
    for at in sorted(moves):
        total.update(moves[at])
        yield Step(
            at,
            total[_Line.BLOCKED],
            total[_Line.CERTAIN],
            total[_Line.POSSIBLE],
            total[_Line.WITHHELD],
            total[_Line.SUSPENDED],
            total[_Line.UNREAD],
        )
