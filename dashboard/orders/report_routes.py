"""The report on an order as a download."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from dashboard.asgi.file_maker import FileMaker, FileMakerBusy, FileNotMade
from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import refusal
from dashboard.asgi.settings import DashboardSettings
from dashboard.orders.report import OrderReport, settled_report
from dashboard.orders.report_html import Imprint
from dashboard.orders.routes import asked
from storage.model.evidence.packs import made_by
from storage.postgres.pool import Pool, StorageError


def report_routes(
    pool: Pool,
    clock: Callable[[], datetime],
    settings: DashboardSettings,
    base_url: str | None,
    files: FileMaker,
) -> APIRouter:
    """`/orders/{order_id}/report.html` and `report.pdf`, with `?at=` and `?as_known_at=`. Its links lead to
    `base_url`; None: it has none, since it is read elsewhere.
    """
    router = APIRouter()

    async def read(
        order_id: int, at: datetime | None, as_known_at: datetime | None
    ) -> OrderReport | Response:
        now = clock()
        moment, known, refused = asked(at, as_known_at, now)
        if refused is not None:
            return refused
        imprint = Imprint(now, made_by(), settings.synthetic, settings.sweep_every, base_url)
        try:
            found = await settled_report(pool, order_id, moment, known, imprint)
        except StorageError as error:
            return refusal(503, str(error))
        return refusal(404, "There is no such order.") if found is None else found

    @router.get("/orders/{order_id}/report.html")
    async def report(
        order_id: int, at: datetime | None = None, as_known_at: datetime | None = None
    ) -> Response:
        found = await read(order_id, at, as_known_at)
        if isinstance(found, Response):
            return found
        return HTMLResponse(await off_loop(found.html), headers=_attached(found.name(".html")))

    @router.get("/orders/{order_id}/report.pdf")
    async def report_as_pdf(
        order_id: int, at: datetime | None = None, as_known_at: datetime | None = None
    ) -> Response:
        found = await read(order_id, at, as_known_at)
        if isinstance(found, Response):
            return found
        try:
            content = await files.pdf(await off_loop(found.html))
        except FileMakerBusy as error:
            return refusal(429, str(error))
        except FileNotMade as error:
            return refusal(409, str(error))
        return Response(content, media_type="application/pdf", headers=_attached(found.name(".pdf")))

    return router


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
