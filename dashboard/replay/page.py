"""The Replay page: the status of everything at a moment, as known now or as known then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.ui import words
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.figures import figure_link
from dashboard.ui.form_input import moment_in
from storage.health.status_at import PastStatus
from storage.model.core.availability import ChangeKind, Status
from storage.model.text.countries import country_name
from storage.model.text.states import clean

PATH = "/replay"
STEPS = {
    "1 day back": -timedelta(days=1),
    "1 hour back": -timedelta(hours=1),
    "1 hour forward": timedelta(hours=1),
    "1 day forward": timedelta(days=1),
}
WRITE_A_TIME = "Enter a time in UTC as 2021-02-11T08:00, or a day as 2021-02-11."


@dataclass(frozen=True, slots=True)
class ReplayMoment:
    """What an address asks for."""

    at: datetime
    known_at: datetime | None
    """None means by what is known now."""

    @property
    def address(self) -> str:
        fields = {"at": _field(self.at)}
        if self.known_at is not None:
            fields["as_known_at"] = _field(self.known_at)
        return f"{PATH}?{urlencode(fields)}"


def moment_of(query: Mapping[str, str], now: datetime) -> ReplayMoment | str:
    """The moment asked for, `now` if none is; or a sentence that says why it cannot be shown."""
    times: dict[str, datetime | None] = {}
    for name in ("at", "as_known_at"):
        text = query.get(name, "").strip()
        times[name] = at = moment_in(text) if text else None
        if text and at is None:
            return WRITE_A_TIME
        if at is not None and at > now:
            return "This time is in the future."
    return ReplayMoment(times["at"] or now, times["as_known_at"])


def replay_page(query: Mapping[str, str], shown: PastStatus | str, now: datetime) -> Component:
    """The tables below the film, for its moment, as known `now` unless `shown` is of another. `shown` is what
    they show, or a sentence that says why they cannot be shown. The form and the links serve readers without
    a film.
    """
    body = [html.P(shown, className="refused")] if isinstance(shown, str) else _tables(shown, now)
    chosen = html.Div([_form(query), *_steps(shown)], className="card when-no-film")
    return html.Div(
        [html.H2("Figures of this moment", className="f-tables"), chosen, *body], className="stack replay"
    )


def _form(query: Mapping[str, str]) -> Component:
    """The form that asks for another moment, without a script."""
    fields = (("at", "At (UTC)", "now"), ("as_known_at", "As known at (UTC)", "now"))
    return html.Form(
        [
            *(
                html.Label(
                    [
                        html.Span(label),
                        dcc.Input(
                            name=name, value=query.get(name, ""), placeholder=empty, autoComplete="off"
                        ),
                    ]
                )
                for name, label, empty in fields
            ),
            html.Button("Show", type="submit", className="button"),
        ],
        action=PATH,
        method="get",
        className="form choose",
        key=str(dict(query)),
    )


def _steps(shown: PastStatus | str) -> list[Component]:
    if isinstance(shown, str):
        return []
    links = [
        html.A(label, href=ReplayMoment(shown.at + step, shown.known_at).address)
        for label, step in STEPS.items()
    ]
    as_known = shown.known_at is not None
    other = ReplayMoment(shown.at, None if as_known else shown.at)
    switch = "As known now" if as_known else "As known then"
    named: dict[str, Any] = {"aria-label": "Other moments"}
    return [html.Nav([*links, html.A(switch, href=other.address)], className="filters turns", **named)]


class _Links:
    """Numbers of one moment that lead to their accounts."""

    def __init__(self, stand: PastStatus, now: datetime) -> None:
        self.at, self.known = stand.at, stand.known_at or now

    def __call__(self, n: int, what: str, of: str = "all") -> Cell:
        """A number of accounts. `of` is "all" or the number of a list."""
        if self.known < self.at:  # nothing was known of that moment yet
            return f"{n:,}"
        moment = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return figure_link(f"{n:,}", f"moment/{of}/{what}/{moment}", self.known)


def _tables(stand: PastStatus, now: datetime) -> list[Component]:
    to = _Links(stand, now)
    sentence = html.P(_sentence(stand), className="muted")
    if not stand.watched:
        return [sentence, _nothing_watched(), *([_countries(stand, to)] if stand.countries else [])]
    return [sentence, _facts(stand, to), _countries(stand, to), _lists(stand, to)]


def _nothing_watched() -> Component:
    """In place of figures that would be zero because nothing was looked at."""
    return html.Div(
        [
            html.H2("No account was watched at this moment"),
            html.P(
                [
                    "So nothing is known about it. Accounts are added under ",
                    html.A("Add accounts", href="/accounts/add", className="under"),
                    ", and the replay begins with their first reading.",
                ]
            ),
        ],
        className="card empty",
    )


def _sentence(stand: PastStatus) -> str:
    known = "as known now" if stand.known_at is None else f"as known at {words.exact(stand.known_at)}"
    return (
        f"Status {_when(stand.at)}, {known}. Only accounts watched at that moment are counted. "
        f"{words.PURGED_SINCE}"
    )


def _facts(stand: PastStatus, to: _Links) -> Component:
    blocked = stand.standing(Status.WITHHELD, Status.SUSPENDED)
    before = stand.last_known(Status.WITHHELD, Status.SUSPENDED)
    late = f"of {stand.watched:,} watched; not read in the last {words.span(stand.late_after)}"
    facts = [
        (
            "Blocked then",
            "not known" if blocked is None else to(blocked, "fresh/WS"),
            f"and {before:,} more according to an older reading" if before else "of accounts read recently",
        ),
        ("New blocks, 24 h", *_changes(stand, ChangeKind.BLOCK, to)),
        ("Restored, 24 h", *_changes(stand, ChangeKind.RESTORATION, to)),
        ("Provisional", to(stand.provisional, "provisional"), "awaiting further readings"),
        ("Not checked", to(stand.late, "late"), late),
    ]
    return html.Dl(
        [html.Div([html.Dt(name), html.Dd(value), html.Dd(more)]) for name, value, more in facts],
        className="card facts",
    )


def _changes(stand: PastStatus, kind: ChangeKind, to: _Links) -> tuple[Cell, str]:
    """Zero is shown only if something was read; else a dash."""
    if not stand.requests.answered:
        return "–", "no reading in 24 h"
    return to(stand.changes.get(kind, 0), f"recent/{kind.value}"), "confirmed, first seen within 24 h"


def _countries(stand: PastStatus, to: _Links) -> Component:
    title, note = "Withheld by country", "accounts; one account can be withheld in several countries"
    if not stand.countries:
        return empty_card(title, note, "No account was known to be withheld in a country at this moment.")
    return table_card(
        title,
        note,
        ("Country", "Withheld", "Withheld, not re-read"),
        [
            (country_name(c.country), to(c.accounts, f"in/{c.country}"), to(c.late, f"in-late/{c.country}"))
            for c in stand.countries
        ],
    )


def _lists(stand: PastStatus, to: _Links) -> Component:
    title = "By list"
    note = "watched accounts, by last reading; “not re-read” means no recent reading"
    if not stand.lists:
        return empty_card(title, note, "No list had watched accounts at this moment.")
    return table_card(
        title,
        note,
        ("List", "Accounts", "Withheld", "Suspended", "Blocked, not re-read", "Nothing confirmed"),
        [
            (
                clean(one.name, 120),
                to(one.accounts, "watched", str(one.list_id)),
                to(one.withheld, "confirmed/W", str(one.list_id)),
                to(one.suspended, "confirmed/S", str(one.list_id)),
                to(one.blocked_late, "stale/WS", str(one.list_id)),
                to(one.unconfirmed, "unconfirmed", str(one.list_id)),
            )
            for one in stand.lists
        ],
    )


def _when(at: datetime) -> str:
    return f"on {words.exact(at)}"


def _field(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
