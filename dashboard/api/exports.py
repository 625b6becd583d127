"""Whole tables as streams: what `blockline export` writes, byte for byte."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, suppress
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from dashboard.api.parameter_types import AsKnownAt, At, From, OnList, OnPlatform, To
from dashboard.api.problem_responses import NOT_FOUND, ApiBusy, ApiInvalidField
from dashboard.api.request_checks import ApiContext, refuse_unknown_list
from dashboard.asgi.off_loop import off_loop
from storage.export.exports import EXPORTS, fault, settled, snapshot
from storage.model.evidence.export_kinds import Choice, ExportFilter, Kind
from storage.model.evidence.export_text import csv_lines, json_lines

AT_ONCE = 2
"""Exports that may run in one process: each holds a connection to the database until it is read."""
STALLED_S = 60.0
"""An export is cancelled if its reader takes nothing for this long."""
LONGEST_S = 3600.0
"""An export is cancelled after this time in any case. While it runs, the tables that it reads get no new
partition.
"""


class Form(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


MEDIA_TYPES = {Form.CSV: "text/csv", Form.JSONL: "application/x-ndjson"}
_STREAMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows. If the stream breaks off, the table is incomplete.",
        "content": {kind: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()},
    }
}


class StallLimitedResponse(StreamingResponse):
    """A stream that stops if its reader does not read, and releases its source at its end."""

    def __init__(self, rows: AsyncGenerator[bytes], kept: AsyncExitStack, **options: Any) -> None:
        super().__init__(rows, **options)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._kept:
            with suppress(ClientDisconnect):
                await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        async def send_within(message: Message) -> None:
            async with asyncio.timeout(STALLED_S):
                await send(message)

        try:
            async with asyncio.timeout(LONGEST_S):
                await super().stream_response(send_within)
        except TimeoutError as error:
            raise ClientDisconnect from error


def export_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["export"])
    free = asyncio.Semaphore(AT_ONCE)

    @router.get("/export/{kind}", response_class=Response, responses={**NOT_FOUND, **_STREAMS})
    async def export(
        kind: Kind,
        form: Annotated[
            Form,
            Query(alias="format", description="JSON Lines, or CSV in which formulas are made harmless."),
        ] = Form.JSONL,
        since: From = None,
        until: To = None,
        at: At = None,
        as_known_at: AsKnownAt = None,
        list_name: OnList = None,
        platform: OnPlatform = None,
    ) -> Response:
        """Export all rows of one kind, from one snapshot. docs/export.md explains each column."""
        wanted = ExportFilter(source.clock(), since, until, at, as_known_at, list_name, platform)
        if (why := fault(kind, wanted, _called)) is not None:
            raise ApiInvalidField("query", why)
        if free.locked():
            raise ApiBusy(f"{AT_ONCE} exports are already running. Try again when one has finished.")
        stack = AsyncExitStack()
        async with stack:
            await stack.enter_async_context(free)
            wanted = await settled(source.pool, kind, wanted)
            conn = await stack.enter_async_context(snapshot(source.pool))
            await refuse_unknown_list(conn, list_name)
            rows = await EXPORTS[kind].rows(conn, wanted)
            await stack.enter_async_context(aclosing(rows.chunks))
            first, lines = csv_lines(rows.columns) if form is Form.CSV else json_lines(rows.columns)
            kept = stack.pop_all()

        async def text() -> AsyncGenerator[bytes]:
            if first:
                yield first.encode()
            async for chunk in rows.chunks:
                yield (await off_loop(lines, chunk)).encode()

        name = f"{kind.value}.{form.value}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StallLimitedResponse(
            text(), kept, media_type=f"{MEDIA_TYPES[form]}; charset=utf-8", headers=headers
        )

    return router


def _called(choice: Choice) -> str:
    return choice.field
