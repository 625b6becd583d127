# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""How figures look. The statuses' colours, hatches and heights; light and dark."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Final, Literal

import plotly.graph_objects as go
from dash import dcc, html
from dash.development.base_component import Component

from storage.model.core.availability import Status
from storage.model.core.coverage import Gap
from storage.model.text.states import clean

Theme = Literal["light", "dark"]

CONFIG = {
    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
    "displaylogo": False,
    "responsive": True,
}
"""Of every graph. plotly.js would otherwise offer to send the chart to a third party."""

HEIGHT_PX = 280
ROW_PX = 30
"""More for each country that has a row of its own."""
_DAY_MS: Final = 24 * 3_600_000
DAY_BARS: Final[dict[str, Any]] = {
    "xperiod": _DAY_MS,
    "xperiodalignment": "middle",
    "width": 0.85 * _DAY_MS,
}
"""Of bars that count by day. Without a width, a bar covers days around it of which nothing is known."""

TIME_AXIS: Final[dict[str, Any]] = {
    "type": "date",
    "tickformatstops": [
        {"dtickrange": [None, 86_399_999], "value": "%H:%M\n%-d %b"},
        {"dtickrange": [86_400_000, 2_419_200_000], "value": "%-d %b\n%Y"},
        {"dtickrange": [2_419_200_000, None], "value": "%b %Y"},
    ],
    "hoverformat": "%-d %b %Y, %H:%M UTC",
}
"""An axis of time in every figure, as fields of plotly's layout: one way to write dates, in UTC."""


def figure_text(text: str, limit: int = 60) -> str:
    """Clean and escape foreign text for a figure. Otherwise plotly would read tags in it as markup, such as
    a link to another site.
    """
    return escape(clean(text, limit), quote=False)


_NEVER = datetime.max.replace(tzinfo=UTC)
STATUS_ROW = "Status"
EXECUTIVES_ROW = "Executives"
FONT = (
    "-apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, Liberation Sans, Noto Sans,"
    " DejaVu Sans Condensed, sans-serif"
)

PATTERN = {
    Status.WITHHELD: "/",
    Status.SUSPENDED: "x",
    Status.NOT_FOUND: ".",
    Status.DEACTIVATED: ".",
    Status.PROTECTED: "|",
    Status.AVAILABLE: "",
}
FILL = {
    Status.AVAILABLE: ("#5FBFA8", "#2C8670", "#7FD3BF"),
    Status.WITHHELD: ("#D55E00", "#A34700", "#FF9142"),
    Status.SUSPENDED: ("#661100", "#460B00", "#FFDBE8"),
    Status.NOT_FOUND: ("#DDCC77", "#8A7920", "#F0E3A0"),
    Status.DEACTIVATED: ("#DDCC77", "#8A7920", "#F0E3A0"),
    Status.PROTECTED: ("#0072B2", "#005280", "#56B4E9"),
}
SUSPENDED_DARK = "#F2B8D0"
HEIGHT = {
    Status.AVAILABLE: 0.08,
    Status.PROTECTED: 0.4,
    Status.DEACTIVATED: 0.4,
    Status.NOT_FOUND: 0.8,
    Status.WITHHELD: 0.8,
    Status.SUSPENDED: 0.8,
}
"""Ink follows news: what was done to the account has full height, the owner's own act half."""


@dataclass(frozen=True, slots=True)
class Palette:
    ink: str
    ink2: str
    line: str
    card: str
    window: str


PALETTES: dict[Theme, Palette] = {
    "light": Palette("#191A1C", "#54575E", "#E3E3DD", "#FFFFFF", "#3C3F45"),
    "dark": Palette("#ECECEE", "#B0B3BA", "#2A2C31", "#1A1B1E", "#C9CCD2"),
}


def look(
    figure: go.Figure,
    palette: Palette,
    axis: tuple[datetime, datetime],
    countries: tuple[str, ...],
    *,
    acts: bool,
) -> None:
    """Each of `countries` is a row below the status; `acts` tells whether executives have a row too."""
    margin = max((axis[1] - axis[0]) * 0.02, timedelta(minutes=5))
    rows = [*([EXECUTIVES_ROW] if acts else []), *reversed(countries), STATUS_ROW]
    figure.update_layout(
        barmode="overlay",
        height=HEIGHT_PX + ROW_PX * len(countries),
        margin={"l": 16, "r": 16, "t": 44, "b": 72},
        **surface(palette),
        dragmode="pan",
        legend={"orientation": "h", "y": -0.3, "x": 0, "itemclick": False, "itemdoubleclick": False},
        uirevision="account",
    )
    figure.update_xaxes(
        **TIME_AXIS,
        range=[axis[0] - margin, axis[1] + margin],
        gridcolor=palette.line,
        linecolor=palette.line,
        zeroline=False,
    )
    figure.update_yaxes(
        visible=bool(countries),
        tickvals=list(countries),
        showgrid=False,
        automargin=True,
        fixedrange=True,
        categoryorder="array",
        categoryarray=rows,
        range=[-0.6, len(rows) - 0.5 + 0.16 * len(rows)],  # room for words above the bars
    )


def graph(figure: go.Figure, name: str, shows: str) -> Component:
    """The figure as a component, without the button that sends charts to a third party.

    To who cannot see it, it is named by what it `shows`; the facts stand in a table beside it. One with an
    axis of time says to a reader who chose the local zone that it stays in UTC.
    """
    style = {"height": f"{figure.layout.height}px"}
    drawn = dcc.Graph(figure=figure, config=CONFIG, id=name, style=style)  # pyright: ignore[reportArgumentType]  # plotly's own options
    parts: list[Component] = [drawn]
    if any(axis.type == "date" for axis in figure.select_xaxes()):
        parts.append(html.P("The times in this figure are in UTC.", className="in-utc"))
    return html.Div(parts, role="figure", **{"aria-label": shows})  # pyright: ignore[reportArgumentType]  # a wildcard attribute


def surface(palette: Palette) -> dict[str, Any]:
    """Colours, type and hover of every figure, as fields of plotly's layout."""
    return {
        "paper_bgcolor": palette.card,
        "plot_bgcolor": palette.card,
        "font": {"color": palette.ink2, "size": 11, "family": FONT},
        "hoverlabel": {
            "bgcolor": palette.card,
            "bordercolor": palette.line,
            "font": {"color": palette.ink, "size": 12},
            "align": "left",
        },
    }


def without_gaps(since: datetime, until: datetime, gaps: tuple[Gap, ...]) -> list[tuple[datetime, datetime]]:
    """The parts of [since, until] in which somebody looked. A single look between two gaps is a point.

    `gaps` are closed, oldest first, and do not overlap, as those of `Seen`. Only those from `since` on are
    looked at, so that the many periods of an account do not each go through all of them.
    """
    parts: list[tuple[datetime, datetime]] = []
    start = since
    for n in range(bisect_right(gaps, since, key=_end), len(gaps)):
        gap = gaps[n]
        if gap.since >= until:
            break
        if gap.until is None:
            continue
        if gap.since >= start:
            parts.append((start, gap.since))
        start = max(start, gap.until)
    if start <= until:
        parts.append((start, until))
    return parts


def _end(gap: Gap) -> datetime:
    return gap.until or _NEVER
