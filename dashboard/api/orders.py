"""Orders over the API: the same figures as on their pages."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.api.order_models import Order, OrderDetail
from dashboard.api.paging import Page, number_in, page, sent
from dashboard.api.parameter_types import AsKnownAt, At, CursorText, Limit, PathNumber
from dashboard.api.problem_responses import NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext, past
from dashboard.orders.facts import read_order, read_orders
from dashboard.orders.order_json import head_json, order_json
from storage.postgres.pool import transaction


def order_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["orders"])

    @router.get("/orders", response_model=Page[Order])
    async def list_orders(
        request: Request,
        at: At = None,
        as_known_at: AsKnownAt = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """The orders that were issued by a moment and how far each was followed then, by number."""
        now = source.clock()
        known = past(as_known_at, "as_known_at", now)
        moment = past(at, "at", now) or known or now
        after = number_in(request, cursor) or 0
        async with transaction(source.pool) as conn:
            found = await read_orders(
                conn, moment, source.settings.gap_after, known, after=after, limit=limit + 1
            )
        return page(
            request,
            found,
            limit,
            lambda one: Order.model_validate(head_json(one)),
            lambda one: one.order.order_id,
        )

    @router.get("/orders/{order_id}", response_model=OrderDetail, responses=NOT_FOUND)
    async def show_order(
        request: Request, order_id: PathNumber, at: At = None, as_known_at: AsKnownAt = None
    ) -> Response:
        """All figures of one order at a moment."""
        now = source.clock()
        known = past(as_known_at, "as_known_at", now)
        moment = past(at, "at", now) or known or now
        async with transaction(source.pool) as conn:
            found = await read_order(conn, order_id, moment, source.settings.gap_after, known)
        if found is None:
            raise ApiNotFound("There is no such order.")
        return sent(request, OrderDetail.model_validate(order_json(found)))

    return router
