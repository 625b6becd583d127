"""The data of the live page over plain HTTP, and whether the dashboard is well."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.process import WebProcess
from dashboard.asgi.refusals import refusal
from dashboard.live.push import catch_up
from dashboard.live.snapshot_cache import RANGES, USUAL, LiveSnapshotCache
from dashboard.wire.response_cache import packed
from storage.postgres.pool import NoFreeConnection, StorageError, transaction

LAST_MS = 253_402_300_799_000
"""The end of the year 9999, which is as far as a datetime goes."""


def routes(process: WebProcess, boards: LiveSnapshotCache) -> APIRouter:
    router, pool = APIRouter(), process.pool

    @router.get("/api/live")
    async def live(request: Request, range_name: Annotated[str, Query(alias="range")] = USUAL) -> Response:
        if range_name not in RANGES:
            return refusal(422, f"The range must be one of {', '.join(RANGES)}.")
        try:
            async with transaction(pool) as conn:
                body = await boards.answer(conn, range_name)
        except StorageError as error:
            return refusal(503, str(error))
        return packed(request, body)

    @router.get("/api/live/since")
    async def live_since(
        event_id: Annotated[int, Query(alias="id", ge=0)],
        read_ms: Annotated[int, Query(alias="read", ge=0, le=LAST_MS)],
    ) -> Response:
        read_to = datetime.fromtimestamp(read_ms / 1000, UTC)
        try:
            async with transaction(pool) as conn:
                sweep_every, most = process.settings.sweep_every, process.settings.most_accounts
                news = await catch_up(conn, event_id, read_to, process.clock(), sweep_every, most)
                return JSONResponse(news)
        except StorageError as error:
            return refusal(503, str(error))

    @router.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"ok": True})

    @router.get("/readyz")
    async def readyz() -> Response:
        problem = await _problem(process)
        return JSONResponse({"ok": problem is None, "problem": problem}, 200 if problem is None else 503)

    return router


async def _problem(process: WebProcess) -> str | None:
    """Return why this process is not ready, or None. It names no address, since no login is needed to ask."""
    try:
        async with transaction(process.pool) as conn:
            takes_writes = await conn.fetchval("show transaction_read_only") == "off"
    except NoFreeConnection:
        return "All connections of the dashboard to the database are in use. Try again later."
    except StorageError:
        takes_writes = False
    if not takes_writes:
        return (
            "The database does not answer or takes no writes. Check that it runs and is not a replica; the "
            "log of “blockline run” has the details."
        )
    if not process.listening:
        return "The connection that brings changes to the dashboard is down. It is opened again by itself."
    return None
