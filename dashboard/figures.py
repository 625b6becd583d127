# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""Pure: rows to plotly figures. Nothing in here knows the database or the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import plotly.graph_objects as go

from dashboard.figure_style import FILL, HEIGHT, PALETTES, PATTERN, SUSPENDED_DARK, Palette, Theme, look
from dashboard.words import between, span, stamp, state
from storage.model.availability import Status
from storage.model.coverage import Gap
from storage.model.orders import Order
from storage.model.timeline import Seen
from storage.reports import LiveChange, LiveSpell
from storage.reports_context import LiveSignal


@dataclass(frozen=True, slots=True)
class Beside:
    """What is drawn beside an account's own timeline, and is never evidence of cause."""

    orders: tuple[Order, ...]
    signals: tuple[LiveSignal, ...]
    """Acts of all executives."""


@dataclass(frozen=True, slots=True)
class _Piece:
    since: datetime
    until: datetime
    hover: str


def account_figure(
    spells: tuple[LiveSpell, ...],
    changes: tuple[LiveChange, ...],
    seen: Seen,
    beside: Beside,
    now: datetime,
    gap_after: timedelta,
    theme: Theme,
) -> go.Figure:
    """One account's timeline: solid spells, the hatched window each change lies in, gaps left out.

    A spell is drawn from the reading that first showed it, never earlier. A provisional change is hollow.
    """
    palette = PALETTES[theme]
    end = known_until(seen, now, gap_after)
    figure = go.Figure()
    doubted = [c.last_seen_old for c in changes if c.outcome is None and c.last_seen_old is not None]
    pieces: dict[Status, list[_Piece]] = {}
    for i, spell in enumerate(spells):
        following = spells[i + 1] if i + 1 < len(spells) else None
        until = following.onset_after or following.since if following else min(end, *doubted, end)
        words = state(spell.state) + (
            f"<br>since {between(spell.onset_after, spell.since)}" if spell.onset_after else ""
        )
        for since, stop in without_gaps(spell.since, until, seen.gaps):
            pieces.setdefault(spell.state.status, []).append(_Piece(since, stop, words))
    open_changes = [c for c in changes if c.outcome != "confirmed" and c.last_seen_old is not None]
    bounds = [(s.onset_after, s.since, s.state) for s in spells]
    bounds += [(c.last_seen_old, c.first_seen_new, c.new) for c in open_changes]
    least = _least_visible(spells, now)
    windows = [
        _Piece(*_widened(after, before, least), f"{state(to)}: the change lies<br>{between(after, before)}")
        for after, before, to in bounds
        if after is not None
    ]
    _bars(figure, windows, "Change window", "rgba(0,0,0,0)", palette.window, "/", 0.8)
    for status, parts in pieces.items():
        fill, edge_light, edge_dark = FILL[status]
        if theme == "dark" and status is Status.SUSPENDED:
            fill = SUSPENDED_DARK
        edge = edge_light if theme == "light" else edge_dark
        _bars(
            figure,
            parts,
            status.value.replace("_", " ").capitalize(),
            fill,
            edge,
            PATTERN[status],
            HEIGHT[status],
        )
    provisional = [
        _Piece(
            c.first_seen_new,
            max(c.decided_at or end, c.first_seen_new + least),
            f"{state(c.new)}? {'provisional' if c.outcome is None else 'not confirmed'}"
            f"<br>{between(c.last_seen_old, c.first_seen_new)}",
        )
        for c in open_changes
    ]
    _bars(figure, provisional, "Provisional or not confirmed", "rgba(0,0,0,0)", palette.ink2, "", 0.8)
    _gaps(figure, seen.gaps, palette)
    _signals(figure, beside.signals, now)
    _orders(figure, beside.orders, spells, now, palette)
    look(figure, palette, spells[0].since if spells else now - timedelta(days=1), now)
    return figure


def _least_visible(spells: tuple[LiveSpell, ...], now: datetime) -> timedelta:
    """About five pixels of the whole timeline: a shorter mark would not be seen."""
    return (now - spells[0].since) / 200 if spells else timedelta(minutes=5)


