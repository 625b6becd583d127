"""One person: acts above blocks on one axis, the same as a table, and each order held against chance."""

import json
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.executives.chart_frame import drawn_silence
from dashboard.executives.person_engagement import RANGES, ROWS, AssociationTest, PersonView
from dashboard.executives.words import (
    ASSOCIATION,
    DOUBTS,
    PLURAL,
    bars,
    before,
    by_chance,
    doubts,
    first_seen,
    method,
    observability,
    source,
    target,
    verdict,
    when,
)
from dashboard.ui import words
from dashboard.ui.time_markup import Piece, pieces
from dashboard.wire.compact_json import Json
from storage.executives.executives_report import ExecutiveSignal
from storage.model.core.signals import SignalKind
from storage.model.text.states import PLATFORM_NAME, capital, clean

RANGE_NAME = {"30d": "30 days", "1y": "1 year", "all": "All"}


def executive_page(
    view: PersonView, account_id: int, graph: Component, now: datetime, tag: list[Component]
) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.A("Executives", href="/executives", className="under"),
                    html.Span("/", className="faint"),
                    html.Span(clean(view.person.name)),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(
                [
                    _head(view, now),
                    _associations(view),
                    _figure(view, account_id, graph),
                    _acts(view),
                ],
                className="stack executive",
            ),
        ]
    )


def _head(view: PersonView, now: datetime) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        [
                            html.H1(clean(view.person.name)),
                            html.Div(
                                " · ".join(dict.fromkeys(clean(a.title, 80) for a in view.person.accounts)),
                                className="muted",
                            ),
                        ]
                    ),
                ],
                className="account-head",
            ),
            html.Dl([_account(view, n, now) for n in range(len(view.person.accounts))], className="facts"),
        ],
        className="card",
    )


def _account(view: PersonView, n: int, now: datetime) -> Component:
    account = view.person.accounts[n]
    polled = account.last_polled_at
    asked = "never read by Blockline" if polled is None else f"last read {words.ago(polled, now)}"
    return html.Div(
        [
            html.Dt(f"{PLATFORM_NAME[account.platform]}, {asked}"),
            html.Dd(f"@{clean(account.handle, 80)}"),
            html.Dd(f"{account.acts:,} engagements stored"),
            *[html.Dd(f"{o.what}: {o.state}", title=o.reason) for o in observability(account)],
            *[html.Dd(f"earlier: {said}") for said in before(account)],
        ]
    )


def _figure(view: PersonView, account_id: int, graph: Component) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Engagement and blocks"),
                    html.Span("in UTC; the table below lists the newest engagements", className="faint"),
                    html.Span(className="grow"),
                    html.Nav(
                        [
                            html.A(
                                RANGE_NAME[name],
                                href=f"/executives/{account_id}/{name}",
                                **({"aria-current": "page"} if name == view.range_name else {}),  # pyright: ignore[reportArgumentType]  # a wildcard attribute
                            )
                            for name in RANGES
                        ],
                        className="ranges",
                    ),
                ],
                className="card-head",
            ),
            html.P(_summary(view), className="under-head"),
            html.Div(html.Div(graph, className="figure wide"), className="table-scroll"),
            html.P(_not_said(view), className="not-said"),
        ],
        className="card",
    )


def _summary(view: PersonView) -> str:
    since, until = view.axis
    kinds: dict[str, int] = {}
    for count in view.counts:
        kinds[count.kind] = kinds.get(count.kind, 0) + count.n
    many = [f"{kinds[k]:,} {k.value if kinds[k] == 1 else PLURAL[k]}" for k in SignalKind if k.value in kinds]
    acts = ", ".join(many) or "no engagement observed"
    whose = "the accounts that orders name" if view.blocks_of_orders else "all watched accounts"
    blocks = {kind: sum(c.n for c in view.blocks if c.kind == kind) for kind in ("block", "restoration")}
    return (
        f"{words.day(since)} to {words.day(until)}: {acts}. The lower part of the chart "
        f"shows {blocks['block']:,} confirmed blocks and {blocks['restoration']:,} restorations among "
        f"{whose}; press a bar for its accounts."
    )


def _not_said(view: PersonView) -> str:
    out = [f"{ASSOCIATION} A kind of engagement without a row was not seen; it may still have happened."]
    out.append("Vertical lines are orders, notices and claims; dotted lines have a disputed or claimed date.")
    if drawn_silence(view):
        out.append(
            "Grey marks times in which Blockline read nothing and no imported record covers the time. A "
            "pause of more than a week in a record counts as not covered."
        )
    if view.likes:
        out.append(
            "The like counter is the number on the profile. Where the counter fell, nothing is drawn, "
            "because a fall is not taken as an unlike."
        )
    counted = [f"{n:,} × {DOUBTS[doubt]}" for doubt, n in view.doubts.items() if doubt != "target_by_handle"]
    if counted:
        out.append(f"Doubts: {'; '.join(counted)}.")
    return " ".join(out)


