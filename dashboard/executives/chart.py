# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""An executive's acts above the blocks of the time, on one axis. Beside each other, never as cause.

Acts that would lie upon each other become one mark; of a counter, only a rise becomes a bar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import plotly.graph_objects as go

from dashboard.executives.chart_frame import MARKS_PX, ExecutiveLane, frame, step_of_bars
from dashboard.executives.figures import block_figure
from dashboard.executives.person_engagement import PersonView
from dashboard.executives.words import PLURAL, not_seen, when
from dashboard.ui.chart_style import PALETTES, Theme, figure_text
from dashboard.ui.figures import figure_address
from dashboard.ui.words import day
from storage.executives.engagement_report import BlockCount, CounterStep
from storage.executives.executives_report import ExecutiveSignal
from storage.model.core.availability import ChangeKind
from storage.model.core.signals import SignalKind
from storage.model.text.states import capital
from storage.model.text.units import number

MARK_PX = 11
FILL, EDGE = "#E69F00", {"light": "#4A3200", "dark": "#121316"}
BLOCKED, RESTORED = ("#D55E00", "#A34700", "#FF9142"), ("#5FBFA8", "#2C8670", "#7FD3BF")
SYMBOL = {
    SignalKind.LIKE: "star",
    SignalKind.REPOST: "diamond",
    SignalKind.QUOTE: "square",
    SignalKind.REPLY: "triangle-down",
    SignalKind.POST: "circle",
    SignalKind.FOLLOW: "cross",
    SignalKind.UNFOLLOW: "x",
}
_MS = timedelta(milliseconds=1)
COUNTER = "Like counter"

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
            out += _marks_in(group)
            group = []
        group.append(act)
    return out + _marks_in(group)


def _marks_in(group: Sequence[ExecutiveSignal]) -> list[EngagementMark]:
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


def executive_figure(view: PersonView, theme: Theme) -> go.Figure:
    """A lane for each kind of which something was seen, or of which it is known that it cannot be; a kind of
    which neither is so has none, and is not shown as zero.
    """
    palette = PALETTES[theme]
    lanes = _lanes(view)
    figure = go.Figure()
    for n, lane in enumerate(lanes):
        y = len(lanes) - 1 - n
        if lane.kind is None:
            _counter(figure, view, lane, y, theme)
        elif view.step is None:
            acts = [a for a in view.marks if a.kind is lane.kind]
            _marks(figure, lane.kind, marks_of(acts, _touching(view)), y, theme)
        else:
            _bars(figure, view, lane, y)
    _blocks(figure, view, theme)
    frame(figure, view, lanes, palette)
    return figure


def _lanes(view: PersonView) -> list[ExecutiveLane]:
    unseen = not_seen(view.person)
    tops: dict[str, int] = {}
    for count in view.counts:
        tops[count.kind] = max(tops.get(count.kind, 0), count.n)
    out = [
        ExecutiveLane(capital(PLURAL[kind]), kind, unseen.get(kind, ""), tops.get(kind, 0))
        for kind in SYMBOL
        if kind in tops or kind in unseen
    ]
    rises = [rise for _, rise in gained(view.likes, step_of_bars(view))]
    if rises:
        out.append(ExecutiveLane(COUNTER, None, "", max(rises)))
    return out


def _touching(view: PersonView) -> timedelta:
    return (view.axis[1] - view.axis[0]) * MARK_PX / MARKS_PX


def _marks(
    figure: go.Figure, kind: SignalKind, marks: Sequence[EngagementMark], y: int, theme: Theme
) -> None:
    edge = EDGE[theme]
    for one_each in (True, False):
        shown = [m for m in marks if (len(m.acts) == 1) is one_each]
        if not shown:
            continue
        figure.add_trace(
            go.Scatter(
                x=[m.at for m in shown],
                y=[y] * len(shown),
                mode="markers" if one_each else "markers+text",
                text=None if one_each else [str(len(m.acts)) for m in shown],
                textfont={"size": 10, "color": "#191A1C", "weight": 700},
                marker={
                    "symbol": SYMBOL[kind] if one_each else "square",
                    "size": 9 if one_each else 18,
                    "color": FILL,
                    "line": {"color": edge, "width": 1},
                },
                customdata=[_hover(kind, m) for m in shown],
                hovertemplate="%{customdata}<extra></extra>",
                showlegend=False,
            )
        )


