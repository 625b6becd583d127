# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""What stands around an executive's acts: lanes, axes, orders and notices, time nobody looked in.

Two labels of orders or notices never overlap: what has no room has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import plotly.graph_objects as go

from dashboard.executives.person_engagement import PersonView
from dashboard.ui.chart_style import TIME_AXIS, Palette, figure_text, surface
from dashboard.ui.words import span, stamp
from storage.model.core.orders import Order, OrderEvent, OrderEventKind
from storage.model.core.signals import SignalKind
from storage.model.orders.engagement_association import Interval
from storage.model.text.states import clean
from storage.model.text.time_bins import per_bin

Dressed = dict[str, object]
"""A shape or an annotation, in plotly's own words."""
LANE_PX, BLOCKS_PX, BETWEEN_PX, TOP_PX, BOTTOM_PX = 40, 120, 36, 70, 44
BARE_TOP_PX = 16
"""Where no order needs room for its label."""
MARKS_PX: Final = 760
"""What a mark's width is held against: the plot of a laptop. A phone scrolls it."""
MOST_SILENT: Final = 12
NARROWEST_SILENCE: Final = 1 / 300
"""Of the axis. What is narrower cannot be seen."""

ROWS = 3
NARROWEST_PX: Final = 540
"""The plot on a phone, which scrolls it: no label sticks out of this."""
LETTER_PX = 6.2
LONGEST = 40


@dataclass(frozen=True, slots=True)
class AxisLabel:
    at: datetime
    text: str
    hover: str
    dotted: bool
    """Its date is disputed, or it is a claim."""
    weight: int
    """Orders choose their place first."""


def labels_of(orders: Sequence[Order], events: Sequence[OrderEvent]) -> list[AxisLabel]:
    """A label for each order and each dated thing that belongs to one or to the time."""
    out = [
        AxisLabel(
            o.issued_at,
            figure_text(o.title, LONGEST),
            f"{figure_text(o.title)}: {o.named_count:,} named, {stamp(o.issued_at)}"
            + (", date disputed" if o.is_disputed else ""),
            o.is_disputed,
            0,
        )
        for o in orders
    ]
    for e in events:
        is_claim = e.kind is OrderEventKind.CLAIM
        text = f"Claim: {figure_text(e.text, LONGEST - 7)}" if is_claim else figure_text(e.text, LONGEST)
        hover = f"{figure_text(e.text, 200)}<br>{stamp(e.at)}, {figure_text(e.source)}"
        out.append(AxisLabel(e.at, text, hover, is_claim or e.is_disputed, 1))
    return out


def placed(
    labels: Sequence[AxisLabel], axis: tuple[datetime, datetime], width_px: int
) -> list[tuple[AxisLabel, int]]:
    """Those labels for which there is room, with their row counted from below."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(ROWS)]
    out: list[tuple[AxisLabel, int]] = []
    for label in sorted(labels, key=lambda one: (one.weight, one.at)):
        line = _share(label, axis) * width_px
        start = line - _long(label) if stands_before(label, axis) else line
        end = start + _long(label)
        for row in range(ROWS):
            if start >= 0 and all(end < a or start > b for a, b in taken[row]):
                taken[row].append((start, end))
                out.append((label, row))
                break
    return out


def stands_before(label: AxisLabel, axis: tuple[datetime, datetime]) -> bool:
    """Return whether a label stands to the left of its line, since it does not fit to the right of it."""
    return _share(label, axis) * NARROWEST_PX + _long(label) > NARROWEST_PX


def _share(label: AxisLabel, axis: tuple[datetime, datetime]) -> float:
    return (label.at - axis[0]) / (axis[1] - axis[0])


def _long(label: AxisLabel) -> float:
    return LETTER_PX * len(label.text) + 8


@dataclass(frozen=True, slots=True)
class ExecutiveLane:
    name: str
    kind: SignalKind | None
    unseen: str
    """What cannot be seen of it; empty where it can."""
    top: int = 0
    """The most that one step holds, where acts are counted."""


def step_of_bars(view: PersonView) -> timedelta:
    """The step that counts are drawn in."""
    return view.step or timedelta(days=1)


def frame(figure: go.Figure, view: PersonView, lanes: Sequence[ExecutiveLane], palette: Palette) -> None:
    engagement = max(1, len(lanes)) * LANE_PX
    inner = engagement + BETWEEN_PX + BLOCKS_PX
    split = (BLOCKS_PX / inner, (BLOCKS_PX + BETWEEN_PX) / inner)
    margin = (view.axis[1] - view.axis[0]) * 0.015
    axis = (view.axis[0] - margin, view.axis[1] + margin)
    most = max((c.n for c in view.blocks), default=1)
    labels = [label for label in labels_of(view.orders, view.events) if axis[0] <= label.at <= axis[1]]
    shapes, words = _beside(view, labels, axis, palette, split[1])
    _named(figure, labels, most, palette)
    top = TOP_PX if words else BARE_TOP_PX
    figure.update_layout(
        height=inner + top + BOTTOM_PX,
        margin={"l": 104, "r": 16, "t": top, "b": BOTTOM_PX},
        barmode="overlay",
        **surface(palette),
        dragmode="pan",
        uirevision="executive",
        shapes=shapes,
        annotations=[*words, *_unseen(lanes, palette)],
        xaxis={
            **TIME_AXIS,
            "range": axis,
            "anchor": "y2",
            "gridcolor": palette.line,
            "linecolor": palette.line,
            "zeroline": False,
        },
        yaxis={
            "domain": [split[1], 1],
            "range": [-0.6, max(1, len(lanes)) - 0.4],
            "tickvals": [len(lanes) - 1 - n for n in range(len(lanes))],
            "ticktext": [_tick(lane, view) for lane in lanes],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        yaxis2={
            "domain": [0, split[0]],
            "range": [-most * 1.15, most * 1.15],
            "tickvals": [most, 0, -most] if view.blocks else [0],
            "ticktext": _block_ticks(most, view) if view.blocks else ["No block"],
            "gridcolor": palette.line,
            "zerolinecolor": palette.ink2,
            "zerolinewidth": 1,
            "fixedrange": True,
        },
    )


def _block_ticks(most: int, view: PersonView) -> list[str]:
    """The ends of the scale of blocks, with the time that a bar stands for."""
    small = f"<br><span style='font-size:10px'>{per_bin(view.blocks_step)}</span>"
    return [f"▲ {most:,} restored{small}", "0", f"▼ {most:,} blocked{small}"]


def _tick(lane: ExecutiveLane, view: PersonView) -> str:
    """A lane's name; where acts are counted, with the scale of its bars."""
    if not lane.top or (view.step is None and lane.kind is not None):
        return lane.name
    steps = {timedelta(days=1): "a day", timedelta(days=7): "a week"}
    each = steps.get(step_of_bars(view), f"in {span(step_of_bars(view))}")
    return f"{lane.name}<br><span style='font-size:10px'>to {lane.top:,} {each}</span>"