def _widened(after: datetime, before: datetime, least: timedelta) -> tuple[datetime, datetime]:
    spare = max(timedelta(), least - (before - after)) / 2
    return after - spare, before + spare


SYMBOL = {
    "repost": "diamond",
    "quote": "square",
    "reply": "triangle-down",
    "post": "circle",
    "follow": "cross",
}


def _signals(figure: go.Figure, signals: tuple[LiveSignal, ...], now: datetime) -> None:
    known = [s for s in signals if s.at <= now]
    if not known:
        return
    figure.add_trace(
        go.Scatter(
            x=[s.at for s in known],
            y=["Executives"] * len(known),
            mode="markers",
            name="Executives' public acts, not evidence of cause",
            marker={
                "symbol": [SYMBOL.get(s.kind, "star") for s in known],
                "size": 9,
                "color": "#E69F00",
                "line": {"color": "#4A3200", "width": 1},
            },
            customdata=[f"{s.kind.value.capitalize()}<br>{stamp(s.at)}" for s in known],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def known_until(seen: Seen, now: datetime, gap_after: timedelta) -> datetime:
    """Until when a state may be drawn: now while readings arrive, else the last reading."""
    if seen.last is None or now - seen.last <= gap_after:
        return now
    return seen.last


def without_gaps(since: datetime, until: datetime, gaps: tuple[Gap, ...]) -> list[tuple[datetime, datetime]]:
    """The parts of [since, until) in which somebody looked."""
    parts: list[tuple[datetime, datetime]] = []
    start = since
    for gap in gaps:
        if gap.until is None or gap.until <= start or gap.since >= until:
            continue
        if gap.since > start:
            parts.append((start, gap.since))
        start = max(start, gap.until)
    if start < until:
        parts.append((start, until))
    return parts


def _bars(
    figure: go.Figure, pieces: list[_Piece], name: str, fill: str, edge: str, pattern: str, height: float
) -> None:
    if not pieces:
        return
    figure.add_trace(
        go.Bar(
            base=[p.since for p in pieces],
            x=[(p.until - p.since) / timedelta(milliseconds=1) for p in pieces],
            y=["Status"] * len(pieces),
            orientation="h",
            width=height,
            name=name,
            marker={
                "color": fill,
                "line": {"color": edge, "width": 1},
                "pattern": {"shape": pattern, "fgcolor": edge, "size": 6, "solidity": 0.3},
            },
            customdata=[p.hover for p in pieces],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _gaps(figure: go.Figure, gaps: tuple[Gap, ...], palette: Palette) -> None:
    for gap in gaps:
        if gap.until is None:
            continue
        figure.add_vrect(
            x0=gap.since,
            x1=gap.until,
            line={"width": 0},
            fillcolor=palette.line,
            opacity=0.5,
            layer="below",
            annotation={
                "text": f"not checked, {span(gap.until - gap.since)}",
                "font": {"size": 11, "color": palette.ink2},
                "textangle": -90,
            },
            annotation_position="inside left",
        )


def _orders(
    figure: go.Figure,
    orders: tuple[Order, ...],
    spells: tuple[LiveSpell, ...],
    now: datetime,
    palette: Palette,
) -> None:
    start = spells[0].since if spells else now
    for i, order in enumerate(o for o in orders if start <= o.issued_at <= now):
        disputed = order.issued_from is not None
        figure.add_vline(
            x=order.issued_at,
            line={"color": palette.ink2, "width": 1, "dash": "dot" if disputed else "solid"},
        )
        figure.add_annotation(
            x=order.issued_at,
            y=1.0,
            yref="paper",
            yshift=10 + 16 * (i % 2),
            text=f"{order.title}{', date disputed' if disputed else ''}",
            showarrow=False,
            xanchor="left",
            font={"size": 11, "color": palette.ink},
            hovertext=f"{order.title}, {stamp(order.issued_at)}",
        )
