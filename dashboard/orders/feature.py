"""The Orders pages that only show, the same as JSON, and the report on an order."""

from functools import partial

from dash.development.base_component import Component
from fastapi import APIRouter

from dashboard.asgi.file_maker import FileMaker
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.causes.cards import causes_card
from dashboard.causes.form import each_of
from dashboard.orders.facts import read_order, read_orders
from dashboard.orders.order_page import lane_pages, order_page
from dashboard.orders.orders_page import orders_page
from dashboard.orders.report_routes import report_routes
from dashboard.orders.restoration import restoration_of
from dashboard.orders.restoration_page import RESTORATION, restoration_page
from dashboard.orders.routes import order_routes
from dashboard.ui.pages import Drawing, PageRequest, number_in
from storage.causes.cause_documents import document_names
from storage.model.core.people import Role
from storage.model.orders.cohort import CohortPart
from storage.orders.edit_history import acts_on

WRITE_ORDERS = Role.ANALYST


def routers(process: WebProcess, files: FileMaker) -> tuple[APIRouter, ...]:
    """Return the routes of orders. `files` prints reports as PDF."""
    pool, clock, settings = process.pool, process.clock, process.settings
    reports = report_routes(pool, clock, settings, process.base_url, files)
    return order_routes(pool, clock, settings), reports


async def read_page_of_orders(asked: PageRequest) -> Drawing | None:
    """All orders; or one, by its number, and of it a page of lanes or the time to restoration. None when
    there is none.
    """
    conn, now, theme, tag = asked.conn, asked.now, asked.theme, asked.tag
    may_write = asked.actor.role.includes(WRITE_ORDERS)
    if not asked.more:
        newest_first = (await read_orders(conn, now, asked.settings.gap_after))[::-1]
        return partial(orders_page, newest_first, theme, tag, may_write=may_write)
    order_id, part = number_in(asked.more[0]), [*asked.more, "1"][1]
    if order_id is None or len(asked.more) > 2:
        return None
    found = await read_order(conn, order_id, now, asked.settings.gap_after)
    if found is None:
        return None
    if part == RESTORATION:
        return lambda: restoration_page(found, [restoration_of(one) for one in found.sections], theme, tag)
    page = number_in(part)
    if not page or page > lane_pages(found):
        return None
    acts = await acts_on(conn, found.order.reference)
    digests = [c.document for c in found.own_causes if c.document is not None]
    documents = await document_names(conn, digests)
    issued = found.order.earliest_issue
    has_changes = any(stay.since >= issued for member in found.members for stay in member.stays)
    may_pack = has_changes and asked.actor.role.includes(access.PACK_EVIDENCE)

    def draw() -> Component:
        about = {f"order-{order_id}": "The order"}
        for section in found.sections:
            blocked = [member.account_id for member in section.parts[CohortPart.EVER_BLOCKED]]
            if len(blocked) > 1:
                all_of = f"Each of the {len(blocked):,} {section.noun}s seen blocked since the order"
                about |= each_of("account", blocked, all_of)
        stated = causes_card(found.own_causes, about, (), documents, asked.actor, f"/orders/{order_id}")
        return order_page(found, acts, page, theme, tag, (stated,), may_write=may_write, may_pack=may_pack)

    return draw
