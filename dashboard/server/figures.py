"""The accounts behind a figure, for the page Accounts."""

from collections.abc import Callable, Iterable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal, refused_time
from dashboard.asgi.settings import DashboardSettings
from dashboard.ui.figures import FigureRequest, FigureSource
from storage.postgres.pool import Pool, StorageError
from storage.postgres.recording_order import as_known


def figure_routes(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, sources: Iterable[FigureSource]
) -> APIRouter:
    """`/api/figures/{name}?at=`: the accounts of a figure, by what was known at that moment."""
    router = APIRouter()
    by_name = {source.name: source for source in sources}

    @router.get("/api/figures/{name:path}")
    async def figure(name: str, at: datetime) -> Response:
        if (refused := refused_time("at", at, clock())) is not None:
            return refused
        first, *more = name.split("/")
        source = by_name.get(first)
        try:
            async with as_known(pool, at) as conn:
                request = FigureRequest(conn, more, at, settings.gap_after, settings.late_after)
                found = None if source is None else await source.read(request)
        except StorageError as error:
            return refusal(503, str(error))
        if found is None:
            return refusal(404, "There is no such figure.")
        return JSONResponse({"words": found.words, "accounts": list(found.accounts)})

    return router
