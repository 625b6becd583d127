# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""Rows to plotly figures. Nothing in here knows the database or the clock."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboard.accounts.gap_runs import GapRun, gap_runs
from dashboard.ui import date_marks
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
    figure_text,
    look,
    without_gaps,
)
from dashboard.ui.date_marks import DateMark
from dashboard.ui.words import between, day, drawn_as, span, stamp, state
from storage.live.lists_and_executives import LiveSignal
from storage.live.snapshot import LiveChange, LiveSpell
from storage.model.core.accounts import Platform
from storage.model.core.availability import EVERYWHERE, Flag, State, Status
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Order
from storage.model.text.states import capital, group_words

WIDEST_PX = 1600
"""The greatest width of a figure on the page. Parts within one pixel of it are joined."""
OUTLINED_PX = 3
"""A bar narrower than this has no outline: the outline would show a status for longer than it was seen."""
LETTER_PX = 16
"""The height of one line of text."""
LABEL_ROWS = 2
_NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class TimelineOverlay:
    """What is drawn beside an account's own timeline, and is never evidence of cause."""

    orders: tuple[Order, ...]
    """Those on whose lists the account or post is or was: dates of other orders say nothing about it."""
    signals: tuple[LiveSignal, ...]
    """Acts of all executives."""


@dataclass(frozen=True, slots=True)
class AccountTimeline:
    """The figure, and whether it shows all."""

    figure: go.Figure
    joined: timedelta | None
    """Details shorter than this are joined, also after zooming; None if none were."""


class _Piece(NamedTuple):
    since: datetime
    until: datetime
    first_seen: datetime
    """When its state was first seen. The parts of one period share it."""
    kind: int
    """The number of its state and flags. Those of one kind and row may be joined."""
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
) -> AccountTimeline:
    """One account's timeline: solid spells, the hatched window each change lies in, gaps left out.

    A spell is drawn from the reading that first showed it, and up to `end`, until when the status is known.
    A single reading is widened to be seen, by at most a quarter of the unread time on each side. A
    provisional change is hollow.
    """
    palette = PALETTES[theme]
    start = spells[0].since if spells else now - timedelta(days=1)
    axis = _axis(start, end, now)
    pixel = (axis[1] - axis[0]) / WIDEST_PX
    least = (axis[1] - axis[0]) / 200  # about five pixels: a shorter mark would not be seen
    figure = go.Figure()
    doubted = [c.last_seen_old for c in changes if c.outcome is None and c.last_seen_old is not None]
    doubts = [now, *(c.first_seen_new for c in changes if c.outcome is None)]
    countries = countries_apart(spells)
    pieces: dict[tuple[Status, str], list[_Piece]] = {}
    kinds = defaultdict[tuple[State, frozenset[Flag]], int](count().__next__)
    for i, spell in enumerate(spells):
        following = spells[i + 1] if i + 1 < len(spells) else None
        until = following.onset_after or following.since if following else min(end, *doubted, end)
        until = max(until, spell.since)  # a record may know the day of its looks only
        hover = state(spell.state, platform, spell.flags) + (
            f"<br>since {between(spell.onset_after, spell.since)}" if spell.onset_after else ""
        )
        rows = (STATUS_ROW, *(c for c in countries if is_in(spell.state, c)))
        look_of = (
            drawn_as(spell.state, spell.flags),
            capital(group_words(spell.state.status, platform, spell.flags)),
        )
        drawn_alike = pieces.setdefault(look_of, [])
        parts = without_gaps(spell.since, until, seen.gaps)
        kind = kinds[spell.state, spell.flags]
        befores = (spell.onset_after, *(stop for _, stop in parts))
        afters = (*(since for since, _ in parts[1:]), following.since if following else min(doubts))
        for (since, stop), before, after in zip(parts, befores, afters, strict=False):
            part = _widened_look(since, before, after, least) if since == stop else (since, stop)
            drawn_alike += [_Piece(*part, spell.since, kind, hover, row) for row in rows]
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
            before,
            kinds[to, flags],
            f"{state(to, platform, flags)}: the change lies<br>{between(after, before)}",
            row,
        )
        for after, before, to, flags, row in bounds
        if after is not None
    ]
    shown = _apart(windows, pixel)
    is_joined = len(shown) < len(windows)
    _bars(figure, shown, pixel, "Change window", "rgba(0,0,0,0)", palette.window, "/", 0.8)
    for (status, name), parts in pieces.items():
        fill, edge_light, edge_dark = FILL[status]
        if theme == "dark" and status is Status.SUSPENDED:
            fill = SUSPENDED_DARK
        edge = edge_light if theme == "light" else edge_dark
        shown = _apart(parts, pixel)
        is_joined = is_joined or len(shown) < len(parts)
        _bars(figure, shown, pixel, name, fill, edge, PATTERN[status], HEIGHT[status])
    hollow = [
        _Piece(
            c.first_seen_new,
            max(c.last_agreeing_at or end, c.first_seen_new + least),
            c.first_seen_new,
            kinds[c.new, c.flags],
            f"{state(c.new, platform, c.flags)}? {'provisional' if c.outcome is None else 'not confirmed'}"
            f"<br>{between(c.last_seen_old, c.first_seen_new)}",
        )
        for c in sorted(open_changes, key=lambda c: c.outcome is None)
    ]
    refuted = len([c for c in open_changes if c.outcome is not None])
    shown = [*_apart(hollow[:refuted], pixel), *hollow[refuted:]]  # what is provisional is never left out
    is_joined = is_joined or len(shown) < len(hollow)
    _bars(figure, shown, pixel, "Provisional or not confirmed", "rgba(0,0,0,0)", palette.ink2, "", 0.8)
    silent = (Gap(end, None),) if end < now else ()
    runs = gap_runs((*seen.gaps, *silent), axis, WIDEST_PX)
    marks = _marks(beside.orders, axis)
    acts = _signals(figure, beside.signals, axis)
    figure.update_layout(
        shapes=[*_areas(runs, palette), *date_marks.lines(marks, palette)],
        annotations=[*_gap_words(runs, axis, palette), *date_marks.labels(marks, palette, LABEL_ROWS, axis)],
    )
    look(figure, palette, axis, countries, acts=acts)
    is_joined = is_joined or not all(run.is_exact for run in runs)
    return AccountTimeline(figure, pixel if is_joined else None)


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