def _unseen(lanes: Sequence[ExecutiveLane], palette: Palette) -> list[Dressed]:
    return [
        {
            "xref": "paper",
            "x": 0.004,
            "y": len(lanes) - 1 - n + (0.34 if lane.top else 0),
            "text": clean(lane.unseen, 160),
            "showarrow": False,
            "xanchor": "left",
            "font": {"size": 11, "color": palette.ink2},
            "bgcolor": palette.card,
        }
        for n, lane in enumerate(lanes)
        if lane.unseen
    ]


def _named(figure: go.Figure, labels: Sequence[AxisLabel], most: int, palette: Palette) -> None:
    """A mark at the foot of each line that says what it is: not every line has room for its label."""
    figure.add_trace(
        go.Scatter(
            x=[label.at for label in labels],
            y=[-most * 1.15] * len(labels),
            yaxis="y2",
            mode="markers",
            marker={"symbol": "triangle-up", "size": 8, "color": palette.ink2},
            cliponaxis=False,
            customdata=[label.hover for label in labels],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    )


def drawn_silence(view: PersonView) -> list[Interval]:
    """The parts in which nobody looked that are wide enough to be seen, the longest first."""
    least = (view.axis[1] - view.axis[0]) * NARROWEST_SILENCE
    wide = [part for part in view.silent if part[1] - part[0] >= least]
    return sorted(wide, key=lambda part: part[0] - part[1])[:MOST_SILENT]


def _beside(
    view: PersonView,
    labels: Sequence[AxisLabel],
    axis: tuple[datetime, datetime],
    palette: Palette,
    split: float,
) -> tuple[list[Dressed], list[Dressed]]:
    """Lines of orders and notices with their labels, and the parts of time in which nobody looked."""
    shapes: list[Dressed] = [_silence(part, axis, palette, split) for part in drawn_silence(view)]
    shapes += [_line(label, palette) for label in labels]
    return shapes, [
        _annotation(label, row, palette, is_before=stands_before(label, axis))
        for label, row in placed(labels, axis, MARKS_PX)
    ]


def _line(label: AxisLabel, palette: Palette) -> Dressed:
    return {
        "type": "line",
        "x0": label.at,
        "x1": label.at,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": palette.ink2, "width": 1, "dash": "dot" if label.dotted else "solid"},
    }


def _annotation(label: AxisLabel, row: int, palette: Palette, *, is_before: bool) -> Dressed:
    return {
        "x": label.at,
        "y": 1.0,
        "yref": "paper",
        "xshift": -3 if is_before else 3,
        "yshift": 10 + 17 * row,
        "text": label.text,
        "hovertext": label.hover,
        "showarrow": False,
        "xanchor": "right" if is_before else "left",
        "font": {"size": 11, "color": palette.ink},
    }


def _silence(
    part: tuple[datetime, datetime], axis: tuple[datetime, datetime], palette: Palette, split: float
) -> Dressed:
    wide = part[1] - part[0] > (axis[1] - axis[0]) / 9
    return {
        "type": "rect",
        "x0": part[0],
        "x1": part[1],
        "yref": "paper",
        "y0": split,
        "y1": 1,
        "fillcolor": palette.line,
        "opacity": 0.55,
        "line": {"width": 0},
        "layer": "below",
        "label": {"text": "nothing recorded" if wide else "", "font": {"size": 11, "color": palette.ink2}},
    }
