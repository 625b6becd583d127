# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""Rows to plotly figures. Nothing in here knows the database or the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import plotly.graph_objects as go

from dashboard.ui.chart_style import (
    EXECUTIVES_ROW,
    FILL,
    HEIGHT,
    PALETTES,
    PATTERN,
    STATUS_ROW,
    SUSPENDED_DARK,
    Palette,
    Theme,
    look,
    without_gaps,
)
from dashboard.ui.words import between, day, drawn_as, span, stamp, state
from storage.live.lists_and_executives import LiveSignal
from storage.live.snapshot import LiveChange, LiveSpell
from storage.model.core.accounts import Platform
from storage.model.core.availability import EVERYWHERE, State, Status
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Order
from storage.model.text.states import capital, group_words


@dataclass(frozen=True, slots=True)
class TimelineOverlay:
    """What is drawn beside an account's own timeline, and is never evidence of cause."""

    orders: tuple[Order, ...]
    signals: tuple[LiveSignal, ...]
    """Acts of all executives."""


@dataclass(frozen=True, slots=True)
class _Piece:
    since: datetime
    until: datetime
    hover: str
    row: str = STATUS_ROW


def account_figure(
    platform: Platform,
    spells: tuple[LiveSpell, ...],
    changes: tuple[LiveChange, ...],
    seen: Seen,
    beside: TimelineOverlay,
    now: datetime,
    end: datetime,
    theme: Theme,
) -> go.Figure:
    """One account's timeline: solid spells, the hatched window each change lies in, gaps left out.

    A spell is drawn from the reading that first showed it, never earlier, and up to `end`, until when the
    status is known. A provisional change is hollow.
    """
    palette = PALETTES[theme]
    start = spells[0].since if spells else now - timedelta(days=1)
    axis = _axis(start, end, now)
    least = (axis[1] - axis[0]) / 200  # about five pixels: a shorter mark would not be seen
    figure = go.Figure()
    doubted = [c.last_seen_old for c in changes if c.outcome is None and c.last_seen_old is not None]
    countries = countries_apart(spells)
    pieces: dict[tuple[Status, str], list[_Piece]] = {}
    for i, spell in enumerate(spells):
        following = spells[i + 1] if i + 1 < len(spells) else None
        until = following.onset_after or following.since if following else min(end, *doubted, end)
        until = max(until, spell.since)  # a record may know the day of its looks only
        words = state(spell.state, platform, spell.flags) + (
            f"<br>since {between(spell.onset_after, spell.since)}" if spell.onset_after else ""
        )
        for since, stop in without_gaps(spell.since, until, seen.gaps):
            part = _widened(since, stop, least) if since == stop else (since, stop)
            for row in (STATUS_ROW, *(c for c in countries if is_in(spell.state, c))):
                kind = (
                    drawn_as(spell.state, spell.flags),
                    capital(group_words(spell.state.status, platform, spell.flags)),
                )
                pieces.setdefault(kind, []).append(_Piece(*part, words, row))
    open_changes = [c for c in changes if c.outcome != "confirmed" and c.last_seen_old is not None]
    bounds = [(s.onset_after, s.since, s.state, s.flags, STATUS_ROW) for s in spells]
    bounds += [(c.last_seen_old, c.first_seen_new, c.new, c.flags, STATUS_ROW) for c in open_changes]
    bounds += [
        (s.onset_after, s.since, s.state, s.flags, country)
        for before, s in pairwise(spells)
        for country in countries
        if is_in(before.state, country) is not is_in(s.state, country)
    ]
    windows = [
        _Piece(
            *_widened(after, before, least),
            f"{state(to, platform, flags)}: the change lies<br>{between(after, before)}",
            row,
        )
        for after, before, to, flags, row in bounds
        if after is not None
    ]
    _bars(figure, windows, "Change window", "rgba(0,0,0,0)", palette.window, "/", 0.8)
    for (status, name), parts in pieces.items():
        fill, edge_light, edge_dark = FILL[status]
        if theme == "dark" and status is Status.SUSPENDED:
            fill = SUSPENDED_DARK
        edge = edge_light if theme == "light" else edge_dark
        _bars(figure, parts, name, fill, edge, PATTERN[status], HEIGHT[status])
    provisional = [
        _Piece(
            c.first_seen_new,
            max(c.last_agreeing_at or end, c.first_seen_new + least),
            f"{state(c.new, platform, c.flags)}? {'provisional' if c.outcome is None else 'not confirmed'}"
            f"<br>{between(c.last_seen_old, c.first_seen_new)}",
        )
        for c in open_changes
    ]
    _bars(figure, provisional, "Provisional or not confirmed", "rgba(0,0,0,0)", palette.ink2, "", 0.8)
    silent = (Gap(end, None),) if end < now else ()
    _gaps(figure, (*seen.gaps, *silent), axis, palette)
    acts = _signals(figure, beside.signals, axis)
    _orders(figure, beside.orders, axis, palette)
    look(figure, palette, axis, countries, acts=acts)
    return figure


