"""The cards of an order's page: from names to blocks, kinds of action, claims, what others saw, papers."""

from dash import html
from dash.development.base_component import Component

from dashboard import order_words, words
from dashboard.order_figures import OrderFigures
from dashboard.pages.cells import td
from storage.model.cohort import Kind, Share
from storage.model.cohort_claims import Checked
from storage.model.orders import OrderEvent
from storage.model.outside import Probe
from storage.model.words import capital, clean

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


def card(title: str, note: str, *content: Component) -> Component:
    """A card with its heading; `note` stands beside it."""
    return html.Section(
        [html.Div([html.H2(title), html.Span(note, className="faint")], className="card-head"), *content],
        className="card",
    )


def funnel_card(found: OrderFigures) -> Component:
    funnel, names = found.funnel, found.names
    whole = max(funnel.named, funnel.resolved, 1)
    rows: list[tuple[str, int, str, str]] = [("Named", funnel.named, "in the order", "named")]
    if names.accounts:
        left = names.accounts - names.resolved
        rows.append(
            ("Names on file", names.accounts, f"{left:,} of them lead to no account" if left else "", "named")
        )
    rows += [
        ("On its list", funnel.resolved, _less(funnel.named - funnel.resolved, "not known here"), "named"),
        ("Watched", funnel.watched, _less(funnel.resolved - funnel.watched, "not read"), "named"),
        ("Ever blocked", funnel.ever_blocked, _share(funnel.ever_blocked, found), "ever"),
        ("Blocked now", funnel.blocked_now, _share(funnel.blocked_now, found), "now"),
        ("Restored", funnel.restored, _share(funnel.restored, found), "back"),
    ]
    if funnel.gone_since:
        rows.append(("Gone since", funnel.gone_since, "neither blocked nor back", "gone"))
    return card(
        "From names to blocks",
        "each account counted once",
        html.Table(
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Th(name, scope="row"),
                            html.Td(
                                html.I(className=f"fill-{look}", style={"width": f"{100 * n / whole:.2f}%"}),
                                className="funnel-bar",
                                **{"aria-hidden": "true"},  # pyright: ignore[reportArgumentType]
                            ),
                            html.Td(html.B(f"{n:,}"), className="n"),
                            html.Td(note, className="muted"),
                        ],
                        className=f"funnel-{look}",
                    )
                    for name, n, note, look in rows
                ]
            ),
            className="funnel",
        ),
        html.P(
            "Ever blocked counts what was seen since the order: withheld in its country, or suspended. "
            "A second block after a restoration does not count twice.",
            className="not-said",
        ),
    )


def kinds_card(found: OrderFigures) -> Component:
    return card(
        "Kinds of action, kept apart",
        f"of {order_words.accounts(found.watched)} on its list, as last confirmed",
        html.Table(html.Tbody([_kind_row(s, found) for s in found.shares]), className="kinds"),
    )


def _kind_row(share: Share, found: OrderFigures) -> Component:
    stale = f"{share.stale:,} not read lately: last known" if share.stale else ""
    return html.Tr(
        [
            html.Th(
                [html.I(className=_SWATCH[share.kind]), order_words.kind(share.kind, found.order.country)],
                scope="row",
            ),
            html.Td(html.B(f"{share.accounts:,}"), className="n"),
            html.Td(order_words.share(share.accounts, found.watched), className="n"),
            html.Td(
                [order_words.counted(share.kind), *([html.Small(stale)] if stale else [])], className="muted"
            ),
        ]
    )


def claims_card(found: OrderFigures) -> Component:
    if not found.claims:
        body = html.Div(html.P("Nobody's numbers are on file for this order.", className="nothing"))
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
                                html.Th("How they stand"),
                            ]
                        )
                    ),
                    html.Tbody([_claim_row(c) for c in found.claims]),
                ],
                className="labelled",
            ),
            className="table-scroll narrow",
        )
    return card("Claimed and observed", "at the moment of each claim", body)


def _claim_row(found: Checked) -> Component:
    return html.Tr(
        [
            html.Td(
                [
                    f"“{clean(found.event.text, 200)}”",
                    html.Small(f"{order_words.source(found.event.source)}; {words.stamp(found.event.at)}"),
                ]
            ),
            td(order_words.claim_words(found.claim), "Claimed", "n"),
            td(html.B(order_words.range_words(found.low, found.high)), "Observed", "n"),
            td(
                [
                    order_words.verdict_words(found),
                    html.Small(f"Observed: {order_words.OBSERVED_AS[found.claim.what]}."),
                ],
                "How they stand",
            ),
        ]
    )


def outside_card(found: OrderFigures) -> list[Component]:
    """What others saw of the names; nothing where nobody's looks are on file."""
    outside = found.outside
    if not outside.probes:
        return []
    named = [(order_words.kind(kind, found.order.country), n) for kind, n in outside.by_kind]
    kinds = ", ".join(f"{n:,} {words_for[:1].lower()}{words_for[1:]}" for words_for, n in named)
    both = (
        f" {outside.disagreeing:,} are counted twice, since two looks at them answered differently."
        if outside.disagreeing
        else ""
    )
    return [
        card(
            "What others saw",
            "from their own looks, not ours",
            html.Div(html.P(f"Of the accounts named: {kinds}.{both}"), className="told"),
            html.Div(
                html.Table(
                    [
                        html.Thead(
                            html.Tr(
                                [html.Th("Looked at"), html.Th("From"), html.Th("When"), html.Th("Answers")]
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
    when = "not recorded: it dates no change"
    if probe.at_from is not None and probe.at_to is not None:
        when = f"between {words.stamp(probe.at_from)} and {words.stamp(probe.at_to)}"
    return html.Tr(
        [
            html.Td(["posts" if probe.of_post else "accounts", html.Small(order_words.source(probe.source))]),
            td(probe.place or "not said", "From"),
            td(when, "When"),
            td(
                ", ".join(f"{a.names:,} {clean(a.answer).replace('_', ' ')}" for a in probe.answers),
                "Answers",
            ),
        ]
    )


def papers_card(found: OrderFigures) -> Component:
    """What happened around the order, and the documents on file."""
    own = [e for e in found.cohort.events if e.order_id == found.order.order_id and e.at <= found.at]
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
        "dates in UTC",
        html.Div(
            html.Table(html.Tbody([_event_row(e) for e in own]), className="papers")
            if own
            else html.P("No notice, statement or ruling is on file.", className="nothing"),
            className="table-scroll narrow",
        ),
        *(
            [html.Div(html.Table(html.Tbody(documents), className="papers"), className="table-scroll narrow")]
            if documents
            else []
        ),
    )


def _event_row(event: OrderEvent) -> Component:
    disputed = ""
    if event.at_from is not None and event.at_to is not None:
        disputed = f"sources say between {words.stamp(event.at_from)} and {words.stamp(event.at_to)}"
    late = f"; known here since {words.stamp(event.known_at)}" if event.known_at > event.at else ""
    return html.Tr(
        [
            html.Th([capital(event.kind.value), html.Small(words.stamp(event.at))], scope="row"),
            html.Td(
                [
                    clean(event.text, 400),
                    html.Small(f"{order_words.source(event.source)}{late}"),
                    *([html.Small(f"Date uncertain: {disputed}.")] if disputed else []),
                ]
            ),
        ]
    )


def _share(n: int, found: OrderFigures) -> str:
    return f"{order_words.share(n, found.watched)} of its list" if found.watched else ""


def _less(n: int, why: str) -> str:
    return f"{n:,} {why}" if n > 0 else ""