def _apart(pieces: Iterable[_Piece], pixel: timedelta) -> list[_Piece]:
    """Join the pieces of one row and kind that begin and end within a pixel of each other. Only the first is
    drawn, and it says how many more there are. The tables have the newest of the others.
    """
    shown: list[_Piece] = []
    last: dict[tuple[str, int], int] = {}
    more: defaultdict[int, set[datetime]] = defaultdict(set)
    for piece in sorted(pieces, key=attrgetter("since")):
        n = last.get((piece.row, piece.kind))
        if n is None or piece.since - shown[n].since >= pixel or abs(piece.until - shown[n].until) >= pixel:
            last[piece.row, piece.kind] = len(shown)
            shown.append(piece)
        elif piece.first_seen != shown[n].first_seen:
            more[n].add(piece.first_seen)
    for n, others in more.items():
        hover = f"{shown[n].hover}<br>and {len(others):,} more within this pixel"
        shown[n] = shown[n]._replace(hover=hover)
    return shown


def _widened(after: datetime, before: datetime, least: timedelta) -> tuple[datetime, datetime]:
    spare = max(timedelta(), least - (before - after)) / 2
    return after - spare, before + spare


def _widened_look(
    at: datetime, before: datetime | None, after: datetime, least: timedelta
) -> tuple[datetime, datetime]:
    """A single look, as a bar that can be seen. It takes a quarter of each unread time beside it at most, so
    half of a gap stays free between two single looks.
    """
    spare = least / 2
    for unread in (at - (before or at), after - at):
        if _NOTHING < unread < 4 * spare:
            spare = unread / 4
    return at - spare, at + spare


SYMBOL = {
    "repost": "diamond",
    "quote": "square",
    "reply": "triangle-down",
    "post": "circle",
    "follow": "cross",
}


