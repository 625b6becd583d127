"""The data of the live page over plain HTTP, and whether the dashboard is well."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from dashboard.encode import Json, snapshot_json
from dashboard.encode_context import context_json, detectors_json
from dashboard.live import Hub, catch_up
from dashboard.settings import DashboardSettings
from storage.db import Conn, Pool, StorageError, transaction
from storage.reports import snapshot
from storage.reports_health import detectors
from storage.reports_kpis import kpis

RANGES = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
    "30d": timedelta(days=30),
    "all": None,
}

LAST_MS = 253_402_300_799_000
"""The end of the year 9999, which is as far as a datetime goes."""


async def live_json(conn: Conn, range_name: str, now: datetime, settings: DashboardSettings) -> Json:
    """The live page of one range. Raises KeyError for a range that is not in `RANGES`."""
    span = RANGES[range_name]
    shot = await snapshot(conn, None if span is None else now - span, now, settings.gap_after)
    counts = await kpis(conn, now, settings.sweep_every)
    since = now - span if span is not None else shot.earliest or now
    return {
        **snapshot_json(shot, counts, now, since, settings.sweep_every, settings.gap_after),
        **context_json(shot.lists, shot.orders, shot.events, shot.executives),
        "detectors": detectors_json(await detectors(conn, now), now, settings.gap_after),
    }


def routes(pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, hub: Hub) -> APIRouter:
    router = APIRouter()

    @router.get("/api/live")
    async def live(range_name: Annotated[str, Query(alias="range")] = "14d") -> Response:
        if range_name not in RANGES:
            return _refusal(422, f"The range must be one of {', '.join(RANGES)}.")
        try:
            async with transaction(pool) as conn:
                return _compact(await live_json(conn, range_name, clock(), settings))
        except StorageError as error:
            return _refusal(503, str(error))

    @router.get("/api/live/since")
    async def live_since(
        event_id: Annotated[int, Query(alias="id", ge=0)],
        read_ms: Annotated[int, Query(alias="read", ge=0, le=LAST_MS)],
    ) -> Response:
        read_to = datetime.fromtimestamp(read_ms / 1000, UTC)
        try:
            async with transaction(pool) as conn:
                return _compact(await catch_up(conn, event_id, read_to, clock(), settings.sweep_every))
        except StorageError as error:
            return _refusal(503, str(error))

    @router.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"ok": True})

    @router.get("/readyz")
    async def readyz() -> Response:
        try:
            async with transaction(pool) as conn:
                await conn.execute("select 1")
        except StorageError as error:
            return _refusal(503, str(error))
        return JSONResponse({"ok": hub.listening}, status_code=200 if hub.listening else 503)

    return router


def _compact(body: Json) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), media_type="application/json")


def _refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)
