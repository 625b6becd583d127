# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Demands, accounts specified and withheld by half-year: every source by itself, and what was seen."""

from collections.abc import Callable, Sequence
from math import log10

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.ui.chart_style import PALETTES, Palette, Theme, figure_text, surface
from dashboard.ui.words import range_words
from storage.model.orders.half_years import HalfYear
from storage.model.orders.published_vs_observed import Claimed, HalfYearTally, demands
from storage.model.orders.transparency_figures import TransparencyReport

PANEL_PX = 132
SPREAD = 30
"""A panel whose largest figure is more than so many times its smallest above zero is on a log scale."""
CROWDED = 1_000
"""From so many on, the mark of 1 would lie on that of 0."""
_LOOKS = (
    ("circle-open", "solid", 11),
    ("diamond-open", "dash", 8),
    ("square-open", "dot", 14),
    ("x-thin-open", "dashdot", 6),
    ("triangle-up-open", "longdash", 9),
)
_COLOURS = {
    "light": ("#005280", "#191A1C", "#2C8670", "#8A7920", "#54575E"),
    "dark": ("#56B4E9", "#ECECEE", "#7FD3BF", "#F0E3A0", "#B0B3BA"),
}
_SEEN = {"light": "#D55E00", "dark": "#FF9142"}
_RECORDED = {"light": "#A34700", "dark": "#FFC08F"}
PANELS: tuple[tuple[str, Callable[[TransparencyReport], int | None]], ...] = (
    ("Demands", demands),
    ("Accounts specified", lambda r: r.accounts_specified),
    ("Accounts withheld (published)<br>and newly withheld (observed)", lambda r: r.accounts_withheld),
)


def claimed_figure(found: Sequence[Claimed], theme: Theme) -> go.Figure:
    """The half-years of one platform. Sources that say the same lie on each other, with different marks."""
    palette = PALETTES[theme]
    halves = _all_between([c.half for c in found])
    names = [h.name for h in halves]
    sources = sorted({r.source for c in found for r in c.published})
    figure = make_subplots(
        rows=len(PANELS),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.1,
        subplot_titles=[title for title, _ in PANELS],
    )
    for row, (_, value) in enumerate(PANELS, start=1):
        is_last = row == len(PANELS)
        shown = [v for c in found for r in c.published if (v := value(r)) is not None]
        ranges = _ranges(found) if is_last else []
        is_log = _is_log([*shown, *(n for *_, t in ranges for n in (t.low, t.high))])
        for n, source in enumerate(sources):
            by_half = {c.half: value(r) for c in found for r in c.published if r.source == source}
            symbol, dash, size = _LOOKS[n % len(_LOOKS)]
            colour = _COLOURS[theme][n % len(_COLOURS[theme])]
            figure.add_scatter(
                x=names,
                y=[_placed(by_half.get(h), is_log=is_log) for h in halves],
                customdata=[by_half.get(h) for h in halves],
                name=figure_text(source, 40),
                legendgroup=source,
                showlegend=row == 1,
                mode="lines+markers",
                line={"color": colour, "width": 1.5, "dash": dash},
                marker={"symbol": symbol, "size": size, "line": {"width": 1.5, "color": colour}},
                hovertemplate=f"{figure_text(source, 40)}, %{{x}}: %{{customdata:,}}<extra></extra>",
                row=row,
                col=1,
            )
        for n, (name, colour) in enumerate((("Blockline", _SEEN), ("Published records", _RECORDED))):
            _seen(figure, name, colour[theme], [(h, t) for who, h, t in ranges if who == n], is_log=is_log)
        _scale(figure, row, shown, ranges, palette, is_log=is_log)
    _frame(figure, palette, names)
    return figure


def _all_between(halves: Sequence[HalfYear]) -> list[HalfYear]:
    """Every half-year from the first to the last, so that one without figures is a gap."""
    out = [min(halves)]
    while out[-1] < max(halves):
        out.append(HalfYear.of(out[-1].end))
    return out


def _ranges(found: Sequence[Claimed]) -> list[tuple[int, HalfYear, HalfYearTally]]:
    """What our monitor (0) and published records (1) saw, by half-year."""
    own = [(0, c.half, c.own.withheld) for c in found if c.own is not None]
    return own + [(1, c.half, c.recorded.withheld) for c in found if c.recorded is not None]


def _is_log(values: Sequence[int]) -> bool:
    above = [v for v in values if v > 0]
    return bool(above) and max(above) > SPREAD * min(above)


def _placed(value: int | None, *, is_log: bool) -> float | None:
    """On the log scale 0 has a place of its own, below 1."""
    if value is None or not is_log:
        return value
    return log10(1 + value)


def _seen(
    figure: go.Figure,
    name: str,
    colour: str,
    ranges: Sequence[tuple[HalfYear, HalfYearTally]],
    *,
    is_log: bool,
) -> None:
    """A bar from what is certain to what is possible, in the last panel."""
    if not ranges:
        return
    low = [_placed(t.low, is_log=is_log) or 0 for _, t in ranges]
    high = [_placed(t.high, is_log=is_log) or 0 for _, t in ranges]
    figure.add_scatter(
        x=[h.name for h, _ in ranges],
        y=high,
        customdata=[range_words(t.low, t.high) for _, t in ranges],
        name=f"{name}: observed, minimum to maximum",
        mode="markers",
        marker={"symbol": "line-ew", "size": 14, "line": {"width": 3, "color": colour}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0] * len(high),
            "arrayminus": [h - lo for lo, h in zip(low, high, strict=True)],
            "color": colour,
            "thickness": 3,
            "width": 5,
        },
        hovertemplate=f"{name}, %{{x}}: %{{customdata}} seen to become withheld<extra></extra>",
        row=len(PANELS),
        col=1,
    )


def _scale(
    figure: go.Figure,
    row: int,
    shown: Sequence[int],
    ranges: Sequence[tuple[int, HalfYear, HalfYearTally]],
    palette: Palette,
    *,
    is_log: bool,
) -> None:
    most = max([*shown, *(t.high for *_, t in ranges)], default=0)
    if not is_log:
        figure.update_yaxes(range=[-0.06 * max(most, 1), 1.15 * max(most, 1)], tickformat=",", row=row)
        return
    ticks = [0, *(10**n for n in range(most >= CROWDED, len(str(most)) + 1))]
    figure.update_yaxes(
        tickvals=[log10(1 + t) for t in ticks],
        ticktext=[f"{t:,}" for t in ticks],
        range=[-0.15, log10(1 + most) * 1.08],
        title={"text": "log scale", "font": {"size": 10, "color": palette.ink2}},
        row=row,
    )


def _frame(figure: go.Figure, palette: Palette, names: Sequence[str]) -> None:
    height = 122 + PANEL_PX * len(PANELS)
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 84, "b": 8},
        **surface(palette),
        legend={
            "orientation": "h",
            # Not by the plot: plotly would put it onto the first title when the page becomes wider.
            "yref": "container",
            "y": 1,
            "yanchor": "top",
            "x": 0,
            "itemclick": False,
            "itemdoubleclick": False,
        },
        uirevision="claimed",
    )
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=list(names),
        range=[-0.5, len(names) - 0.5],
        gridcolor=palette.line,
        linecolor=palette.line,
        automargin=True,
        fixedrange=True,
    )
    figure.update_yaxes(gridcolor=palette.line, zeroline=False, automargin=True, fixedrange=True)
    figure.update_annotations(font={"size": 12, "color": palette.ink}, x=0, xanchor="left")