def _signals(figure: go.Figure, signals: tuple[LiveSignal, ...], axis: tuple[datetime, datetime]) -> bool:
    """Answers whether there are any. Of one kind, those that would lie upon each other are one mark."""
    marks = _signal_marks(signals, axis)
    if not marks:
        return False
    figure.add_trace(
        go.Scatter(
            x=[mark[0].at for mark in marks],
            y=[EXECUTIVES_ROW] * len(marks),
            mode="markers",
            name="Executives' engagements,<br>not evidence of cause",
            marker={
                "symbol": [SYMBOL.get(mark[0].kind, "star") for mark in marks],
                "size": 9,
                "color": "#E69F00",
                "line": {"color": "#4A3200", "width": 1},
            },
            customdata=[_mark_words(mark) for mark in marks],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    return True


def _signal_marks(signals: tuple[LiveSignal, ...], axis: tuple[datetime, datetime]) -> list[list[LiveSignal]]:
    """Oldest first, by kind less than a pixel from the first of the mark."""
    pixel = (axis[1] - axis[0]) / WIDEST_PX
    marks: list[list[LiveSignal]] = []
    open_marks: dict[str, list[LiveSignal]] = {}
    for signal in signals:
        if not axis[0] <= signal.at <= axis[1]:
            continue
        mark = open_marks.get(signal.kind)
        if mark is None or signal.at - mark[0].at >= pixel:
            mark = open_marks[signal.kind] = list[LiveSignal]()
            marks.append(mark)
        mark.append(signal)
    return marks


def _mark_words(mark: Sequence[LiveSignal]) -> str:
    kind = mark[0].kind.value.capitalize()
    if len(mark) == 1:
        return f"{kind}<br>{stamp(mark[0].at)}"
    return f"{kind}, {len(mark):,} times<br>{stamp(mark[0].at)}<br>to {stamp(mark[-1].at)}"


def known_until(seen: Seen, now: datetime, gap_after: timedelta) -> datetime:
    """Until when a state may be drawn: now while readings arrive, else the last reading."""
    if seen.last is None or now - seen.last <= gap_after:
        return now
    return seen.last


def _bars(
    figure: go.Figure,
    pieces: list[_Piece],
    pixel: timedelta,
    name: str,
    fill: str,
    edge: str,
    pattern: str,
    height: float,
) -> None:
    if not pieces:
        return
    figure.add_trace(
        go.Bar(
            # Arrays of numpy, since plotly checks, copies and encodes lists value by value.
            base=np.array([round(p.since.timestamp() * 1e6) for p in pieces], "datetime64[us]"),
            x=np.array([(p.until - p.since).total_seconds() for p in pieces]) * 1000,
            y=np.array([p.row for p in pieces], object),
            orientation="h",
            width=height,
            name=name,
            marker={
                "color": fill,
                "line": {
                    "color": edge,
                    "width": np.array([p.until - p.since >= OUTLINED_PX * pixel for p in pieces], "int8"),
                },
                "pattern": {"shape": pattern, "fgcolor": edge, "size": 6, "solidity": 0.3},
            },
            customdata=np.array([p.hover for p in pieces], object),
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _areas(runs: Sequence[GapRun], palette: Palette) -> list[date_marks.Dressed]:
    """One shape for all that was not checked, and a paler one for what was checked in parts."""
    return [
        {
            "type": "path",
            "path": "".join(map(_outline, found)),
            "yref": "paper",
            "line": {"width": 0},
            "fillcolor": palette.line,
            "opacity": opacity,
            "layer": "below",
        }
        for is_exact, opacity in ((True, 0.5), (False, 0.25))
        if (found := [r for r in runs if r.is_exact is is_exact])
    ]


def _outline(run: GapRun) -> str:
    since, until = _x(run.since), _x(run.until)
    return f"M{since},0L{until},0L{until},1L{since},1Z"


def _x(at: datetime) -> str:
    """A date within a path, where plotly takes T and Z for commands and a space for the end."""
    return f"{at.astimezone(UTC):%Y-%m-%d_%H:%M:%S.%f}"


def _gap_words(
    runs: Sequence[GapRun], axis: tuple[datetime, datetime], palette: Palette
) -> list[date_marks.Dressed]:
    """The words in the areas, as far as there is room: upright in a wide one, else from below to above."""
    words: list[date_marks.Dressed] = []
    room = (axis[1] - axis[0]) * LETTER_PX / WIDEST_PX
    free = datetime.min.replace(tzinfo=UTC)
    for run in runs:
        is_wide = run.until - run.since > (axis[1] - axis[0]) / (5 if run.is_exact else 3)
        if run.since < free and not is_wide:
            continue
        free = run.since + room
        words.append(
            {
                "x": run.since,
                "y": 1 if is_wide else 0.5,
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "top" if is_wide else "middle",
                "showarrow": False,
                "text": _run_words(run),
                "font": {"size": 11, "color": palette.ink2},
                "textangle": 0 if is_wide else -90,
            }
        )
    return words


def _run_words(run: GapRun) -> str:
    if not run.is_exact:
        return f"partly checked:<br>{run.gaps:,} gaps, {span(run.unread)} in all"
    return f"not checked since {day(run.since)}" if run.is_open else f"not checked, {span(run.unread)}"


def _marks(orders: Iterable[Order], axis: tuple[datetime, datetime]) -> list[DateMark]:
    return [
        DateMark(
            o.issued_at,
            f"{figure_text(o.title)}{', date disputed' if o.is_disputed else ''}",
            dashed=o.is_disputed,
        )
        for o in orders
        if axis[0] <= o.issued_at <= axis[1]
    ]
