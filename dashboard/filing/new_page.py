"""The form of a new order: its fields and the names in it, with what a check of the names found."""

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.filing.edit_page import actions
from dashboard.filing.names_form import names_form_card
from dashboard.filing.order_form import OrderForm, order_fields
from dashboard.ui.cards import card

NEW = "new"
"""The last part of the address of the page."""


def new_page(tag: list[Component]) -> Component:
    """Return the empty form."""
    return html.Div(
        [
            html.Div(
                [
                    html.A("Orders", href="/orders", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("New order"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(
                [
                    card("The order", "times in UTC", order_fields(OrderForm(), is_new=True)),
                    names_form_card("The names", "nothing is stored before you press “Store the order”"),
                    html.Div(id="order-similar", className="similar", role="status"),
                    html.Div(actions("order-store", "Store the order"), className="card"),
                    dcc.Store(id="order-similar-shown"),
                ],
                className="stack order order-form",
            ),
        ]
    )
