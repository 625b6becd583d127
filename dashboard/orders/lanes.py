"""The lane of one account of an order: its confirmed states, and the window of each change."""

from dataclasses import dataclass
from datetime import datetime

from dashboard.orders.facts import OrderFigures
from dashboard.ui.chart_style import without_gaps
from storage.model.orders.cohort import CohortMember, Stay


@dataclass(frozen=True, slots=True)
class LaneSegment:
    """A time in which the account was checked and had one confirmed state."""

    since: datetime
    until: datetime
    stay: Stay


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """The window of a change that led to `stay`."""

    since: datetime
    until: datetime
    stay: Stay


@dataclass(frozen=True, slots=True)
class OrderLane:
    """Empty parts were not checked."""

    parts: tuple[LaneSegment, ...]
    windows: tuple[ChangeWindow, ...]


def lane_of(found: OrderFigures, member: CohortMember) -> OrderLane:
    """The lane of a member from the beginning of the order's figures to their moment."""
    start, end = found.steps[0].at, found.at
    parts: list[LaneSegment] = []
    windows: list[ChangeWindow] = []
    stays = [s for s in member.stays if s.until is None or s.until > start]
    for n, stay in enumerate(stays):
        following = stays[n + 1] if n + 1 < len(stays) else None
        last = end if following is None else following.onset_after or following.since
        if following is None and member.seen.last is not None:
            last = end if end - member.seen.last <= found.gap_after else member.seen.last
        for since, until in without_gaps(max(stay.since, start), max(last, stay.since), member.seen.gaps):
            parts.append(LaneSegment(since, until, stay))
        if stay.onset_after is not None and stay.since > start:
            windows.append(ChangeWindow(max(stay.onset_after, start), stay.since, stay))
    return OrderLane(tuple(parts), tuple(windows))
