"""The accounts behind a figure, for the page Accounts."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal, refused_time
from dashboard.ui.figures import NO_FIGURE, FigureReader
from storage.postgres.pool import StorageError


def figure_routes(figures: FigureReader, clock: Callable[[], datetime]) -> APIRouter:
    """`/api/figures/{name}?at=`: the accounts of a figure, by what was known at that moment."""
    router = APIRouter()

    @router.get("/api/figures/{name:path}")
    async def figure(name: str, at: datetime) -> Response:
        if (refused := refused_time("at", at, clock())) is not None:
            return refused
        try:
            found = await figures.read(name, at)
        except StorageError as error:
            return refusal(503, str(error))
        if found is None:
            return refusal(404, NO_FIGURE)
        return JSONResponse({"words": found.words, "accounts": list(found.accounts)})

    return router
