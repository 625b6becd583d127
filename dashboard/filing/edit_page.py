"""The page that edits an order: its fields, events, documents and keywords, each in a card of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.filing.event_form import EventForm, event_fields
from dashboard.filing.names_form import names_form_card
from dashboard.filing.order_form import OrderForm, order_fields
from dashboard.orders.cards import documents_table, events_table, history_card, names_card
from dashboard.ui.cards import card
from dashboard.ui.inputs import choice_field, text_field
from storage.model.core.orders import OrderDocument, OrderEvent, OrderName
from storage.model.text.states import clean
from storage.orders.documents import documents_of
from storage.orders.edit_history import OrderAct, acts_on
from storage.orders.names import names_of
from storage.orders.orders import StoredOrder, keywords_of, order_events
from storage.postgres.pool import Conn

EDIT = "edit"
"""The last part of the address of the page."""


@dataclass(frozen=True, slots=True)
class EditedOrder:
    """What is stored about an order, as the page shows it."""

    stored: StoredOrder
    names: Sequence[OrderName]
    events: Sequence[OrderEvent]
    documents: Sequence[OrderDocument]
    keywords: Sequence[str]
    acts: Sequence[OrderAct]


async def read_records(conn: Conn, stored: StoredOrder) -> EditedOrder:
    """Read what is stored about an order."""
    order_id = stored.order_id
    return EditedOrder(
        stored,
        await names_of(conn, order_id),
        [e for e in await order_events(conn, None) if e.order_id == order_id],
        await documents_of(conn, order_id),
        await keywords_of(conn, order_id),
        await acts_on(conn, stored.order.reference),
    )


def edit_page(found: EditedOrder, tag: list[Component]) -> Component:
    """Return the page of an order's forms."""
    order, number = found.stored.order, found.stored.order_id
    form = OrderForm.of(order)
    return html.Div(
        [
            html.Div(
                [
                    html.A("Orders", href="/orders", className="under"),
                    html.Span("/", className="faint"),
                    html.A(clean(order.reference, 80), href=f"/orders/{number}", className="under"),
                    html.Span("/", className="faint"),
                    html.Span("Edit"),
                    *tag,
                    html.Span(className="grow"),
                    html.A("Back to the order", href=f"/orders/{number}", className="button"),
                ],
                className="bar",
            ),
            html.Div(
                [
                    dcc.Store(id="order-id", data=number),
                    dcc.Store(id="order-shown", data=_values(form)),
                    _fields_card(form),
                    _names_card(found.names),
                    _events_card(found),
                    _documents_card(found),
                    _keywords_card(found),
                    html.Div(history_card(found.acts), id="order-history"),
                ],
                className="stack order order-form",
            ),
        ]
    )


def shown_values(found: EditedOrder) -> list[object]:
    """Return the values of the form's fields, as the page shows them."""
    return _values(OrderForm.of(found.stored.order))


def _values(form: OrderForm) -> list[object]:
    return [getattr(form, name) for name in OrderForm.__dataclass_fields__]


def _fields_card(form: OrderForm) -> Component:
    return card("The order", "times in UTC", order_fields(form, is_new=False), actions("order-save", "Save"))


def _names_card(names: Sequence[OrderName]) -> Component:
    return html.Div(
        [
            html.Div(names_list(names), id="names-list"),
            names_form_card(
                "Add names",
                "each is stored with its outcome; accounts and posts that are found are watched",
                html.Button("Add the names", id="order-names-add", type="button", className="button primary"),
            ),
            card(
                "Withdraw names",
                "they stay visible with the reason; what they mean leaves the order's list and stays watched",
                html.Div(
                    [
                        choice_field(
                            "withdraw-names",
                            "Names to withdraw",
                            withdrawal_options(names),
                            None,
                            "To name one again, add it again.",
                            multi=True,
                        ),
                        text_field(
                            "withdraw-reason", "Reason", "", "Such as: the ministry took it off its list."
                        ),
                    ],
                    className="order-fields",
                ),
                actions("withdraw-store", "Withdraw"),
            ),
        ],
        className="stack inner",
    )


def names_list(names: Sequence[OrderName]) -> Component:
    """Return the names of the order with their outcomes; nothing to be seen for none."""
    return html.Div(names_card(names))


def withdrawal_options(names: Sequence[OrderName]) -> list[dict[str, str]]:
    """Return the names that can be withdrawn."""
    return [{"label": clean(n.said, 120), "value": n.said} for n in names if n.withdrawal is None]


def _events_card(found: EditedOrder) -> Component:
    return card(
        "Notices, claims, statements and rulings",
        "shown on the timeline of the order",
        html.Div(events_table(found.events), id="event-list"),
        html.Details(
            [html.Summary("Add one"), event_fields(EventForm()), actions("event-store", "Add")],
            className="fold-form",
        ),
    )


def _documents_card(found: EditedOrder) -> Component:
    return card(
        "Documents",
        "at most 20 MB each, stored with their SHA-256",
        html.Div(documents_table(found.stored.order_id, found.documents), id="document-list"),
        html.Div(
            [
                html.Div(
                    [
                        drop_zone("document-file", "Drop a document here, or press to choose one"),
                        html.P(id="document-chosen", className="said", role="status"),
                    ],
                    className="field",
                ),
                text_field("document-source", "Source", "", "Where it comes from: an address, or a name."),
            ],
            className="order-fields",
        ),
        dcc.Store(id="document-done", data=0),
        actions("document-store", "Attach"),
    )


def _keywords_card(found: EditedOrder) -> Component:
    return card(
        "Keywords",
        "a post of an executive with one of them is shown as about the order",
        html.Div(
            text_field(
                "order-keywords",
                "Keywords",
                " ".join(found.keywords),
                "Separated by spaces; a hashtag without #.",
            ),
            className="order-fields",
        ),
        dcc.Store(id="order-keywords-shown", data=list(found.keywords)),
        actions("keywords-store", "Save keywords"),
    )


def actions(button: str, label: str, *more: Component) -> Component:
    """The button of a form; what came of pressing it is written into BUTTON-said."""
    return html.Div(
        [
            html.Button(label, id=button, type="button", className="button primary"),
            *more,
            html.Div(id=f"{button}-said", className="said", role="status"),
        ],
        className="actions",
    )


def drop_zone(name: str, label: str) -> Component:
    """Take one file by drag and drop, or by choosing it."""
    return dcc.Upload(
        label, id=name, className="drop-zone", className_active="drop-zone over", multiple=False
    )
