"""The Orders pages with the forms that file and edit an order."""

from functools import partial

from dashboard.asgi.file_maker import FileMaker
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.filing.edit_callbacks import connect_edit_page
from dashboard.filing.edit_page import EDIT, edit_page, read_records
from dashboard.filing.names_callbacks import connect_names
from dashboard.filing.new_callbacks import connect_new_page
from dashboard.filing.new_page import NEW, new_page
from dashboard.names.waiting_names import connect_waiting_names
from dashboard.orders.feature import WRITE_ORDERS, read_page_of_orders, routers
from dashboard.orders.figures import ORDER_FIGURES
from dashboard.ui.pages import (
    Drawing,
    Feature,
    Page,
    PageAction,
    PageCallbacks,
    PageRequest,
    Place,
    number_in,
)
from storage.orders.orders import order_numbered


def orders(process: WebProcess, files: FileMaker) -> Feature:
    """`files` prints reports as PDF."""

    def connect(app: PageCallbacks) -> None:
        connect_new_page(process, app)
        connect_edit_page(process, app)
        connect_names(process, app)
        connect_waiting_names(process, app)

    page = Page(
        path="orders",
        title="Orders",
        help="how-to/orders",
        read=_orders,
        place=Place.HEADER,
        icon="order",
        actions=(PageAction("New order", "/orders/new", WRITE_ORDERS),),
        callbacks=connect,
    )
    return Feature(pages=(page,), routers=routers(process, files), figures=(ORDER_FIGURES,))


async def _orders(asked: PageRequest) -> Drawing | None:
    """A form, or a page that only shows; None when there is none. Raises Forbidden for a form that the
    reader may not use.
    """
    match list(asked.more):
        case [one] if one == NEW:
            access.require(asked.actor, WRITE_ORDERS)
            return partial(new_page, asked.tag)
        case [one, part] if part == EDIT:
            access.require(asked.actor, WRITE_ORDERS)
            order_id = number_in(one)
            stored = None if order_id is None else await order_numbered(asked.conn, order_id)
            found = None if stored is None else await read_records(asked.conn, stored)
            return None if found is None else partial(edit_page, found, asked.tag)
        case _:
            return await read_page_of_orders(asked)
