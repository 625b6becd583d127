"""All orders: how far each was followed, in a table and side by side."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.orders import words as order_words
from dashboard.orders.charts import multiples_figure
from dashboard.orders.facts import OrderFigures
from dashboard.orders.figures import part_figure
from dashboard.ui import words
from dashboard.ui.cards import card, td
from dashboard.ui.chart_style import Theme, graph
from dashboard.ui.figures import figure_link
from dashboard.ui.terms import term
from storage.model.orders.cohort import CohortPart
from storage.model.text.countries import country_name
from storage.model.text.states import clean

SIDE_BY_SIDE = 9


def orders_page(
    orders: Sequence[OrderFigures], theme: Theme, tag: list[Component], *, may_write: bool = False
) -> Component:
    """The orders by date, newest first. With `may_write`, a button leads to the form of a new one."""
    drawn = [one for o in orders for one in o.sections if one.watched][:SIDE_BY_SIDE]
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Orders"),
                    *tag,
                    html.Span("Legal demands, and how far each was followed", className="muted"),
                    html.Span(className="grow"),
                    *(
                        [html.A("New order", href="/orders/new", className="button primary")]
                        if may_write
                        else []
                    ),
                ],
                className="bar",
            ),
            html.Div(
                [
                    card(
                        "All orders",
                        "shares refer to what is on each order's list; ever blocked is blocked now, "
                        "restored and gone together",
                        html.Div(
                            html.Table(
                                [_columns(), html.Tbody([row for o in orders for row in _rows(o)])],
                                className="labelled",
                            ),
                            className="table-scroll narrow",
                        ),
                    ),
                    *([_compared(drawn, theme)] if drawn else []),
                ]
                if orders
                else [_empty(may_write=may_write)],
                className="stack",
            ),
        ]
    )


def _compared(drawn: Sequence[OrderFigures], theme: Theme) -> Component:
    return card(
        "Side by side",
        f"share blocked since each order was issued; newest orders: "
        f"{len({one.order.order_id for one in drawn})}; press a line for what it counts",
        html.Div(
            graph(multiples_figure(drawn, theme), "order-multiples", "Share blocked since each order"),
            className="figure",
        ),
    )


def _columns() -> Component:
    names = (
        *("Order", "Issued", "Deadline", "Named", "On the list"),
        *("Ever blocked", "Blocked now", "Restored", term("gone")),
    )
    return html.Thead(
        html.Tr([html.Th(name, className="" if n < 3 else "n") for n, name in enumerate(names)])
    )


def _rows(found: OrderFigures) -> list[Component]:
    """The row of an order, and another one for its posts if it names both."""
    first, *others = found.sections
    more = (_row(one, [html.Small(f"{one.noun}s of the same order")]) for one in others)
    return [_row(first, _about(found)), *more]


def _about(found: OrderFigures) -> list[Component]:
    order = found.order
    return [
        html.A(html.B(clean(order.title, 120)), href=f"/orders/{order.order_id}", className="country"),
        html.Small(f"{clean(order.reference, 60)} · {country_name(order.country)}"),
    ]


def _row(found: OrderFigures, about: list[Component]) -> Component:
    order, funnel = found.order, found.funnel

    def linked(n: int, part: CohortPart) -> Component:
        return figure_link(f"{n:,}", part_figure(found, part), found.at)

    def blocked(name: str, n: int, part: CohortPart, stale: int = 0) -> Component:
        if not funnel.read:
            return td([words.count_or_dash(None), html.Small("not read yet")], name, "n")
        late = [html.Small(f"{'all' if stale == n else f'{stale:,}'} not read lately")] if stale else []
        return td([linked(n, part), html.Small(words.share(n, found.watched)), *late], name, "n")

    return html.Tr(
        [
            html.Th(about, scope="row"),
            td(
                [
                    words.day(order.issued_at),
                    *([html.Small("date disputed")] if order.is_disputed else []),
                ],
                "Issued",
            ),
            td(_deadline(found), "Deadline"),
            td([f"{funnel.named:,}", html.Small(f"{found.noun}s")], "Named", "n"),
            td(linked(funnel.resolved, CohortPart.ON_ITS_LIST), "On the list", "n"),
            blocked("Ever blocked", funnel.ever_blocked, CohortPart.EVER_BLOCKED),
            blocked("Blocked now", funnel.blocked_now, CohortPart.BLOCKED_NOW, funnel.blocked_stale),
            blocked("Restored", funnel.restored, CohortPart.RESTORED),
            blocked("Gone", funnel.gone_since, CohortPart.GONE_SINCE),
        ]
    )


def _deadline(found: OrderFigures) -> list[Component | str]:
    """The day of the deadline, and how far off it is; a dash where none is stored."""
    deadline = found.order.deadline_at
    if deadline is None:
        return ["–"]
    return [words.day(deadline), html.Small(order_words.deadline_words(deadline, found.at))]


def _new_order() -> Component:
    return html.A("New order", href="/orders/new", className="button primary")


def _empty(*, may_write: bool) -> Component:
    by_hand = html.P(_new_order() if may_write else "A user with the role analyst can add one.")
    return html.Div(
        [
            html.H2("No orders"),
            html.P(
                "Add an order with the accounts and posts that it names. This page then shows how far it was "
                "followed."
            ),
            by_hand,
            html.P(["Or import many: ", html.Code("blockline orders import orders.csv")]),
        ],
        className="card empty",
    )
