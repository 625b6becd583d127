"""The cards of an order's page: names and blocks, kinds of action, claims, outside checks, documents."""

from dash import html
from dash.development.base_component import Component

from dashboard.orders import rows
from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.ui import words
from dashboard.ui.cards import card, td
from storage.model.core.orders import OrderEvent
from storage.model.orders.claims import CheckedClaim
from storage.model.orders.cohort import CohortShare, Kind
from storage.model.orders.outside_findings import Probe
from storage.model.text.states import capital, clean

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
    whole = max(found.funnel.named, found.funnel.resolved, 1)
    return card(
        "From names to blocks",
        "each account counted once",
        html.Table(
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Th(row.name, scope="row"),
                            html.Td(
                                html.I(
                                    className=f"fill-{row.look}",
                                    style={"width": f"{100 * row.accounts / whole:.2f}%"},
                                ),
                                className="funnel-bar",
                                **{"aria-hidden": "true"},  # pyright: ignore[reportArgumentType]
                            ),
                            html.Td(html.B(f"{row.accounts:,}"), className="n"),
                            html.Td(row.note, className="muted"),
                        ],
                        className=f"funnel-{row.look}",
                    )
                    for row in rows.funnel_rows(found)
                ]
            ),
            className="funnel",
        ),
        html.P(rows.FUNNEL_NOTE, className="not-said"),
    )


def kinds_card(found: OrderFigures) -> Component:
    return card(
        "Kinds of action",
        f"of {words.accounts(found.watched)} on the order's list, by last confirmed status",
        html.Table(html.Tbody([_kind_row(s, found) for s in found.shares]), className="kinds"),
    )


def _kind_row(share: CohortShare, found: OrderFigures) -> Component:
    stale = f"{share.stale:,} not read lately, counted by last known status" if share.stale else ""
    return html.Tr(
        [
            html.Th(
                [html.I(className=_SWATCH[share.kind]), order_words.kind(share.kind, found.order.country)],
                scope="row",
            ),
            html.Td(html.B(f"{share.accounts:,}"), className="n"),
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
                    html.Tbody([_claim_row(c) for c in found.claims]),
                ],
                className="labelled",
            ),
            className="table-scroll narrow",
        )
    return card("Claimed and observed", "at the time of each claim", body)


def _claim_row(found: CheckedClaim) -> Component:
    return html.Tr(
        [
            html.Td(
                [
                    f"“{clean(found.event.text, 200)}”",
                    html.Small(f"{order_words.source(found.event.source)}; {words.stamp(found.event.at)}"),
                ]
            ),
            td(order_words.claim_words(found.claim), "Claimed", "n"),
            td(html.B(words.range_words(found.low, found.high)), "Observed", "n"),
            td(
                [
                    order_words.verdict_words(found),
                    html.Small(f"Observed: {order_words.OBSERVED_AS[found.claim.what]}."),
                ],
                "Comparison",
            ),
        ]
    )


def outside_card(found: OrderFigures) -> list[Component]:
    """What others saw of the names; an empty list when no outside check is recorded."""
    outside = found.outside
    if not outside.probes:
        return []
    return [
        card(
            "What others saw",
            "their own checks, not Blockline's",
            html.Div(html.P(rows.outside_words(found)), className="sentences"),
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
    own = rows.own_events(found)
    documents = [
        html.Tr(
            [
                html.Td(html.B(clean(d.name, 120))),
                html.Td(f"{d.size:,} bytes"),
                html.Td([html.Span(d.sha256, className="mono"), html.Small("SHA-256")]),
                html.Td([order_words.source(d.source), html.Small(f"attached {words.stamp(d.added_at)}")]),
            ]
        )
        for d in found.documents
    ]
    return card(
        "Notices, statements and documents",
        "events and files of this order",
        html.Div(
            html.Table(html.Tbody([_event_row(e) for e in own]), className="papers")
            if own
            else html.P("No notice, statement or ruling is recorded.", className="nothing"),
            className="table-scroll narrow",
        ),
        *(
            [html.Div(html.Table(html.Tbody(documents), className="papers"), className="table-scroll narrow")]
            if documents
            else []
        ),
    )


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
