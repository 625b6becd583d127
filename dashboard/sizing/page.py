"""Sizing: an estimate of what watching accounts and posts takes. The form starts with those watched now."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.ui.cards import table_card
from storage.health.sizing_report import WatchSize
from storage.model.alerts.rule_codec import duration_text
from storage.model.core.accounts import Platform
from storage.model.platforms.declaration import PlatformDeclaration
from storage.model.platforms.registry import DECLARED, USUAL_PLATFORM
from storage.model.sizing.question import PlannerKind, Room, SizingQuestion, SizingRefused
from storage.model.sizing.sizing import size
from storage.model.sizing.words import BASIS_WORDS, BESIDE, Table, headline, tables, verdict
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import parse_duration

PATH = "/plan"
LISTS = 6
"""The most lists of the accounts watched now that are filled in, the largest first."""


def _named(holds: Callable[[PlatformDeclaration], bool]) -> str:
    return ", ".join(declared.name for declared in DECLARED.values() if holds(declared))


_FIELDS = {
    "accounts": "Accounts",
    "posts": "Posts",
    "every": "Sweep length",
    "budget": "Or readings per hour",
    "money": f"Or US dollars per day ({_named(lambda declared: declared.terms.price is not None)})",
    "lists": "Known list sizes",
    "servers": f"Servers ({_named(lambda declared: declared.is_federated)})",
}
_PLANNERS = {PlannerKind.SWEEP: "sweep", PlannerKind.ADAPTIVE: "adaptive"}
_PLACE = {"list": "lists"}
"""Names of form fields that differ from those of the question."""


def plan_page(
    query: Mapping[str, str], watched: Sequence[WatchSize], sweep_every: timedelta, tag: list[Component]
) -> Component:
    """`query` has the fields of the form; missing fields are filled from the accounts watched now."""
    fields = filled(query, watched, sweep_every)
    return html.Div(
        [
            html.Div(
                [
                    html.A("Health", href="/health", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Sizing"),
                    *tag,
                    html.Span("Estimate of requests, delays, cost and hardware", className="muted"),
                ],
                className="bar",
            ),
            html.Div(
                [
                    html.Div([*_present(watched, sweep_every), _form(fields)], className="card"),
                    *_answer(fields, watched),
                ],
                className="stack alerts sizing",
            ),
        ]
    )


def filled(query: Mapping[str, str], watched: Sequence[WatchSize], sweep_every: timedelta) -> dict[str, str]:
    """The fields of the form: from `query`, else from the accounts watched now where these fit `query`."""
    asked = {name: query[name].strip() for name in ("platform", "planner", *_FIELDS) if name in query}
    now = next((w for w in watched if w.platform.value == asked.get("platform", w.platform.value)), None)
    fields = dict.fromkeys(("platform", "planner", *_FIELDS), "")
    if now is not None:
        fields |= _fields_of(now, sweep_every)
    if asked.keys() & {"budget", "money"}:
        fields["every"] = ""
    if "accounts" in asked:  # another number of accounts is another watch, with other lists and servers
        fields |= {"posts": "", "lists": "", "servers": ""}
    return fields | asked


def _fields_of(now: WatchSize, sweep_every: timedelta) -> dict[str, str]:
    """The fields for the accounts watched now."""
    return {
        "platform": now.platform.value,
        "accounts": str(now.accounts),
        "posts": str(now.posts) if now.posts else "",
        "every": duration_text(sweep_every),
        "lists": " ".join(map(str, now.lists)),
        "servers": str(now.servers) if DECLARED[now.platform].is_federated else "",
    }


def asked_by(fields: Mapping[str, str]) -> SizingQuestion:
    """Parse the fields of the form. Raises SizingRefused with the wrong field and a sentence."""
    try:
        platform = Platform(fields["platform"] or USUAL_PLATFORM)
        planner = PlannerKind(fields["planner"] or PlannerKind.SWEEP)
    except ValueError as error:
        raise SizingRefused("platform", "Choose one of the offered platforms and planners.") from error
    try:
        every = parse_duration(fields["every"]) if fields["every"] else None
    except ValueError as error:
        raise SizingRefused("every", str(error)) from error
    return SizingQuestion(
        platform=platform,
        accounts=_whole("accounts", fields["accounts"]),
        posts=_whole("posts", fields["posts"] or "0"),
        every=every,
        budget=_number("budget", fields["budget"]),
        money=_number("money", fields["money"]),
        planner=planner,
        lists=tuple(_whole("list", n) for n in fields["lists"].split()),
        servers=_whole("servers", fields["servers"] or "1"),
    )


def _whole(field: str, text: str) -> int:
    digits = text.replace(",", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise SizingRefused(
            field, f"{text[:40]!r} is not a whole number." if text else "Enter a whole number."
        )
    return int(digits)


def _number(field: str, text: str) -> float | None:
    try:
        return float(text.replace(",", "")) if text else None
    except ValueError as error:
        raise SizingRefused(field, f"{text[:40]!r} is not a number.") from error


def _present(watched: Sequence[WatchSize], sweep_every: timedelta) -> list[Component]:
    """Links that fill in what is watched now."""
    if not watched:
        return [html.P("No accounts are watched yet. Enter a number to estimate.", className="muted")]
    links = [
        html.A(
            f"{PLATFORM_NAME[w.platform]}, {TargetCount(w.accounts, w.posts).words()} now",
            href=f"{PATH}?{urlencode(_fields_of(w, sweep_every))}",
        )
        for w in watched
    ]
    named: dict[str, Any] = {"aria-label": "Watched now"}
    return [html.Nav(links, className="filters", **named)]


def _form(fields: Mapping[str, str]) -> Component:
    """A form that works without a script: it opens another address."""
    platforms = [(p.value, PLATFORM_NAME[p]) for p in Platform]
    planners = [(p.value, words) for p, words in _PLANNERS.items()]
    return html.Form(
        [
            _select("platform", "Platform", platforms, fields["platform"]),
            *(_input(name, label, fields[name]) for name, label in _FIELDS.items()),
            _select("planner", "Planner", planners, fields["planner"]),
            html.Button("Estimate", type="submit", className="button"),
        ],
        action=PATH,
        method="get",
        className="form choose",
        key=str(fields),  # another question is another form, so that it shows what is asked
    )


def _input(name: str, label: str, value: str) -> Component:
    example = {"every": "15m, 6h, 1d", "lists": "257 1178"}.get(name, "")
    return html.Label(
        [html.Span(label), dcc.Input(name=name, value=value, placeholder=example, autoComplete="off")]
    )


def _select(name: str, label: str, options: Sequence[tuple[str, str]], value: str) -> Component:
    offered = [html.Option(words, value=v, selected=v == value) for v, words in options]
    return html.Label([html.Span(label), html.Select(offered, name=name, className="select")])


def _answer(fields: Mapping[str, str], watched: Sequence[WatchSize]) -> list[Component]:
    if not fields["accounts"] and not watched:
        return []
    try:
        found = size(asked_by(fields))
    except SizingRefused as error:
        label = _FIELDS.get(_PLACE.get(error.field, error.field), "Platform")
        return [
            html.Div(html.P([html.B(f"{label}: "), str(error)], className="refused"), className="card notice")
        ]
    results = tables(found)
    look = "card answer" if found.room is Room.INSIDE else "card answer notice"
    return [
        html.Div([html.P(html.B(headline(found))), html.P(verdict(found)), html.P(BESIDE)], className=look),
        *map(_card, results),
        _bases(results),
    ]


def _card(found: Table) -> Component:
    return table_card(
        found.title,
        "",
        ("Figure", "Value", "Basis", "Note"),
        [(row.name, html.B(row.value), row.basis.value, row.note) for row in found.rows],
    )


def _bases(results: Sequence[Table]) -> Component:
    used = {row.basis for one in results for row in one.rows}
    return table_card(
        "Bases of the figures",
        "the command “blockline plan” prints the same figures",
        ("Basis", "Meaning"),
        [(html.B(basis.value), meaning) for basis, meaning in BASIS_WORDS.items() if basis in used],
    )
