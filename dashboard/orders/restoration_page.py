# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""The page on time to restoration of an order, its figure, and what is not known about it."""

from collections.abc import Sequence
from datetime import timedelta
from math import isfinite, log10

import plotly.graph_objects as go
from dash import html
from dash.development.base_component import Component

from dashboard.orders.facts import OrderFigures
from dashboard.orders.restoration import by_cause, columns, rows
from dashboard.orders.restoration_words import counted, facts, median_words
from dashboard.ui.cards import Cell, card, facts_list, table_card, td
from dashboard.ui.chart_style import FILL, PALETTES, Palette, Theme, graph, surface
from dashboard.ui.words import span
from storage.model.core.availability import Status
from storage.model.orders.restoration import RestorationEstimate
from storage.model.text.states import clean
from storage.model.text.target_counts import WITH_ARTICLE

RESTORATION = "restoration"
"""The last part of the page's address."""
HEIGHT_PX = 340
DAY = timedelta(days=1)
TICKS = {
    timedelta(minutes=1): "1 min",
    timedelta(minutes=10): "10 min",
    timedelta(hours=1): "1 h",
    timedelta(hours=6): "6 h",
    DAY: "1 d",
    7 * DAY: "7 d",
    30 * DAY: "30 d",
    90 * DAY: "90 d",
    365 * DAY: "1 y",
    3650 * DAY: "10 y",
}