def _associations(view: PersonView) -> Component:
    """What each order's test found, the one with the most engagements first; how it is counted is folded."""
    head = html.Div(
        [
            html.H2("Engagement with accounts named by an order"),
            html.Span(
                "within a day of events of the order, compared with the same person's usual rate",
                className="faint",
            ),
        ],
        className="card-head",
    )
    if not view.orders:
        body = [html.P("No order is stored, so there is nothing to compare with.", className="nothing")]
        return html.Div([head, *body], className="card")
    if not view.tested:
        nothing = (
            "No test is possible, because no engagement with an account named by an order was seen. There "
            "may still have been some."
        )
        return html.Div([head, html.P(nothing, className="nothing")], className="card")
    name = view.person.name
    found: list[Component] = [
        html.Div([html.P(verdict(one, name)), *_bars(one)], className="tested") for one in view.tested
    ]
    rest = f"Orders not shown here: {view.untested:,}." if view.untested else ""
    notes = [ASSOCIATION, by_chance(view.tested), rest]
    how = html.Details(
        [
            html.Summary("How this is counted"),
            *[html.Div([html.P(s) for s in method(one, name)], className="tested") for one in view.tested],
            html.P("The file docs/how-to/executives.md explains the test.", className="not-said"),
        ],
        className="method",
    )
    return html.Div(
        [head, *found, html.P(" ".join(n for n in notes if n), className="not-said"), how], className="card"
    )


def _bars(tested: AssociationTest) -> list[Component]:
    """The expected number above the one that was seen; their words are the sentence above them."""
    found = bars(tested)
    if found is None:
        return []
    rows = (("Expected", found.expected, found.expected_words), ("Seen", found.seen, f"{found.seen:,}"))
    return [
        html.Dl(
            [
                html.Div(
                    [
                        html.Dt(label),
                        html.Dd(
                            html.I(
                                className=f"against-{label.lower()}",
                                style={"width": f"{100 * min(1, value / max(1, found.whole)):.2f}%"},
                            ),
                            **{"aria-hidden": "true"},  # pyright: ignore[reportArgumentType]  # a wildcard
                        ),
                        html.Dd(f"{shown} of {found.whole:,}"),
                    ]
                )
                for label, value, shown in rows
            ],
            className="against",
        )
    ]


COLUMNS = ("Time", "Engagement", "With", "Named by", "First seen", "Doubts")
Cell = dict[str, str | list[Piece]]


def _acts(view: PersonView) -> Component:
    shown = len(view.acts)
    more = f"the newest {ROWS} of this period" if shown == ROWS else f"all {shown:,} of this period"
    head = html.Div(
        [html.H2("Engagements"), html.Span(f"newest first; {more}", className="faint")], className="card-head"
    )
    if not view.acts:
        nothing = "No observable engagement is stored for this period."
        return html.Div([head, html.P(nothing, className="nothing")], className="card")
    table = json.dumps(acts_table(view), separators=(",", ":"), ensure_ascii=False)
    # Filled by assets/shell/tables.mjs: as components of Dash, so many cells would take seconds to paint.
    place = html.Div(
        className="table-scroll narrow",
        **{"data-table": table},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
    )
    return html.Div([head, place], className="card")


def acts_table(view: PersonView) -> Json:
    """The acts as `assets/shell/tables.mjs` takes a table; those that count for nothing are marked."""
    return {
        "columns": list(COLUMNS),
        "rows": [
            {"cells": _cells(act, view)} | ({} if act.counts else {"class": "no-act"}) for act in view.acts
        ],
    }


def _cells(act: ExecutiveSignal, view: PersonView) -> list[Cell]:
    several = len({a.platform for a in view.person.accounts}) > 1
    where = next(PLATFORM_NAME[a.platform] for a in view.person.accounts if a.account_id == act.account_id)
    return [
        {"text": pieces(when(act))},
        {"text": capital(act.kind.value) + (f" on {where}" if several else "")},
        _toward(act),
        _named(act),
        {"text": pieces(first_seen(act)), "small": source(act.source)},
        {"text": "; ".join(doubts(act)) or "–"},
    ]


def _toward(act: ExecutiveSignal) -> Cell:
    if act.target is None:
        return {"text": target(act)}
    return {"text": f"@{clean(act.target.handle, 80)}", "href": f"/account/{act.target.account_id}"}


def _named(act: ExecutiveSignal) -> Cell:
    orders = act.target.orders if act.target is not None else ()
    lists = act.target.lists if act.target is not None else ()
    small = [f"on {', '.join(clean(name) for name in lists)}"] if lists else []
    small += [f"keywords: {', '.join(clean(w) for w in act.words)}"] if act.words else []
    return {"text": ", ".join(clean(o) for o in orders) or "–", "small": "; ".join(small)}
