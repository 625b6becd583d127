"""Pure: the number of blocked accounts of a cohort over time, with a band that contains the true number."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import TypeAlias

from storage.model.orders.cohort import CohortMember, Kind, blocked_times


class CurveLine(StrEnum):
    """A line of the curve, which counts accounts by their confirmed status."""

    BLOCKED = auto()
    WITHHELD = auto()
    SUSPENDED = auto()


@dataclass(frozen=True, slots=True)
class CurveStep:
    """Counts of accounts that hold from `at` until the next step."""

    at: datetime
    blocked: int
    """Confirmed blocks, each from the first reading that shows it to the first that shows its end."""
    certain: int
    """The lowest possible number of the checked accounts: each block as late and as short as possible."""
    possible: int
    """The highest possible number: each block as early and as long as possible. `unread` is not included."""
    withheld: int
    """Of `blocked`."""
    suspended: int
    """Of `blocked`."""
    unread: int
    """Accounts that were not checked at that time."""
    read: int
    """Accounts that had been read by then. If there are none, nothing is known of blocks."""

    def on(self, line: CurveLine) -> int:
        """How many accounts a line counts."""
        match line:
            case CurveLine.BLOCKED:
                return self.blocked
            case CurveLine.WITHHELD:
                return self.withheld
            case CurveLine.SUSPENDED:
                return self.suspended


class _Line(StrEnum):
    BLOCKED = auto()
    CERTAIN = auto()
    POSSIBLE = auto()
    WITHHELD = auto()
    SUSPENDED = auto()
    UNREAD = auto()
    READ = auto()


_Span: TypeAlias = tuple[datetime | None, datetime | None]
"""Start and end; None means without a start or without an end."""


def curve(
    members: Sequence[CohortMember], since: datetime, until: datetime, gap_after: timedelta
) -> tuple[CurveStep, ...]:
    """Return the counts from `since` to `until`, with a step at each change. The first step is at `since`."""
    moves: defaultdict[datetime, Counter[_Line]] = defaultdict(Counter)

    def during(line: _Line, start: datetime | None, end: datetime | None) -> None:
        first = since if start is None else max(start, since)
        if first > until or (end is not None and end <= first):
            return
        moves[first][line] += 1
        if end is not None and end <= until:
            moves[end][line] -= 1

    for member in members:
        unread = list(_unread(member, gap_after))
        for line in CurveLine:
            for span in _times(member, line):
                during(_Line(line.value), *span)
        for blocked in blocked_times(member):
            during(_Line.POSSIBLE, blocked.onset_after, blocked.until)
            lasts = blocked.until is None
            sure = _sure_until(member, until, gap_after) if lasts else blocked.last_seen
            for part in _without((blocked.since, sure), unread):
                during(_Line.CERTAIN, *part)
        for part in unread:
            during(_Line.UNREAD, *part)
        if member.stays:
            during(_Line.READ, member.stays[0].since, None)
    moves[since] += Counter()
    return tuple(_steps(moves))


def step_at(steps: Sequence[CurveStep], moment: datetime) -> CurveStep | None:
    """Return the counts at a moment; None before the first step."""
    n = bisect_right(steps, moment, key=lambda s: s.at)
    return steps[n - 1] if n else None


def on_line(members: Sequence[CohortMember], line: CurveLine, moment: datetime) -> list[CohortMember]:
    """Return the members that a line counts at a moment."""
    return [
        m
        for m in members
        if any(since <= moment and (until is None or moment < until) for since, until in _times(m, line))
    ]


def _times(member: CohortMember, line: CurveLine) -> list[tuple[datetime, datetime | None]]:
    """The times in which a line counts a member."""
    if line is CurveLine.BLOCKED:
        return [(b.since, b.until) for b in blocked_times(member)]
    kind = Kind.WITHHELD if line is CurveLine.WITHHELD else Kind.SUSPENDED
    return [(s.since, s.until) for s in member.stays if s.kind is kind]


def _sure_until(member: CohortMember, until: datetime, gap_after: timedelta) -> datetime | None:
    """Return the newest reading that confirms a lasting status; None if it is recent enough."""
    last = member.sure_until
    if last is None or member.doubted_from is not None or last + gap_after < until:
        return last
    return None


def _unread(member: CohortMember, gap_after: timedelta) -> Iterator[_Span]:
    """Yield the times without a check, in order and without overlap."""
    if not member.stays or member.seen.last is None:
        yield None, None
        return
    first = member.stays[0].since
    yield None, first
    for gap in member.seen.gaps:
        if gap.until is not None and gap.until > first:
            yield max(gap.since, first), gap.until
    yield max(member.seen.last + gap_after, first), None


def _without(span: _Span, cuts: Sequence[_Span]) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the rest of a span with a known start, without `cuts`, which are in order."""
    start, end = span
    for since, until in cuts:
        if start is None or (end is not None and end <= start):
            return
        if until is not None and until <= start:
            continue
        if since is not None and end is not None and since >= end:
            break
        if since is not None and since > start:
            yield start, since
        start = until
    if start is not None and (end is None or start < end):
        yield start, end


def _steps(moves: dict[datetime, Counter[_Line]]) -> Iterator[CurveStep]:
    total: Counter[_Line] = Counter()
    for at in sorted(moves):
        total.update(moves[at])
        yield CurveStep(
            at,
            total[_Line.BLOCKED],
            total[_Line.CERTAIN],
            total[_Line.POSSIBLE],
            total[_Line.WITHHELD],
            total[_Line.SUSPENDED],
            total[_Line.UNREAD],
            total[_Line.READ],
        )
