# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Charts of orders: the curve of one order, its accounts as lanes, and orders side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.orders.facts import OrderFigures
from dashboard.orders.figures import line_figure
from dashboard.orders.lanes import lane_of
from dashboard.ui import date_marks
from dashboard.ui.chart_style import (
    FILL,
    HEIGHT,
    PALETTES,
    PATTERN,
    SUSPENDED_DARK,
    TIME_AXIS,
    Palette,
    Theme,
    figure_text,
    surface,
)
from dashboard.ui.date_marks import DateMark
from dashboard.ui.figures import line_leads
from dashboard.ui.words import between, drawn_as, state
from storage.model.causes.words import cause_summary
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Status
from storage.model.core.orders import OrderEventKind
from storage.model.orders.cohort import CohortMember, Stay
from storage.model.orders.curve import CurveLine, CurveStep
from storage.model.text.states import capital, clean, group_words

CURVE_PX = 360
LANE_PX = 17
LABEL_ROWS = 3
BAND = "rgba(213, 94, 0, 0.22)"
UNREAD = "rgba(128, 128, 128, 0.16)"
_QUIET: dict[str, Any] = {"mode": "lines", "line": {"shape": "hv", "width": 0}, "hoverinfo": "skip"}
"""Style of a line that is only the edge of an area."""
_UNSEEN = "\u200b"
"""Labels distinguish the rows, because two accounts may have one handle."""
_WITHHELD = {"light": "#A34700", "dark": "#FF9142"}
_SUSPENDED = {"light": "#661100", "dark": "#F2B8D0"}


@dataclass(frozen=True, slots=True)
class _LanePart:
    """A bar of a lane."""

    since: datetime
    until: datetime
    row: str
    words: str
    account_id: AccountId


def marks_of(found: OrderFigures) -> tuple[DateMark, ...]:
    """Return issue, deadline, entry, notices and rulings by date, without those outside the figure."""
    order = found.order
    out = [DateMark(order.issued_at, "Issued", dashed=order.is_disputed)]
    if order.deadline_at is not None:
        out.append(DateMark(order.deadline_at, "Deadline", dashed=True))
    if order.known_at - order.issued_at > timedelta(hours=6):
        out.append(DateMark(order.known_at, "Entered here", dashed=False))
    words = {OrderEventKind.NOTICE: "Notice", OrderEventKind.RULING: "Ruling"}
    out += [
        DateMark(e.at, words[e.kind], dashed=e.is_disputed)
        for e in found.cohort.events
        if e.order_id == order.order_id and e.kind in words
    ]
    inside = [m for m in out if found.steps[0].at <= m.at <= found.at]
    return tuple(sorted(inside, key=lambda m: m.at))


def curve_figure(found: OrderFigures, theme: Theme) -> go.Figure:
    """Draw the share of what is on the list that was blocked, with a band that contains the true share.

    The line follows the readings. The lower edge of the band assumes that each block was as late and as
    short as possible, the upper edge as early and as long. The grey part was not checked.
    """
    palette, whole = PALETTES[theme], max(found.watched, 1)
    figure = go.Figure()
    at = [*(s.at for s in found.steps), found.at]

    def line(value: Callable[[CurveStep], float]) -> list[float | None]:
        # No line before the first reading: nothing is known until then.
        ys = [100 * value(s) / whole if s.read else None for s in found.steps]
        return [*ys, ys[-1]]

    quiet = _QUIET
    figure.add_scatter(x=at, y=[100.0] * len(at), showlegend=False, **quiet)
    checked = [100 * (whole - s.unread) / whole for s in found.steps]
    checked.append(checked[-1])
    figure.add_scatter(x=at, y=checked, name="Not checked", fill="tonexty", fillcolor=UNREAD, **quiet)
    figure.add_scatter(x=at, y=line(lambda s: s.certain), showlegend=False, **quiet)
    figure.add_scatter(
        x=at,
        y=line(lambda s: s.possible),
        name="Possible range",
        fill="tonexty",
        fillcolor=BAND,
        **quiet,
    )
    looks = (
        (CurveLine.WITHHELD, f"Withheld in {found.order.country}", _WITHHELD[theme], "dash", 1.5),
        (CurveLine.SUSPENDED, "Suspended everywhere", _SUSPENDED[theme], "dot", 1.5),
        (CurveLine.BLOCKED, "Blocked, as read", "#D55E00", "solid", 2.5),
    )
    for counted, name, colour, dash, width in looks:
        counts = [s.on(counted) for s in found.steps]
        figure.add_scatter(
            x=at,
            y=line(lambda s, counted=counted: s.on(counted)),
            name=name,
            mode="lines",
            line={"shape": "hv", "color": colour, "dash": dash, "width": width},
            customdata=[*counts, counts[-1]],
            hovertemplate=f"{name}: %{{customdata:,}} of {found.watched:,}, %{{y:.1f}} %<extra></extra>",
            meta=line_leads(line_figure(found, counted), found.at),
        )
    most = max(100 * max(s.possible for s in found.steps) / whole, 4.0)
    _marks(figure, found, palette)
    if found.at_deadline is not None and found.at_deadline.read and found.order.deadline_at is not None:
        figure.add_scatter(
            x=[found.order.deadline_at],
            y=[100 * found.at_deadline.blocked / whole],
            mode="markers",
            marker={"size": 9, "color": palette.card, "line": {"color": palette.ink, "width": 2}},
            showlegend=False,
            hovertemplate="At the deadline: %{y:.1f} %<extra></extra>",
        )
    _frame(figure, palette, CURVE_PX)
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(**TIME_AXIS, range=[found.steps[0].at, found.at])
    figure.update_yaxes(ticksuffix=" %", range=[0, min(100.0, most * 1.15)], gridcolor=palette.line)
    return figure


