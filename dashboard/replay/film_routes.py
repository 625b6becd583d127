"""The replay film over plain HTTP."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.asgi.refusals import refusal, refused_time
from dashboard.asgi.settings import DashboardSettings
from dashboard.replay.film import WHOLE, FilmCache, FilmSelection, film_selection
from dashboard.wire.response_cache import packed
from storage.postgres.pool import Pool, StorageError
from storage.postgres.recording_order import settle_at_most
from storage.postgres.replica import snapshot


def film_routes(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, films: FilmCache
) -> APIRouter:
    """`/api/replay`, which answers what assets/film/film.mjs opens; all of it, or with `?from=`, `?to=` and
    `?list=` (its number) a part.
    """
    router = APIRouter()
    making = asyncio.Lock()  # a part takes the database seconds: who waits for one takes no connection

    @router.get("/api/replay")
    async def replay(
        request: Request,
        since: Annotated[datetime | None, Query(alias="from")] = None,
        until: Annotated[datetime | None, Query(alias="to")] = None,
        list_id: Annotated[int | None, Query(alias="list", ge=1, le=2**31 - 1)] = None,
    ) -> Response:
        now = clock()
        refused = refused_time("from", since, now) or refused_time("to", until, now)
        if refused is not None:
            return refused
        if since is not None and until is not None and since >= until:
            return refusal(422, "from must be before to.")
        part = FilmSelection(since, until, list_id)
        try:
            now = await settle_at_most(pool, now)
            if part == FilmSelection():
                async with snapshot(pool, limited=True) as conn:
                    body = await films.answer(conn, WHOLE, now)
            else:
                async with making, snapshot(pool, limited=True) as conn:
                    body = await film_selection(conn, part, now, settings)
        except StorageError as error:
            return refusal(503, str(error))
        return packed(request, body)

    return router
