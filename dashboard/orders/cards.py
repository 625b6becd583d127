"""The cards of an order's page: blocks, kinds of action, claims, outside checks, names, papers, history."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.orders import rows
from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.orders.figures import cause_figure, claim_figure, kind_figure, part_figure
from dashboard.ui import words
from dashboard.ui.cards import MOST_ROWS, Cell, card, empty_card, not_shown, table_card, td
from dashboard.ui.figures import figure_link
from storage.model.core.orders import NameOutcome, OrderDocument, OrderEvent, OrderName
from storage.model.orders.claims import CheckedClaim
from storage.model.orders.cohort import CohortShare, Kind
from storage.model.orders.outside_findings import Probe
from storage.model.text.states import capital, clean
from storage.orders.edit_history import OrderAct

_SWATCH = {
    Kind.WITHHELD: "sw-withheld",
    Kind.SUSPENDED: "sw-suspended",
    Kind.SUSPENDED_OR_DELETED: "sw-not_found",
    Kind.DEACTIVATED: "sw-deactivated",
    Kind.NOT_FOUND: "sw-not_found",
    Kind.WITHHELD_ELSEWHERE: "sw-elsewhere",
    Kind.PROTECTED: "sw-protected",
    Kind.AVAILABLE: "sw-available",
    Kind.NEVER_READ: "sw-unread",
}


def funnel_card(found: OrderFigures) -> Component:
    """The counts from names to blocks, of its accounts or of its posts."""
    whole = max(found.funnel.named, found.funnel.resolved, 1)
    return card(
        f"From named {found.noun}s to blocks",
        f"each {found.noun} counted once",
        html.Table(
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Th(row.name, scope="row"),
                            html.Td(
                                html.I(
                                    className=f"fill-{row.look}",
                                    style={"width": f"{100 * (row.count or 0) / whole:.2f}%"},
                                ),
                                className="funnel-bar",
                                **{"aria-hidden": "true"},  # pyright: ignore[reportArgumentType]
                            ),
                            html.Td(html.B(_funnel_number(row, found)), className="n"),
                            html.Td(row.note, className="muted"),
                        ],
                        className=f"funnel-{row.look}",
                    )
                    for row in rows.funnel_rows(found)
                ]
            ),
            className="funnel",
        ),
        html.P(rows.funnel_note(found), className="not-said"),
    )


def _funnel_number(row: rows.FunnelRow, found: OrderFigures) -> str | Component:
    if row.count is None or row.part is None:
        return words.count_or_dash(row.count)
    return figure_link(f"{row.count:,}", part_figure(found, row.part), found.at)


def kinds_card(found: OrderFigures) -> Component:
    return card(
        f"Kinds of action on {found.noun}s",
        f"of {order_words.counted_words(found)} on the order's list, by last confirmed status",
        html.Table(html.Tbody([_kind_row(s, found) for s in found.shares]), className="kinds"),
    )


def cause_breakdown_card(found: OrderFigures) -> list[Component]:
    """The accounts or posts that were seen blocked since the order, by their surest stated cause, and how
    many of each were restored. Empty if none was seen blocked.
    """
    found_rows = rows.cause_rows(found)
    if not found_rows:
        return []
    body: list[tuple[Cell, ...]] = [
        (
            row.name,
            row.confidence,
            figure_link(f"{row.blocked:,}", cause_figure(found, row.share), found.at),
            figure_link(f"{row.restored:,}", cause_figure(found, row.share, restored=True), found.at),
        )
        for row in found_rows
    ]
    return [
        table_card(
            f"Causes of blocks of {found.noun}s",
            "stated by people and documents, never concluded; each counted by the surest",
            ("Cause", "Confidence", "Seen blocked", "Restored since"),
            body,
        )
    ]


def _kind_row(share: CohortShare, found: OrderFigures) -> Component:
    stale = f"{share.stale:,} not read lately, counted by last known status" if share.stale else ""
    return html.Tr(
        [
            html.Th(
                [html.I(className=_SWATCH[share.kind]), order_words.kind(share.kind, found.order.country)],
                scope="row",
            ),
            html.Td(
                html.B(figure_link(f"{share.accounts:,}", kind_figure(found, share.kind), found.at)),
                className="n",
            ),
            html.Td(words.share(share.accounts, found.watched), className="n"),
            html.Td(
                [order_words.counted(share.kind), *([html.Small(stale)] if stale else [])], className="muted"
            ),
        ]
    )


def claims_card(found: OrderFigures) -> Component:
    if not found.claims:
        body = html.Div(html.P("No claim with a number is recorded for this order.", className="nothing"))
    else:
        body = html.Div(
            html.Table(
                [
                    html.Thead(
                        html.Tr(
                            [
                                html.Th("Claim and source"),
                                html.Th("Claimed", className="n"),
                                html.Th("Observed", className="n"),
                                html.Th("Comparison"),
                            ]
                        )
                    ),
                    html.Tbody([_claim_row(c, found) for c in found.claims]),
                ],
                className="labelled",
            ),
            className="table-scroll narrow",
        )
    return card("Claimed and observed", "at the time of each claim", body)


def _claim_row(found: CheckedClaim, of: OrderFigures) -> Component:
    return html.Tr(
        [
            html.Td(
                [
                    f"“{clean(found.event.text, 200)}”",
                    html.Small(f"{order_words.source(found.event.source)}; {words.stamp(found.event.at)}"),
                ]
            ),
            td(order_words.claim_words(found.claim), "Claimed", "n"),
            td(html.B(_observed(found, of)), "Observed", "n"),
            td(
                [
                    order_words.verdict_words(found),
                    html.Small(order_words.observed_as(found)),
                ],
                "Comparison",
            ),
        ]
    )


def _observed(claim: CheckedClaim, found: OrderFigures) -> list[str | Component]:
    """The lowest and the highest number that fit, or the one, each with its accounts and posts; or that none
    was read then.
    """
    if not claim.read:
        return [order_words.observed_words(claim)]
    low = figure_link(f"{claim.low:,}", claim_figure(found, claim, possible=False), found.at)
    if claim.low == claim.high:
        return [low]
    return [low, " to ", figure_link(f"{claim.high:,}", claim_figure(found, claim, possible=True), found.at)]


def outside_card(found: OrderFigures) -> list[Component]:
    """What others saw of the names; an empty list when no outside check is recorded."""
    outside, said = found.outside, rows.outside_words(found)
    if not outside.probes:
        return []
    return [
        card(
            "What others saw",
            "their own checks, not Blockline's",
            *([html.Div(html.P(said), className="sentences")] if said else []),
            html.Div(
                html.Table(
                    [
                        html.Thead(
                            html.Tr(
                                [html.Th("Target"), html.Th("Place"), html.Th("Time"), html.Th("Answers")]
                            )
                        ),
                        html.Tbody([_probe_row(p) for p in outside.probes]),
                    ],
                    className="labelled",
                ),
                className="table-scroll narrow",
            ),
        )
    ]


def _probe_row(probe: Probe) -> Component:
    return html.Tr(
        [
            html.Td(["posts" if probe.of_post else "accounts", html.Small(order_words.source(probe.source))]),
            td(probe.place or "not stated", "Place"),
            td(rows.probe_when(probe), "Time"),
            td(rows.probe_answers(probe), "Answers"),
        ]
    )


def order_record_card(found: OrderFigures) -> Component:
    """The events around the order, and its stored documents."""
    documents = [documents_table(found.order.order_id, found.documents)] if found.documents else []
    return card(
        "Notices, statements and documents",
        "events and files of this order",
        events_table(rows.own_events(found)),
        *documents,
    )


def events_table(events: Sequence[OrderEvent]) -> Component:
    """The events of an order, by date."""
    return html.Div(
        html.Table(html.Tbody([_event_row(e) for e in events]), className="papers")
        if events
        else html.P("No notice, statement or ruling is recorded.", className="nothing"),
        className="table-scroll narrow",
    )


def documents_table(order_id: int, documents: Sequence[OrderDocument]) -> Component:
    """The documents of an order, each with its address, in the order in which they were attached."""
    if not documents:
        return html.P("No document is attached.", className="nothing")
    body = [
        html.Tr(
            [
                html.Td(
                    html.A(html.B(clean(d.name, 120)), href=f"/api/v1/orders/{order_id}/documents/{d.sha256}")
                ),
                html.Td(f"{d.size:,} bytes"),
                html.Td([html.Span(d.sha256, className="mono"), html.Small("SHA-256")]),
                html.Td(
                    [
                        order_words.source(d.source),
                        html.Small(f"attached {words.stamp(d.added_at)} by {clean(d.added_by, 80)}"),
                    ]
                ),
            ]
        )
        for d in documents
    ]
    return html.Div(html.Table(html.Tbody(body), className="papers"), className="table-scroll narrow")


def _event_row(event: OrderEvent) -> Component:
    return html.Tr(
        [
            html.Th([capital(event.kind.value), html.Small(words.stamp(event.at))], scope="row"),
            html.Td(
                [
                    clean(event.text, 400),
                    *(html.Small(note) for note in rows.event_notes(event)),
                ]
            ),
        ]
    )


MOST_NAMES = 1_000
"""Names of one kind that the page shows. The API has all."""

OUTCOME_WORDS = {
    NameOutcome.RESOLVED: "Found",
    NameOutcome.AMBIGUOUS: "Ambiguous",
    NameOutcome.UNRESOLVABLE: "Not found",
    NameOutcome.NOT_TRIED: "Not looked up",
    NameOutcome.NOT_OBSERVABLE: "Not read",
}
"""What a reader is shown for each outcome."""


def names_card(names: Sequence[OrderName]) -> list[Component]:
    """Return the card; an empty list for an order without stored names."""
    if not names:
        return []
    named = [name for name in names if name.withdrawal is None]
    unresolved = [name for name in named if name.account_id is None]
    resolved = [name for name in named if name.account_id is not None]
    withdrawn = [name for name in names if name.withdrawal is not None]
    counted = [f"{len(resolved):,} found"]
    if unresolved:
        counted.append(f"{len(unresolved):,} not matched ({_outcomes(unresolved)})")
    if withdrawn:
        counted.append(f"{len(withdrawn):,} withdrawn")
    posts = sum(name.post_id is not None for name in names)
    among = f"; posts among them: {posts:,}" if posts else ""
    parts: list[Component] = []
    if unresolved:
        parts.append(
            _names_table("Not matched", [_unresolved_row(name) for name in unresolved], "Outcome", "Reason")
        )
    if withdrawn:
        parts.append(
            _names_table("Withdrawn", [_withdrawn_row(name) for name in withdrawn], "Withdrawn", "Reason")
        )
    if resolved:
        parts.append(
            html.Details(
                [html.Summary(f"Show the {len(resolved):,} that were found"), *_found(resolved[:MOST_NAMES])]
            )
        )
        if len(resolved) > MOST_NAMES:
            parts.append(_more(len(resolved) - MOST_NAMES))
    return [
        html.Div(
            card("Its names", f"{len(names):,} as written in the order: {', '.join(counted)}{among}", *parts),
            id="names",
        )
    ]


def _outcomes(names: Sequence[OrderName]) -> str:
    """How many of these names have which outcome."""
    counted = Counter(name.outcome for name in names)
    return ", ".join(
        f"{counted[outcome]:,} {said.lower()}" for outcome, said in OUTCOME_WORDS.items() if counted[outcome]
    )


def _names_table(title: str, rows: Sequence[Component], *columns: str) -> Component:
    more = len(rows) - MOST_NAMES
    return html.Div(
        [
            *([html.H3(title, className="names-of")] if title else []),
            html.Div(
                html.Table(
                    [
                        html.Thead(html.Tr([html.Th("Name"), *(html.Th(column) for column in columns)])),
                        html.Tbody(list(rows[:MOST_NAMES])),
                    ],
                    className="labelled",
                ),
                className="table-scroll narrow",
            ),
            *([_more(more)] if more > 0 else []),
        ]
    )


def _more(more: int) -> Component:
    return html.P(f"{more:,} more are not shown here; the API lists them.", className="not-said")


def _found(names: Sequence[OrderName]) -> list[Component]:
    """Each name as the link to its account, and below them those about which there is something to say.

    A table of them has six times the components, and the time that a browser needs grows with the square.
    """
    plain = [name for name in names if not name.note]
    noted = [name for name in names if name.note]
    line: list[Component | str] = [part for name in plain for part in (_account(name), ", ")][:-1]
    return [
        *([html.P(line, className="names-found")] if line else []),
        *([html.Ul([html.Li([_account(name), _remark(name)]) for name in noted])] if noted else []),
    ]


def _account(name: OrderName) -> Component:
    return html.A(clean(name.said, 200), href=f"/account/{name.account_id}", className="under")


def _remark(name: OrderName) -> str:
    return f": {clean(name.note, 300)}"


def _said(name: OrderName) -> Component:
    kind = "" if name.post_id is None else "a post"
    said = clean(name.said, 200)
    return html.Th([said, html.Small(kind)] if kind else said, scope="row", className="quoted")


def _unresolved_row(name: OrderName) -> Component:
    reason = clean(name.note, 400) if name.note else ""
    return html.Tr([_said(name), td(OUTCOME_WORDS[name.outcome], "Outcome"), td(reason, "Reason")])


def _withdrawn_row(name: OrderName) -> Component:
    assert name.withdrawal is not None  # noqa: S101 - the caller looked
    at, by = words.stamp(name.withdrawal.at), clean(name.withdrawal.by, 80)
    reason = html.Span(clean(name.withdrawal.reason, 400), className="quoted")
    return html.Tr([_said(name), td([at, html.Small(f"by {by}")], "Withdrawn"), td(reason, "Reason")])


_TIMES = {"issued_at", "issued_from", "issued_to", "deadline_at"}
_FIELDS = {**order_words.ORDER_LABELS, "issued_from": "Disputed from", "issued_to": "Disputed until"}
_NAMES_SHOWN = 5


def history_card(acts: Sequence[OrderAct]) -> Component:
    """Return the history of an order, the newest act first."""
    if not acts:
        return empty_card("History", "", "No entry in the audit log is about this order.")
    rows: list[tuple[Cell, ...]] = [
        (words.stamp(act.at), clean(act.actor, 80), html.Div(list(_what(act)), className="acts-said"))
        for act in acts[:MOST_ROWS]
    ]
    return table_card(
        "History",
        "from the audit log",
        ("Time", "By", "What"),
        rows,
        *not_shown(len(acts), "entries"),
    )


def _what(act: OrderAct) -> Sequence[Component | str]:
    detail = act.detail
    if act.action == "order edited":
        before: Mapping[str, Any] = detail.get("before", {})
        after: Mapping[str, Any] = detail.get("after", {})
        return [
            html.P(f"{_FIELDS.get(name, name)}: {_value(name, before.get(name))} → {_value(name, value)}")
            for name, value in after.items()
        ]
    return [html.P(sentence) for sentence in _sentences(act.action, detail)]


def _sentences(action: str, detail: Mapping[str, Any]) -> list[str]:
    match action:
        case "order event added":
            return [f"{capital(str(detail.get('kind')))} added: “{clean(str(detail.get('text')), 200)}”"]
        case "document attached":
            return [f"Document attached: {clean(str(detail.get('name')), 120)}"]
        case "order keywords changed":
            return [f"Keywords: {_listed(detail.get('before'))} → {_listed(detail.get('keywords'))}"]
        case "order names withdrawn":
            said = _listed(detail.get("names"))
            return [f"Names withdrawn: {said}. Reason: “{clean(str(detail.get('reason')), 300)}”"]
        case "order names added again":
            return [f"Withdrawn names added again: {_listed(detail.get('names'))}"]
        case "order names found":
            return [f"Accounts found for names that waited: {_listed(detail.get('names'))}"]
        case "order named" | "order imported":
            return [f"Names added: {detail.get('names')}, from “{clean(str(detail.get('source')), 120)}”"]
        case _:
            return [f"{capital(action)}."]


def _listed(values: object) -> str:
    some = [clean(str(one), 80) for one in values] if isinstance(values, list) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not some:
        return "none"
    more = len(some) - _NAMES_SHOWN
    return ", ".join(some[:_NAMES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _value(name: str, value: object) -> str:
    if value is None or value == "":
        return "none"
    if name in _TIMES:
        try:
            return words.stamp(datetime.fromisoformat(str(value)))
        except ValueError:
            pass
    return f"{value:,}" if isinstance(value, int) else f"“{clean(str(value), 200)}”"
