"""Gaps as a figure shows them. Those narrower than a pixel are joined: there are at most two a pixel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.coverage import Gap


@dataclass(frozen=True, slots=True)
class GapRun:
    """One gap, or several gaps that a reader cannot distinguish because they are narrower than a pixel."""

    since: datetime
    until: datetime
    gaps: int
    unread: timedelta
    """How long nothing was read. Of several gaps it is less than the length, because readings lie between."""
    is_open: bool
    """Nothing was read up to the end of the axis."""

    @property
    def is_exact(self) -> bool:
        """Whether nothing was read in all of it. This is not known of several gaps."""
        return self.gaps == 1


def gap_runs(gaps: Iterable[Gap], axis: tuple[datetime, datetime], width_px: int) -> list[GapRun]:
    """Return the gaps within `axis` in the given order, which is by time. An open gap ends with the axis.

    A gap narrower than a pixel joins the gap before it if that one is narrow too and less than a pixel away.
    A wide gap is never joined, so there are at most two runs per pixel.
    Joining never loses a gap, because a run covers all of its gaps. It covers the readings between them too,
    so a run of several gaps does not claim that nothing was read. It is to be drawn as partly checked, and
    the bars of the statuses are to be cut by the gaps themselves.
    """
    pixel = (axis[1] - axis[0]) / width_px
    joined: list[list[Gap]] = []
    joins = False
    for gap in gaps:
        until = gap.until or axis[1]
        if until <= axis[0] or gap.since >= axis[1]:
            continue
        is_narrow = until - gap.since < pixel
        if is_narrow and joins and gap.since - (joined[-1][-1].until or axis[1]) < pixel:
            joined[-1].append(gap)
        else:
            joined.append([gap])
        joins = is_narrow
    return [_run(gaps, axis[1]) for gaps in joined]


def _run(gaps: Sequence[Gap], end: datetime) -> GapRun:
    unread = sum(((gap.until or end) - gap.since for gap in gaps), timedelta())
    return GapRun(gaps[0].since, gaps[-1].until or end, len(gaps), unread, gaps[-1].until is None)