def _axis(start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Up to now, unless the account was last read so long ago that nearly all of it would be empty."""
    read = end - start
    if now - end <= max(read, timedelta(days=1)):
        return start, now
    least = timedelta(hours=36) if read < timedelta(days=1) else timedelta()
    return start - least, end + max(read * 0.2, least)


def countries_apart(spells: tuple[LiveSpell, ...]) -> tuple[str, ...]:
    """The countries that get a row of their own: where there is only one, the status says it all."""
    named = sorted({c for s in spells for c in s.state.withheld_in if c != EVERYWHERE})
    return tuple(named) if len(named) > 1 else ()


def is_in(value: State, country: str) -> bool:
    """Whether the account is withheld in that country."""
    return country in value.withheld_in or EVERYWHERE in value.withheld_in


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


def _signals(figure: go.Figure, signals: tuple[LiveSignal, ...], axis: tuple[datetime, datetime]) -> bool:
    """Answers whether there are any."""
    known = [s for s in signals if axis[0] <= s.at <= axis[1]]
    if not known:
        return False
    figure.add_trace(
        go.Scatter(
            x=[s.at for s in known],
            y=[EXECUTIVES_ROW] * len(known),
            mode="markers",
            name="Executives' engagements, not evidence of cause",
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
    return True


def known_until(seen: Seen, now: datetime, gap_after: timedelta) -> datetime:
    """Until when a state may be drawn: now while readings arrive, else the last reading."""
    if seen.last is None or now - seen.last <= gap_after:
        return now
    return seen.last


def _bars(
    figure: go.Figure, pieces: list[_Piece], name: str, fill: str, edge: str, pattern: str, height: float
) -> None:
    if not pieces:
        return
    figure.add_trace(
        go.Bar(
            base=[p.since for p in pieces],
            x=[(p.until - p.since) / timedelta(milliseconds=1) for p in pieces],
            y=[p.row for p in pieces],
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


def _gaps(
    figure: go.Figure, gaps: tuple[Gap, ...], axis: tuple[datetime, datetime], palette: Palette
) -> None:
    for gap in gaps:
        until = gap.until or axis[1]
        wide = until - gap.since > (axis[1] - axis[0]) / 5
        said = span(gap.until - gap.since) if gap.until else f"since {day(gap.since)}"
        figure.add_vrect(
            x0=gap.since,
            x1=until,
            line={"width": 0},
            fillcolor=palette.line,
            opacity=0.5,
            layer="below",
            annotation={
                "text": f"not checked {said}" if gap.until is None else f"not checked, {said}",
                "font": {"size": 11, "color": palette.ink2},
                "textangle": 0 if wide else -90,
            },
            annotation_position="inside top left" if wide else "inside left",
        )


def _orders(
    figure: go.Figure,
    orders: tuple[Order, ...],
    axis: tuple[datetime, datetime],
    palette: Palette,
) -> None:
    for i, order in enumerate(o for o in orders if axis[0] <= o.issued_at <= axis[1]):
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
