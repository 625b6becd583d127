"""The figures of orders over plain HTTP."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import refusal, refused_time
from dashboard.asgi.settings import DashboardSettings
from dashboard.orders.facts import OrderFigures, read_order, read_orders
from dashboard.orders.order_json import head_json, order_json
from dashboard.orders.restoration import restoration_json
from storage.postgres.pool import Pool, StorageError
from storage.postgres.recording_order import as_known

"""No moment before this year can be asked for."""


def order_routes(pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings) -> APIRouter:
    """`/api/orders` and `/api/orders/{order_id}`, both with `?at=` and `?as_known_at=`."""
    router = APIRouter()

    @router.get("/api/orders")
    async def orders(at: datetime | None = None, as_known_at: datetime | None = None) -> Response:
        moment, known, refused = asked(at, as_known_at, clock())
        if refused is not None:
            return refused
        try:
            async with as_known(pool, known) as conn:
                found = await read_orders(conn, moment, settings.gap_after, known)
        except StorageError as error:
            return refusal(503, str(error))
        return await off_loop(lambda: JSONResponse({"orders": [head_json(o) for o in found]}))

    async def read(
        order_id: int, at: datetime | None, as_known_at: datetime | None
    ) -> OrderFigures | Response:
        moment, known, refused = asked(at, as_known_at, clock())
        if refused is not None:
            return refused
        try:
            async with as_known(pool, known) as conn:
                found = await read_order(conn, order_id, moment, settings.gap_after, known)
        except StorageError as error:
            return refusal(503, str(error))
        return refusal(404, "There is no such order.") if found is None else found

    @router.get("/api/orders/{order_id}")
    async def order(
        order_id: int, at: datetime | None = None, as_known_at: datetime | None = None
    ) -> Response:
        found = await read(order_id, at, as_known_at)
        if isinstance(found, Response):
            return found
        return await off_loop(lambda: JSONResponse(order_json(found)))

    @router.get("/api/orders/{order_id}/restoration")
    async def restoration(
        order_id: int, at: datetime | None = None, as_known_at: datetime | None = None
    ) -> Response:
        found = await read(order_id, at, as_known_at)
        if isinstance(found, Response):
            return found
        return await off_loop(lambda: JSONResponse(restoration_json(found)))

    return router


def asked(
    at: datetime | None, as_known_at: datetime | None, now: datetime
) -> tuple[datetime, datetime | None, Response | None]:
    """The moment and what was known; a refusal when a time has no zone or has not come yet."""
    for name, value in (("at", at), ("as_known_at", as_known_at)):
        if (no := refused_time(name, value, now)) is not None:
            return now, None, no
    return at or as_known_at or now, as_known_at, None
