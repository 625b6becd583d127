"""The callbacks of the form of a new order, and those of the fields that it shares with an edit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import Input, Output, State, html, no_update
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.filing import names_form
from dashboard.filing.names_callbacks import check_for, read_unless_checked
from dashboard.filing.names_form import NamesForm
from dashboard.filing.order_form import OTHER, VALUES, OrderForm
from dashboard.filing.writing import NotWritten, writer, written
from dashboard.orders.words import ORDER_LABELS
from dashboard.ui import words
from dashboard.ui.pages import PageCallbacks
from dashboard.ui.time_markup import timed
from dashboard.ui.toasts import TOAST, Toast
from storage.model.orders.legal_bases import basis_called
from storage.model.orders.similar_orders import OrderHead, SimilarOrder
from storage.model.text.states import clean
from storage.orders import order_edits
from storage.orders.checked_names import add_checked_names, similar_to_check
from storage.orders.orders import head_called
from storage.postgres.pool import Conn


def connect_new_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks."""
    _connect_basis(app)
    _connect_store(process, app)


def _connect_basis(app: PageCallbacks) -> None:
    @app.callback(
        Output("order-basis-free", "hidden"),
        Output("order-country", "value"),
        Input("order-basis", "value"),
        State("order-country", "value"),
        prevent_initial_call=True,
    )
    def chosen(basis: str | None, country: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        known = basis_called(basis or "")
        implied = known.country if known is not None else None
        return basis != OTHER, implied or country


def _connect_store(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("order-store-said", "children"),
        Output("order-similar", "children"),
        Output("order-similar-shown", "data"),
        Output("url", "pathname"),
        Output(TOAST, "data", allow_duplicate=True),
        Input("order-store", "n_clicks"),
        State("order-similar-shown", "data"),
        State("order-check", "data"),
        *(State(*value) for value in names_form.VALUES),
        *(State(*value) for value in VALUES),
        prevent_initial_call=True,
    )
    async def store(pressed: int | None, shown: object, checked: object, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        names = NamesForm(*values[: len(names_form.VALUES)])
        form = OrderForm(*values[len(names_form.VALUES) :])

        async def act(conn: Conn, actor: str, now: datetime) -> int:
            order = form.order(now)
            same = await head_called(conn, order.reference)
            if same is not None:
                raise _SameReference(same)
            if named is None:
                return (await order_edits.file_order(conn, order, actor, now)).order_id
            check_id = await check_for(conn, process, named, actor, now)
            similar = await similar_to_check(conn, order, check_id)
            if similar and shown != _key(similar):
                raise _Similar(similar)
            stored = await order_edits.file_order(conn, order, actor, now)
            await add_checked_names(conn, stored, check_id, actor, now)
            return stored.order_id

        if not pressed:
            return [no_update] * 5
        try:
            with writer(ORDER_LABELS):
                named = None if names.is_empty else await read_unless_checked(names, checked)
            order_id = await written(process, ORDER_LABELS, act)
        except _SameReference as found:
            return "", _known(found.head), *[no_update] * 3
        except _Similar as found:
            return "", _similar(found.orders), _key(found.orders), *[no_update] * 2
        except NotWritten as fault:
            return str(fault), "", *[no_update] * 3
        toast = Toast("The order is stored. Its figures follow the readings of its accounts.")
        return "", "", None, f"/orders/{order_id}", toast.as_json()


class _SameReference(Exception):
    """The reference is that of a stored order."""

    def __init__(self, head: OrderHead) -> None:
        super().__init__(head.reference)
        self.head = head


class _Similar(Exception):
    """Stored orders have mostly the same names."""

    def __init__(self, orders: Sequence[SimilarOrder]) -> None:
        super().__init__()
        self.orders = orders


def _key(orders: Sequence[SimilarOrder]) -> str:
    """By which a warning is recognised that was shown: pressing again stores the order."""
    return " ".join(str(one.head.order_id) for one in orders)


def _known(head: OrderHead) -> Component:
    return _card(
        [
            html.P(["An order with this reference is already stored: ", *_link(head)]),
            html.P("Open it to add names, a notice or a document; or change the reference."),
        ]
    )


def _similar(found: Sequence[SimilarOrder]) -> Component:
    lines = [
        html.Li([*_link(one.head), f": {one.shared:,} of its {one.names:,} names are also in this one."])
        for one in found
    ]
    return _card(
        [
            html.P("An order of this country and date with mostly the same names is already stored:"),
            html.Ul(lines),
            html.P("If this is another order, press “Store the order” again."),
        ]
    )


def _card(content: list[Component]) -> Component:
    return timed(html.Div(content, className="card noted", role="alert"))


def _link(head: OrderHead) -> list[Component | str]:
    return [
        html.A(clean(head.title, 120), href=f"/orders/{head.order_id}"),
        f" ({clean(head.reference, 80)}, issued {words.day(head.issued_at)})",
    ]