def restoration_page(
    found: OrderFigures, estimates: Sequence[RestorationEstimate], theme: Theme, tag: list[Component]
) -> Component:
    """Return the page: for each estimate the share still blocked over time, bounds of the median, the limits
    of both, and the median by cause. `estimates` are of the sections of `found`.
    """
    number, is_one = found.order.order_id, len(estimates) == 1
    return html.Div(
        [
            html.Div(
                [
                    html.A("Orders", href="/orders", className="under"),
                    html.Span("/", className="faint"),
                    html.A(clean(found.order.title, 80), href=f"/orders/{number}", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Time to restoration"),
                    *tag,
                    html.Span(className="grow"),
                    html.A("As JSON", href=f"/api/orders/{number}/restoration", className="button"),
                ],
                className="bar",
            ),
            html.Div(
                [
                    part
                    for one, estimate in zip(found.sections, estimates, strict=True)
                    for part in (
                        _head(estimate, is_one=is_one),
                        _share_card(estimate, theme),
                        *_cause_card(one),
                    )
                ],
                className="stack order",
            ),
        ]
    )


def _head(estimate: RestorationEstimate, *, is_one: bool) -> Component:
    """The median with its bounds, what the figures cover, and folded, how they are estimated."""
    first, figures = list(counted(estimate)), facts(estimate)
    return html.Div(
        [
            *([] if is_one else [html.H2(f"{estimate.noun.capitalize()}s")]),
            html.Div([html.P(s) for s in first], className="sentences"),
            *([facts_list(figures)] if figures else []),
            html.Details(
                [
                    html.Summary("How it is estimated, and what the figures do not show"),
                    html.Div([html.P(s) for s in estimate.sentences[len(first) :]], className="sentences"),
                ]
            ),
        ],
        className="card sentences-page",
    )


def _cause_card(found: OrderFigures) -> list[Component]:
    cells: list[tuple[Cell, ...]] = [
        (
            row.name,
            row.confidence,
            f"{estimate.spells:,}",
            f"{estimate.still_blocked:,}",
            median_words(estimate),
        )
        for row, estimate in by_cause(found)
    ]
    if not cells:
        return []
    return [
        table_card(
            f"Restoration of {found.noun}s by their surest cause",
            "causes are stated by people and documents, never concluded",
            ("Cause", "Confidence", "Blocks counted", "Still blocked", "Median time to restoration"),
            cells,
        )
    ]


def _share_card(estimate: RestorationEstimate, theme: Theme) -> Component:
    heads, noun = columns(estimate), estimate.noun
    _, first, second = heads
    name = "order-restoration" if noun == "account" else "order-restoration-posts"
    cells = [
        html.Tr([html.Th(after, scope="row"), td(bounds, first), td(limits, second)])
        for after, bounds, limits in rows(estimate)
    ]
    return card(
        f"Share of {noun}s still blocked",
        "time since the block, on a logarithmic scale",
        html.Div(
            graph(restoration_figure(estimate, theme), name, f"Share of {noun}s still blocked over time"),
            className="figure",
        ),
        html.Div(
            html.Table(
                [html.Thead(html.Tr([html.Th(head) for head in heads])), html.Tbody(cells)],
                className="labelled",
            ),
            className="table-scroll narrow",
        ),
    )


def restoration_figure(estimate: RestorationEstimate, theme: Theme) -> go.Figure:
    """The band between the two curves, the median below it, and what lies outside of what was seen.

    Time is logarithmic: what one decision frees in hours and what stays blocked for months are both read
    off. It ends where nobody was followed any longer.
    """
    palette = PALETTES[theme]
    figure = go.Figure()
    first, last = _axis(estimate)
    if estimate.spells:
        _band(figure, estimate, (first, last), theme)
        _median(figure, estimate, (first, last), palette)
        _shares(figure, estimate, palette)
    _outside(figure, estimate, (first, last), palette)
    _look(figure, (first, last), palette)
    return figure


def _axis(estimate: RestorationEstimate) -> tuple[float, float]:
    """In days. What is too short to be seen has some room, however little was seen."""
    gap = max(estimate.shortest_detectable / DAY, 1 / 1440)
    return gap / 2, max(estimate.follow_up / DAY, gap * 4)


def _band(figure: go.Figure, estimate: RestorationEstimate, axis: tuple[float, float], theme: Theme) -> None:
    fill, light, dark = FILL[Status.WITHHELD]
    edge = light if theme == "light" else dark
    steps = list(zip(estimate.curve.days, estimate.curve.lower, estimate.curve.upper, strict=True))
    inside = [(min(days, axis[1]), *shares) for days, *shares in steps if axis[0] < days and isfinite(days)]
    after = next(s for s in steps if s[0] > axis[0])
    inside.insert(0, (axis[0], *after[1:]))
    days = [d for d, _, _ in inside]
    look = {"mode": "lines", "line": {"color": edge, "width": 1.5, "shape": "vh"}}
    hover = [
        f"After {span(d * DAY)}<br>between {low:.0%} and {high:.0%} still blocked" for d, low, high in inside
    ]
    figure.add_trace(
        go.Scatter(x=days, y=[low for _, low, _ in inside], **look, showlegend=False, hoverinfo="skip")
    )
    figure.add_trace(
        go.Scatter(
            x=days,
            y=[high for _, _, high in inside],
            **look,
            fill="tonexty",
            fillcolor=f"rgba{(*(int(fill[i : i + 2], 16) for i in (1, 3, 5)), 0.35)}",
            name="Still blocked: range of the estimate",
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _median(
    figure: go.Figure, estimate: RestorationEstimate, axis: tuple[float, float], palette: Palette
) -> None:
    """At one half: thick for the estimate, thin for the limits by account."""
    for bounds, name, width in (
        (estimate.median_limits, f"Median, 99 % confidence limits,<br>{_independent(estimate)}", 1.5),
        (estimate.median, "Median, estimate", 5),
    ):
        if bounds is None:
            continue
        low, high = bounds
        ends = [max(low / DAY, axis[0]), axis[1] if high is None else max(high / DAY, axis[0])]
        words = f"{span(low)} {'or more' if high is None else f'to {span(high)}'}"
        figure.add_trace(
            go.Scatter(
                x=ends,
                y=[0.5, 0.5],
                mode="lines+markers",
                name=name,
                line={"color": palette.ink, "width": width},
                marker={
                    "symbol": ["line-ns-open", "triangle-right" if high is None else "line-ns-open"],
                    "size": 11,
                    "color": palette.ink,
                },
                cliponaxis=False,
                hovertemplate=f"{name}:<br>{words}<extra></extra>",
            )
        )


def _shares(figure: go.Figure, estimate: RestorationEstimate, palette: Palette) -> None:
    shown = [(s.after, s.by_order or s.limits, s.bounds) for s in estimate.shares]
    known = [(after, limits, bounds) for after, limits, bounds in shown if limits and bounds]
    if not known:
        return
    by_order = any(s.by_order for s in estimate.shares)
    name = "95 % band by order" if by_order else f"Share, 99 % confidence limits,<br>{_independent(estimate)}"
    middle = [sum(bounds) / 2 for _, _, bounds in known]
    figure.add_trace(
        go.Scatter(
            x=[after / DAY for after, _, _ in known],
            y=middle,
            mode="markers",
            name=name,
            marker={"symbol": "line-ns-open", "size": 9, "color": palette.ink2},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [limits[1] - m for (_, limits, _), m in zip(known, middle, strict=True)],
                "arrayminus": [m - limits[0] for (_, limits, _), m in zip(known, middle, strict=True)],
                "color": palette.ink2,
                "thickness": 1,
                "width": 4,
            },
            customdata=[
                f"After {span(after)}, {name}:<br>{limits[0]:.0%} to {limits[1]:.0%} still blocked"
                for after, limits, _ in known
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _independent(estimate: RestorationEstimate) -> str:
    return f"as if {estimate.noun}s were independent"


def _outside(
    figure: go.Figure, estimate: RestorationEstimate, axis: tuple[float, float], palette: Palette
) -> None:
    figure.add_vrect(
        x0=axis[0],
        x1=estimate.shortest_detectable / DAY,
        line={"width": 0},
        fillcolor=palette.line,
        opacity=0.6,
        layer="below",
    )
    figure.add_annotation(
        x=log10(axis[0] * 2**0.5),  # an annotation takes the exponent on such an axis
        y=0.5,
        showarrow=False,
        text=f"under {span(estimate.shortest_detectable)}: may be unseen",
        textangle=-90,
        font={"size": 11, "color": palette.ink2},
    )
    followed = (
        f"followed for {span(estimate.follow_up)} at most"
        if estimate.spells
        else f"no block of {WITH_ARTICLE[estimate.noun]} was seen to begin"
    )
    figure.add_annotation(
        x=1,
        y=1,
        xref="paper",
        yref="paper",
        yshift=18,
        xanchor="right",
        showarrow=False,
        text=followed,
        font={"size": 11, "color": palette.ink2},
    )


def _look(figure: go.Figure, axis: tuple[float, float], palette: Palette) -> None:
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 16, "r": 16, "t": 44, "b": 72},
        **surface(palette),
        dragmode="pan",
        legend={"orientation": "h", "y": -0.25, "x": 0, "itemclick": False, "itemdoubleclick": False},
        uirevision="restoration",
    )
    figure.update_xaxes(
        type="log",
        range=[log10(axis[0]), log10(axis[1]) + 0.02 * log10(axis[1] / axis[0])],  # room for an arrow
        tickvals=[time / DAY for time in TICKS],
        ticktext=list(TICKS.values()),
        title={"text": "time since the block", "standoff": 6},
        gridcolor=palette.line,
        linecolor=palette.line,
        zeroline=False,
    )
    figure.update_yaxes(
        range=[-0.02, 1.02],
        tickformat=".0%",
        title={"text": "still blocked", "standoff": 6},
        gridcolor=palette.line,
        linecolor=palette.line,
        zeroline=False,
        automargin=True,
        fixedrange=True,
    )
