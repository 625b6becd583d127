"""Acts to marks that can be told apart, and counts to heights. No plotly, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.executives.engagement_report import CounterStep
from storage.executives.executives_report import ExecutiveSignal

TOUCH = 3
"""So many acts that touch become one mark with their number."""


@dataclass(frozen=True, slots=True)
class EngagementMark:
    """One act, or several that would lie upon each other."""

    at: datetime
    acts: tuple[ExecutiveSignal, ...]
    """At least one, oldest first."""


def marks_of(acts: Sequence[ExecutiveSignal], touching: timedelta) -> list[EngagementMark]:
    """Acts of one kind as marks, oldest first. Two touch when less than `touching` apart; what touches is cut
    into pieces that are no wider than a few marks, so that a mark still says when.
    """
    out: list[EngagementMark] = []
    group: list[ExecutiveSignal] = []
    for act in sorted(acts, key=lambda a: a.at):
        if group and (act.at - group[-1].at >= touching or act.at - group[0].at > 4 * touching):
            out += _marks(group)
            group = []
        group.append(act)
    return out + _marks(group)


def _marks(group: Sequence[ExecutiveSignal]) -> list[EngagementMark]:
    if len(group) < TOUCH:
        return [EngagementMark(act.at, (act,)) for act in group]
    return [EngagementMark(group[0].at + (group[-1].at - group[0].at) / 2, tuple(group))]


def gained(steps: Sequence[CounterStep], step: timedelta) -> list[tuple[CounterStep, int]]:
    """By how much a counter rose over each step, net. A step in which it did not rise gives nothing: that it
    fell is no act, and says of none that it was undone.
    """
    out: list[tuple[CounterStep, int]] = []
    before: CounterStep | None = None
    for one in steps:
        adjoins = before is not None and one.start - before.start == step
        rise = one.last - (before.last if before is not None and adjoins else one.first)
        if rise > 0:
            out.append((one, rise))
        before = one
    return out
