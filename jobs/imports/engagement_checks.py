"""Pure: what may be wrong with acts that others recorded: renames taken for acts, times that cannot be."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from storage.model.core.signals import Doubt, Signal, SignalKind

RENAMED: Final = "likely_rename"
"""The note by which a record marks both halves of a rename."""
LATE: Final = timedelta(hours=1)
LONG: Final = timedelta(days=7)
"""Nobody who looks at all sees an act so late."""
SPARE: Final = timedelta(days=1)
"""An act may be as old as the silence of the record before it, and so much older."""
SILENCE: Final = timedelta(days=60)
"""What parts one stretch of a record from the next, which may have been written by other means."""
DAYS_LATER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EngagementLine:
    """One line about an act, of which others may be repeats: those with the same `key`."""

    line: int
    key: str
    signal: Signal
    seen_at: datetime
    said_at: datetime | None = None
    """The time that the record gives the act."""
    target: str = ""
    note: str = ""


def judged_follows(recorded: Sequence[EngagementLine]) -> tuple[tuple[Signal, ...], dict[str, int]]:
    """Follows and unfollows with their doubts, and how often each was met."""
    marked = any(one.note == RENAMED for one in recorded)
    alike = _renames(recorded)
    renamed = {one.key for one in recorded if one.note == RENAMED} if marked else alike
    gone = _away(one for one in recorded if one.key not in renamed)
    signals = tuple(
        _doubting(
            one.signal,
            Doubt.LIKELY_RENAME if one.key in renamed else None,
            Doubt.TARGET_MAY_HAVE_BEEN_GONE if one.key in gone else None,
        )
        for one in recorded
    )
    return signals, {
        "likely_renames": len(renamed),
        "pairs_that_look_like_a_rename_and_are_not_marked": len(alike - renamed) // 2,
        "target_may_have_been_gone": len(gone),
    }


def judged_acts(recorded: Sequence[EngagementLine]) -> tuple[tuple[Signal, ...], dict[str, int]]:
    """Acts with their doubts, and how often each was met. A time that cannot be is not kept."""
    ordered = sorted(recorded, key=lambda one: one.seen_at)
    future = {one.key for one in ordered if one.said_at is not None and one.said_at > one.seen_at}
    old = _too_old(ordered)
    wrong = future | old
    for stretch in _stretches(ordered):
        faults = sum(one.key in wrong for one in stretch)
        if faults > 1 and 2 * faults >= len(stretch):
            wrong |= {one.key for one in stretch if one.said_at is not None}
    signals = tuple(
        _doubting(replace(one.signal, made_at=None), Doubt.TIME_IMPOSSIBLE)
        if one.key in wrong
        else one.signal
        for one in recorded
    )
    lags = sorted(
        (one.seen_at - one.said_at).total_seconds()
        for one in recorded
        if one.said_at is not None and one.key not in wrong
    )
    return signals, {
        "time_impossible": len(wrong),
        "after_its_observation": len(future),
        "long_before_its_observation": len(old),
        "in_a_stretch_of_such": len(wrong - future - old),
        "without_a_time": sum(one.said_at is None for one in recorded),
        "seen_late": sum(lag > LATE.total_seconds() for lag in lags),
        "lag_s_median": _share(lags, 0.5),
        "lag_s_p95": _share(lags, 0.95),
    }


def _doubting(signal: Signal, *doubts: Doubt | None) -> Signal:
    new = tuple(d for d in doubts if d is not None)
    return replace(signal, doubts=(*signal.doubts, *new)) if new else signal


def _renames(recorded: Sequence[EngagementLine]) -> set[str]:
    """Both halves of what looks like a rename: the only unfollow and the only follow of a window, of one who
    was never named before and one who is never named again.
    """
    windows: dict[datetime, list[EngagementLine]] = defaultdict(list)
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    for one in sorted(recorded, key=lambda t: t.seen_at):
        windows[one.seen_at].append(one)
        first.setdefault(one.target, one.seen_at)
        last[one.target] = one.seen_at
    out: set[str] = set()
    for at, window in windows.items():
        kinds = Counter(one.signal.kind for one in window)
        if kinds[SignalKind.FOLLOW] != 1 or kinds[SignalKind.UNFOLLOW] != 1:
            continue
        lost, found = sorted(window, key=lambda one: one.signal.kind is SignalKind.FOLLOW)
        if lost.target != found.target and first[found.target] == at and last[lost.target] == at:
            out |= {lost.key, found.key}
    return out


def _away(recorded: Iterator[EngagementLine]) -> set[str]:
    """An unfollow, and the follow of the same target days later: it may have been gone in between."""
    by_target: dict[str, list[EngagementLine]] = defaultdict(list)
    for one in sorted(recorded, key=lambda t: t.seen_at):
        by_target[one.target].append(one)
    return {
        one.key
        for acts in by_target.values()
        for before, after in pairwise(acts)
        if before.signal.kind is SignalKind.UNFOLLOW and after.signal.kind is SignalKind.FOLLOW
        if after.seen_at - before.seen_at >= DAYS_LATER
        for one in (before, after)
    }


def _too_old(ordered: Sequence[EngagementLine]) -> set[str]:
    """Acts said to be so old that whoever recorded them would have seen them long before."""
    out: set[str] = set()
    before: datetime | None = None
    for one in ordered:
        silent = timedelta() if before is None else one.seen_at - before
        if one.said_at is not None and one.seen_at - one.said_at > max(LONG, silent + SPARE):
            out.add(one.key)
        before = one.seen_at
    return out


def _stretches(ordered: Sequence[EngagementLine]) -> Iterator[list[EngagementLine]]:
    """The record between its long silences. Where several and half of a stretch cannot be right, its column
    of times means something else there: the time of the post that was reposted, for one.
    """
    stretch: list[EngagementLine] = []
    for one in ordered:
        if stretch and one.seen_at - stretch[-1].seen_at > SILENCE:
            yield stretch
            stretch = []
        stretch.append(one)
    if stretch:
        yield stretch


def _share(values: Sequence[float], share: float) -> int:
    return round(values[min(len(values) - 1, int(len(values) * share))]) if values else 0
