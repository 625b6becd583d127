"""Going back: how everything stood at a moment, by what is known now or was known then; by address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.ui import words
from dashboard.ui.cards import table_card
from dashboard.ui.form_input import moment_in
from storage.health.status_at import PastStatus
from storage.model.core.availability import ChangeKind, Status
from storage.model.text.countries import country_name
from storage.model.text.states import clean

PATH = "/replay"
STEPS = {
    "a day back": -timedelta(days=1),
    "an hour back": -timedelta(hours=1),
    "an hour on": timedelta(hours=1),
    "a day on": timedelta(days=1),
}
WRITE_A_TIME = "Write a time in UTC such as 2021-02-11T08:00, or a day such as 2021-02-11."


@dataclass(frozen=True, slots=True)
class ReplayMoment:
    """What an address asks for."""

    at: datetime
    known_at: datetime | None
    """None: by what is known now."""

    @property
    def address(self) -> str:
        fields = {"at": _field(self.at)}
        if self.known_at is not None:
            fields["as_known_at"] = _field(self.known_at)
        return f"{PATH}?{urlencode(fields)}"


def moment_of(query: Mapping[str, str], now: datetime) -> ReplayMoment | str:
    """The moment asked for, `now` where none is; or the sentence why it cannot be had."""
    times: dict[str, datetime | None] = {}
    for name in ("at", "as_known_at"):
        text = query.get(name, "").strip()
        times[name] = at = moment_in(text) if text else None
        if text and at is None:
            return WRITE_A_TIME
        if at is not None and at > now:
            return "That time has not come yet."
    return ReplayMoment(times["at"] or now, times["as_known_at"])


def replay_page(query: Mapping[str, str], told: PastStatus | str) -> Component:
    """What stands below the film: its moment in tables. `told` is what was so, or the sentence why it cannot
    be told. Form and links are for who has no film.
    """
    body = [html.P(told, className="refused")] if isinstance(told, str) else _told(told)
    chosen = html.Div([_form(query), *_steps(told)], className="card when-no-film")
    return html.Div(
        [html.H2("The moment in tables", className="f-tables"), chosen, *body], className="stack replay"
    )


def _form(query: Mapping[str, str]) -> Component:
    """It asks for another address, without any script."""
    fields = (("at", "As it was at (UTC)", "now"), ("as_known_at", "As known at (UTC)", "now"))
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


def _steps(told: PastStatus | str) -> list[Component]:
    if isinstance(told, str):
        return []
    links = [
        html.A(label, href=ReplayMoment(told.at + step, told.known_at).address)
        for label, step in STEPS.items()
    ]
    as_known = told.known_at is not None
    other = ReplayMoment(told.at, None if as_known else told.at)
    switch = "by what is known now" if as_known else "as it was known then"
    named: dict[str, Any] = {"aria-label": "Other moments"}
    return [html.Nav([*links, html.A(switch, href=other.address)], className="filters turns", **named)]


def _told(stand: PastStatus) -> list[Component]:
    return [html.P(_sentence(stand), className="muted"), _facts(stand), _countries(stand), _lists(stand)]


def _sentence(stand: PastStatus) -> str:
    known = "what is known now" if stand.known_at is None else f"what was on record {_when(stand.known_at)}"
    return (
        f"How it stood {_when(stand.at)}, by {known}. Counted are the accounts that were watched at that "
        f"moment. {words.PURGED_SINCE}"
    )


def _facts(stand: PastStatus) -> Component:
    blocked = stand.standing(Status.WITHHELD, Status.SUSPENDED)
    before = stand.last_known(Status.WITHHELD, Status.SUSPENDED)
    late = f"not read in {words.span(stand.late_after)} before, of {stand.watched:,} watched"
    facts = [
        (
            "Blocked then",
            "not known" if blocked is None else f"{blocked:,}",
            f"and {before:,} when last read, which was earlier" if before else "of those read lately",
        ),
        ("New blocks, 24 h", *_changes(stand, ChangeKind.BLOCK)),
        ("Restored, 24 h", *_changes(stand, ChangeKind.RESTORATION)),
        ("Provisional", f"{stand.provisional:,}", "a further reading was wanted"),
        ("Not checked", f"{stand.late:,}", late),
    ]
    return html.Dl(
        [html.Div([html.Dt(name), html.Dd(value), html.Dd(more)]) for name, value, more in facts],
        className="card facts",
    )


def _changes(stand: PastStatus, kind: ChangeKind) -> tuple[str, str]:
    """Nothing that was seen is zero only where somebody looked."""
    if not stand.requests.answered:
        return "–", "nothing was read in 24 h"
    return f"{stand.changes.get(kind, 0):,}", "confirmed, first seen in the 24 h before"


def _countries(stand: PastStatus) -> Component:
    return table_card(
        "Withheld by country",
        "accounts; an account may be withheld in several",
        ("Country", "Withheld when last read", "Of them not read lately"),
        [(country_name(c.country), f"{c.accounts:,}", f"{c.late:,}") for c in stand.countries],
    )


def _lists(stand: PastStatus) -> Component:
    return table_card(
        "By list",
        "watched accounts, as they stood when last read",
        ("List", "Accounts", "Withheld", "Suspended", "Of both not read lately", "Nothing confirmed"),
        [
            (
                clean(one.name, 120),
                f"{one.accounts:,}",
                f"{one.withheld:,}",
                f"{one.suspended:,}",
                f"{one.blocked_late:,}",
                f"{one.unconfirmed:,}",
            )
            for one in stand.lists
        ],
    )


def _when(at: datetime) -> str:
    return f"on {words.exact(at)}"


def _field(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