def lanes_figure(found: OrderFigures, members: Sequence[CohortMember], theme: Theme) -> go.Figure:
    """Draw a lane per member, the first at the top, with its confirmed statuses and its change windows.

    Times that were not checked are empty.
    """
    palette, figure = PALETTES[theme], go.Figure()
    start, end = found.steps[0].at, found.at
    rows = [clean(m.handle, 28) + _UNSEEN * n for n, m in enumerate(members)]
    least = max((end - start) / 250, timedelta(minutes=1))
    pieces: dict[tuple[Status, str], list[_LanePart]] = {}
    windows: list[_LanePart] = []
    for row, member in zip(rows, members, strict=True):
        lane = lane_of(found, member)
        for part in lane.parts:
            status = drawn_as(part.stay.state, part.stay.flags)
            label = capital(group_words(part.stay.state.status, member.platform, part.stay.flags))
            until = max(part.until, part.since + least / 4)
            pieces.setdefault((status, label), []).append(
                _LanePart(part.since, until, row, _bar_words(found, member, part.stay), member.account_id)
            )
        windows += [
            _LanePart(w.since, w.until, row, f"change: {_status_words(member, w.stay)}", member.account_id)
            for w in lane.windows
        ]
    _bars(figure, windows, "Change window", "rgba(0,0,0,0)", palette.window, "/", 0.8)
    for (status, name), parts in pieces.items():
        fill, light, dark = FILL[status]
        fill = SUSPENDED_DARK if theme == "dark" and status is Status.SUSPENDED else fill
        _bars(figure, parts, name, fill, light if theme == "light" else dark, PATTERN[status], HEIGHT[status])
    _marks(figure, found, palette)
    _frame(figure, palette, 130 + LANE_PX * len(rows))
    figure.update_layout(barmode="overlay", dragmode="pan")
    figure.update_xaxes(**TIME_AXIS, range=[start, end], side="bottom")
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=list(reversed(rows)),
        range=[-0.6, len(rows) - 0.4],
        dtick=1,  # else a narrow figure names every second account
        fixedrange=True,
        showgrid=False,
        tickfont={"size": 11, "color": palette.ink},
        automargin=True,
    )
    return figure


def _bar_words(found: OrderFigures, member: CohortMember, stay: Stay) -> str:
    """The status, and of a block its surest cause."""
    said = found.causes.get(member.account_id, ())
    words = _status_words(member, stay)
    return f"{words}<br>{figure_text(cause_summary(said), 160)}" if stay.kind.is_block else words


def _status_words(member: CohortMember, stay: Stay) -> str:
    words = state(stay.state, member.platform, stay.flags)
    return f"{words}<br>{between(stay.onset_after, stay.since)}" if stay.onset_after else words


