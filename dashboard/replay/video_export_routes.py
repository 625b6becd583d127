"""A film of a replay as a file: the browser draws it and sends the pictures, ffmpeg makes them one."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.auth import access
from dashboard.replay import video_export
from dashboard.replay.video_export import MOST_BYTES, MOST_FRAMES, MOST_RATE, ClipError, ClipFormat

PATH: Final = "/api/replay/clip"
ARRIVES_WITHIN_S = 60.0
JPEG = b"\xff\xd8\xff"


def clip_routes() -> APIRouter:
    """`GET` says what can be made here, `POST` makes it: one film at a time."""
    router = APIRouter()
    working = asyncio.Lock()

    @router.get(PATH)
    async def possible(request: Request) -> Response:
        may = access.actor_of(request).role.includes(access.FILM)
        forms = await video_export.available_formats() if may else []
        return JSONResponse({"forms": forms, "frames": MOST_FRAMES, "bytes": MOST_BYTES})

    @router.post(PATH)
    async def make(
        request: Request,
        form: Annotated[ClipFormat, Query(alias="format")],
        frames: Annotated[int, Query(ge=1, le=MOST_FRAMES)],
        rate: Annotated[int, Query(ge=1, le=MOST_RATE)],
    ) -> Response:
        try:
            access.require(access.actor_of(request), access.FILM)
        except access.Forbidden as error:
            return refusal(403, str(error))
        if working.locked():
            return refusal(429, "Another film is being made. Try again when it is done.")
        async with working:
            try:
                async with asyncio.timeout(ARRIVES_WITHIN_S):
                    pictures = await request.body()
                if not pictures.startswith(JPEG):
                    return refusal(422, "The pictures must be JPEG.")
                made = await video_export.film(pictures, form, frames, rate)
            except TimeoutError:
                return refusal(408, f"The pictures did not arrive within {ARRIVES_WITHIN_S:.0f} s.")
            except ClipError as error:
                return refusal(422, str(error))
        name = f'attachment; filename="replay.{form}"'
        return Response(
            made, media_type=video_export.MEDIA_TYPES[form], headers={"Content-Disposition": name}
        )

    return router
