"""How long it took until the accounts of an order came back, with what is not known of it."""

from dash import html
from dash.development.base_component import Component

from dashboard.orders import restoration
from dashboard.orders.facts import OrderFigures
from dashboard.orders.restoration_chart import restoration_figure
from dashboard.ui.cards import card, td
from dashboard.ui.chart_style import Theme, graph
from storage.model.orders.restoration import RestorationEstimate
from storage.model.text.states import clean

RESTORATION = "restoration"
"""The last part of its address."""


def restoration_page(
    found: OrderFigures, told: RestorationEstimate, theme: Theme, tag: list[Component]
) -> Component:
    """The share still blocked over time, the median between its bounds, and what the figures do not say."""
    number = found.order.order_id
    return html.Div(
        [
            html.Div(
                [
                    html.A("Orders", href="/orders", className="under"),
                    html.Span("/", className="faint"),
                    html.A(clean(found.order.title, 80), href=f"/orders/{number}", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Time to restoration"),
                    *tag,
                    html.Span(className="grow"),
                    html.A("As JSON", href=f"/api/orders/{number}/restoration", className="button"),
                ],
                className="bar",
            ),
            html.Div(
                [
                    html.Div(
                        html.Div([html.P(s) for s in told.sentences], className="told sentences"),
                        className="card told-page",
                    ),
                    card(
                        "Share still blocked",
                        "from the block on; time is logarithmic",
                        html.Div(
                            graph(
                                restoration_figure(told, theme),
                                "order-restoration",
                                "Share still blocked over time",
                            ),
                            className="figure",
                        ),
                        html.Div(
                            html.Table(
                                [
                                    html.Thead(html.Tr([html.Th(c) for c in restoration.COLUMNS])),
                                    html.Tbody([_row(*cells) for cells in restoration.rows(told)]),
                                ],
                                className="labelled",
                            ),
                            className="table-scroll narrow",
                        ),
                    ),
                ],
                className="stack order",
            ),
        ]
    )


def _row(after: str, bounds: str, limits: str) -> Component:
    _, first, second = restoration.COLUMNS
    return html.Tr([html.Th(after, scope="row"), td(bounds, first), td(limits, second)])