def multiples_figure(orders: Sequence[OrderFigures], theme: Theme) -> go.Figure:
    """Draw the blocked share and its band for each order, from its issue, side by side with equal axes."""
    palette = PALETTES[theme]
    columns = min(3, max(1, len(orders)))
    lines = -(-len(orders) // columns)
    figure = make_subplots(
        rows=lines,
        cols=columns,
        shared_xaxes=True,
        shared_yaxes=True,
        vertical_spacing=min(0.2, 0.35 / lines),
        horizontal_spacing=0.04,
        subplot_titles=[
            figure_text(o.order.title, 40) + (", posts" if o.noun == "post" else "") for o in orders
        ],
    )
    for n, found in enumerate(orders):
        place = {"row": n // columns + 1, "col": n % columns + 1}
        whole = max(found.watched, 1)
        steps = [s for s in found.steps if s.at >= found.order.issued_at] or list(found.steps[-1:])
        days = [(s.at - found.order.issued_at) / timedelta(days=1) for s in steps]
        days.append((found.at - found.order.issued_at) / timedelta(days=1))

        def line(
            value: Callable[[CurveStep], int], steps: Sequence[CurveStep] = steps, whole: int = whole
        ) -> list[float | None]:
            ys = [100 * value(s) / whole if s.read else None for s in steps]
            return [*ys, ys[-1]]

        quiet = {**_QUIET, "showlegend": False}
        figure.add_scatter(x=days, y=line(lambda s: s.certain), **quiet, **place)
        figure.add_scatter(
            x=days, y=line(lambda s: s.possible), fill="tonexty", fillcolor=BAND, **quiet, **place
        )
        figure.add_scatter(
            x=days,
            y=line(lambda s: s.blocked),
            mode="lines",
            line={"shape": "hv", "color": "#D55E00", "width": 2},
            showlegend=False,
            hovertemplate="day %{x:.1f}: %{y:.1f} % blocked<extra></extra>",
            meta=line_leads(line_figure(found, CurveLine.BLOCKED), found.at, found.order.issued_at),
            **place,
        )
    _frame(figure, palette, 100 + 170 * lines)
    figure.update_layout(margin={"t": 28})
    figure.update_xaxes(matches="x", zeroline=False, rangemode="tozero")
    for n in range(max(0, len(orders) - columns), len(orders)):
        # The last panel of each column, which in an incomplete last line stands above an empty place.
        figure.update_xaxes(
            title={"text": "Days since issue", "font": {"size": 11}},
            showticklabels=True,
            row=n // columns + 1,
            col=n % columns + 1,
        )
    figure.update_yaxes(ticksuffix=" %", rangemode="tozero", gridcolor=palette.line)
    figure.update_annotations(font={"size": 12, "color": palette.ink})
    return figure


def _marks(figure: go.Figure, found: OrderFigures, palette: Palette) -> None:
    marks, axis = marks_of(found), (found.steps[0].at, found.at)
    figure.update_layout(
        shapes=date_marks.lines(marks, palette),
        annotations=date_marks.labels(marks, palette, LABEL_ROWS, axis),
    )


def _bars(
    figure: go.Figure,
    parts: Sequence[_LanePart],
    name: str,
    fill: str,
    edge: str,
    pattern: str,
    height: float,
) -> None:
    if not parts:
        return
    figure.add_bar(
        base=[p.since for p in parts],
        x=[(p.until - p.since) / timedelta(milliseconds=1) for p in parts],
        y=[p.row for p in parts],
        orientation="h",
        width=height,
        name=name,
        marker={
            "color": fill,
            "line": {"color": edge, "width": 1},
            "pattern": {"shape": pattern, "fgcolor": edge, "size": 5, "solidity": 0.3},
        },
        customdata=[p.words for p in parts],
        # Plotly draws one bar per id. The number behind the address keeps all bars of an account.
        ids=[f"/account/{p.account_id} {n}" for n, p in enumerate(parts)],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _frame(figure: go.Figure, palette: Palette, height: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 52, "b": 8},
        **surface(palette),
        # At the foot of the figure. Below the plot it would stay where it was when the width changes.
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        uirevision="order",
    )
    figure.update_xaxes(gridcolor=palette.line, linecolor=palette.line, zeroline=False)
    figure.update_yaxes(zeroline=False)
