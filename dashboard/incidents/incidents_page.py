"""The list of incidents, by what one looks for: mine, unassigned, open, closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.incidents.words import STATE_NAME, due_words, owner_words, subject_of
from dashboard.ui import words
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.terms import term
from dashboard.ui.time_markup import QUOTED
from storage.alerts.incidents import IncidentFilter, IncidentLine
from storage.model.core.people import Actor
from storage.model.text.states import clean

MOST_INCIDENTS = 100


class Shown(StrEnum):
    """Which incidents the page lists."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    CLOSED = "closed"


_LABEL = {Shown.MINE: "Mine", Shown.UNASSIGNED: "Unassigned", Shown.OPEN: "Open", Shown.CLOSED: "Closed"}
_NOTE = {
    Shown.MINE: "assigned to you, and not over",
    Shown.UNASSIGNED: "assigned to nobody, and not over",
    Shown.OPEN: "not closed, and not all their accounts are back",
    Shown.CLOSED: "closed by somebody, or resolved: readings showed all accounts back",
}
_NOTHING = {
    Shown.MINE: "No open incident is assigned to you. “Unassigned” lists those that wait for somebody.",
    Shown.UNASSIGNED: "No open incident is unassigned.",
    Shown.OPEN: "No incident is open. A rule opens one when it selects a confirmed change.",
    Shown.CLOSED: "No incident is closed or resolved.",
}
_NO_LOGIN = "This installation has no login, so no incident can be yours."


@dataclass(frozen=True, slots=True)
class IncidentList:
    """The incidents that the page lists."""

    shown: Shown
    lines: Sequence[IncidentLine]
    """One more than the page shows if there are more."""


def filter_of(shown: Shown, actor: Actor) -> IncidentFilter | None:
    """What to read for a list; None if nothing can be in it."""
    match shown:
        case Shown.MINE if actor.person_id is None:
            return None
        case Shown.MINE:
            return IncidentFilter(owner_id=actor.person_id, is_over=False)
        case Shown.UNASSIGNED:
            return IncidentFilter(unassigned=True, is_over=False)
        case Shown.OPEN:
            return IncidentFilter(is_over=False)
        case Shown.CLOSED:
            return IncidentFilter(is_over=True)


def incidents_page(found: IncidentList, actor: Actor, now: datetime, tag: list[Component]) -> Component:
    """Return the page with one list."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Incidents"),
                    *tag,
                    html.Span("State, assignee and due time of each", className="muted"),
                    html.A("Alerts", href="/alerts", className="under"),
                ],
                className="bar",
            ),
            html.Div([_list(found, actor, now)], className="stack alerts incidents"),
        ]
    )


def _list(found: IncidentList, actor: Actor, now: datetime) -> Component:
    title, note = f"{_LABEL[found.shown]} incidents", _NOTE[found.shown]
    if found.shown is Shown.MINE:
        title = "My incidents"
    if not found.lines:
        is_nobody = found.shown is Shown.MINE and actor.person_id is None
        sentence = _NO_LOGIN if is_nobody else _NOTHING[found.shown]
        return empty_card(title, note, sentence, above=_filters(found.shown))
    more: list[Component] = []
    if len(found.lines) > MOST_INCIDENTS:
        more = [
            html.P(f"Only the newest {MOST_INCIDENTS} are shown; the API lists all.", className="not-said")
        ]
    return table_card(
        title,
        note,
        (term("incident"), "State", "Assigned to", "Due", "Last note", "Last sent"),
        [_row(line, now) for line in found.lines[:MOST_INCIDENTS]],
        *more,
        above=_filters(found.shown),
    )


def _filters(shown: Shown) -> Component:
    links: list[Component] = []
    for one, label in _LABEL.items():
        current: dict[str, Any] = {"aria-current": "page"} if one is shown else {}
        links.append(html.A(label, href=f"/incidents?show={one.value}", **current))
    named: dict[str, Any] = {"aria-label": "Which incidents"}
    return html.Nav(links, className="filters", **named)


def _row(line: IncidentLine, now: datetime) -> tuple[Cell, ...]:
    work = line.work
    of = f" · {clean(line.list_name, 80)}" if line.list_name is not None else ""
    since = [] if work.owned_since is None else [html.Small(f"since {words.stamp(work.owned_since)}")]
    note: Cell = "–"
    if work.note is not None:
        said = f"{clean(work.note.by, 100)}, {words.stamp(work.note.at)}"
        note = html.Div([f"“{clean(work.note.text, 300)}”", html.Small(said)])
    return (
        html.Div(
            [
                html.A(subject_of(line), href=f"/incidents/{work.story_key}", className=QUOTED),
                html.Small(f"rule {clean(line.rule, 80)}{of}"),
            ],
            className="subject",
        ),
        STATE_NAME[work.state],
        html.Div([owner_words(work), *since]),
        due_words(work, now),
        note,
        words.stamp(line.last_told_at),
    )