def _hover(kind: SignalKind, mark: EngagementMark) -> str:
    act, *more = mark.acts
    if more:
        return f"{len(mark.acts)} {PLURAL[kind]}<br>{when(act)}<br>to {when(more[-1])}"
    whom = ""
    if act.target is not None:
        orders = (
            f", named by {', '.join(figure_text(o) for o in act.target.orders)}" if act.target.orders else ""
        )
        whom = f"<br>@{figure_text(act.target.handle)}{orders}"
    return f"{capital(kind.value)}, {when(act)}{whom}"


def _bars(figure: go.Figure, view: PersonView, lane: ExecutiveLane, y: int) -> None:
    counts = [c for c in view.counts if c.kind == lane.kind]
    step = step_of_bars(view)
    if counts and lane.kind is not None:
        hover = [f"{c.n:,} {_many(lane.kind, c.n)}, {_period(c.start, step)}" for c in counts]
        _heights(figure, [(c.start, c.n) for c in counts], hover, lane.top, y, step, FILL)


def _many(kind: SignalKind, n: int) -> str:
    return kind.value if n == 1 else PLURAL[kind]


def _counter(figure: go.Figure, view: PersonView, lane: ExecutiveLane, y: int, theme: Theme) -> None:
    step = step_of_bars(view)
    rises = gained(view.likes, step)
    hover = [
        f"The profile's like counter rose by {rise:,} (net), {_period(one.start, step)}"
        + (f"<br>The counter fell {one.falls} times; a fall is not taken as an unlike" if one.falls else "")
        for one, rise in rises
    ]
    faded = "#F0CB7A" if theme == "light" else "#8A6410"
    _heights(figure, [(one.start, rise) for one, rise in rises], hover, lane.top, y, step, faded)


def _heights(
    figure: go.Figure,
    values: Sequence[tuple[datetime, int]],
    hover: Sequence[str],
    top: int,
    y: int,
    step: timedelta,
    colour: str,
) -> None:
    figure.add_trace(
        go.Bar(
            x=[start + step / 2 for start, _ in values],
            y=[max(0.03, 0.72 * n / top) for _, n in values],
            base=[y - 0.36] * len(values),
            width=[step / _MS] * len(values),
            marker={"color": colour, "line": {"width": 0}},
            customdata=list(hover),
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    )


def _blocks(figure: go.Figure, view: PersonView, theme: Theme) -> None:
    dark = theme == "dark"
    for kind, sign, (fill, edge_light, edge_dark) in (
        (ChangeKind.RESTORATION, 1, RESTORED),
        (ChangeKind.BLOCK, -1, BLOCKED),
    ):
        counts = [c for c in view.blocks if c.kind is kind]
        figure.add_trace(
            go.Bar(
                x=[c.start + view.blocks_step / 2 for c in counts],
                y=[sign * c.n for c in counts],
                ids=[figure_address(block_figure(c, view.blocks_step), view.now) for c in counts],
                width=[view.blocks_step / _MS] * len(counts),
                yaxis="y2",
                marker={"color": fill, "line": {"width": 1, "color": edge_dark if dark else edge_light}},
                customdata=[_block_hover(c, view.blocks_step) for c in counts],
                hovertemplate="%{customdata}<extra></extra>",
                showlegend=False,
            )
        )


def _block_hover(count: BlockCount, step: timedelta) -> str:
    changes = number(count.n, count.kind.value)
    return f"{changes} confirmed<br>first read {_period(count.start, step)}"


def _period(start: datetime, step: timedelta) -> str:
    if step < timedelta(days=1):
        return f"{day(start)}, {start:%H:%M} to {start + step:%H:%M} UTC"
    return day(start) if step == timedelta(days=1) else f"{day(start)} to {day(start + step)}"
