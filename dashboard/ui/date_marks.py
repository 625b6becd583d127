"""Dates as lines over a figure, each with its label: orders, notices, deadlines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard.ui.chart_style import Palette
from dashboard.ui.words import stamp

Dressed = dict[str, object]
"""A shape or an annotation, in plotly's own words.

A figure gets all of them at once: each call of `add_vline` or `add_annotation` copies those before it.
"""


@dataclass(frozen=True, slots=True)
class DateMark:
    """A date of an order, as a line over the figure."""

    at: datetime
    label: str
    dashed: bool
    """The date is disputed, or it is a limit and not an event."""


def lines(marks: Iterable[DateMark], palette: Palette) -> list[Dressed]:
    """Return the shapes of the lines, from the bottom of the figure to its top."""
    return [
        {
            "type": "line",
            "x0": mark.at,
            "x1": mark.at,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": palette.ink2, "width": 1, "dash": "dot" if mark.dashed else "solid"},
        }
        for mark in marks
    ]


def labels(
    marks: Iterable[DateMark], palette: Palette, rows: int, axis: tuple[datetime, datetime]
) -> list[Dressed]:
    """Return the labels above the lines, distributed over `rows` rows in turn.

    Near the end of the axis a label stands left of its line, because the figure would cut it off.
    """
    late = axis[0] + (axis[1] - axis[0]) * 2 / 3
    return [
        {
            "x": mark.at,
            "y": 1.0,
            "yref": "paper",
            "yshift": 10 + 16 * (n % rows),
            "text": mark.label,
            "hovertext": f"{mark.label}: {stamp(mark.at)}",
            "showarrow": False,
            "xanchor": "right" if mark.at > late else "left",
            "font": {"size": 11, "color": palette.ink},
        }
        for n, mark in enumerate(marks)
    ]
