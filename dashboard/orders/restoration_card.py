"""The page on time to restoration of an order, with what is not known about it."""

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
"""The last part of the page's address."""


def restoration_page(
    found: OrderFigures, estimate: RestorationEstimate, theme: Theme, tag: list[Component]
) -> Component:
    """Return the page: the share still blocked over time, bounds of the median, and the limits of both."""
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
                        html.Div([html.P(s) for s in estimate.sentences], className="sentences"),
                        className="card sentences-page",
                    ),
                    card(
                        "Share still blocked",
                        "time since the block, on a logarithmic scale",
                        html.Div(
                            graph(
                                restoration_figure(estimate, theme),
                                "order-restoration",
                                "Share still blocked over time",
                            ),
                            className="figure",
                        ),
                        html.Div(
                            html.Table(
                                [
                                    html.Thead(html.Tr([html.Th(c) for c in restoration.COLUMNS])),
                                    html.Tbody([_row(*cells) for cells in restoration.rows(estimate)]),
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
