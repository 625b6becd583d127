"""Published figures of a country beside what was seen there, over plain HTTP."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.countries.published_json import claimed_json
from storage.countries.published_report import claimed
from storage.postgres.pool import Pool, StorageError, transaction


def claimed_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    """`/api/countries/{code}/published`, with a code such as IN."""
    router = APIRouter()

    @router.get("/api/countries/{code}/published")
    async def published(code: str) -> Response:
        now = clock()
        try:
            async with transaction(pool) as conn:
                found = await claimed(conn, code, now)
        except StorageError as error:
            return refusal(503, str(error))
        if not found:
            return refusal(404, "Nothing is published or observed of such a country: a code is like IN.")
        return JSONResponse(claimed_json(code, found, now))

    return router
