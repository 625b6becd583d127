"""The Orders pages, the same as JSON, and the report on an order."""

from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.orders.facts import read_order, read_orders
from dashboard.orders.order_page import lane_pages, order_page
from dashboard.orders.orders_page import orders_page
from dashboard.orders.report_routes import report_routes
from dashboard.orders.restoration import restoration_of
from dashboard.orders.restoration_card import RESTORATION, restoration_page
from dashboard.orders.routes import order_routes
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest, Place, number_in


def orders(process: WebProcess) -> Feature:
    pool, clock, settings = process.pool, process.clock, process.settings
    return Feature(
        pages=(Page(path="orders", title="Orders", read=_orders, place=Place.HEADER, icon="order"),),
        routers=(order_routes(pool, clock, settings), report_routes(pool, clock, settings, process.base_url)),
    )


async def _orders(asked: PageRequest) -> Drawing | None:
    """All orders; or one, by its number, and of it a page of lanes or the time to restoration. None when
    there is none.
    """
    conn, now, theme, tag = asked.conn, asked.now, asked.theme, asked.tag
    if not asked.more:
        newest_first = (await read_orders(conn, now, asked.settings.gap_after))[::-1]
        return partial(orders_page, newest_first, theme, tag)
    order_id, part = number_in(asked.more[0]), [*asked.more, "1"][1]
    if order_id is None or len(asked.more) > 2:
        return None
    found = await read_order(conn, order_id, now, asked.settings.gap_after)
    if found is None:
        return None
    if part == RESTORATION:
        return lambda: restoration_page(found, restoration_of(found), theme, tag)
    page = number_in(part)
    return partial(order_page, found, page, theme, tag) if page and page <= lane_pages(found) else None
