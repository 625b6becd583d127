"""Downloads: whole tables as streams, byte for byte what `blockline export` writes, and single files."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, suppress
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from dashboard.api.account_edits import Analyst
from dashboard.api.paging import sent_as
from dashboard.api.parameter_types import (
    AsKnownAt,
    At,
    From,
    OfPosts,
    OnList,
    OnPlatform,
    PathNumber,
    RepeatedlyBlocked,
    To,
)
from dashboard.api.problem_responses import NOT_FOUND, NOT_MADE, ApiBusy, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, ordered, past, refuse_unknown_list
from dashboard.asgi.off_loop import off_loop
from dashboard.orders.report import settled_report
from dashboard.orders.report_html import Imprint
from storage.accounts.lookup import is_stored
from storage.changes.evidence_collection import PackSubject, PackSubjectKind
from storage.changes.paged_changes import change_with
from storage.countries.label_evidence import subject_of_label
from storage.export.exports import EXPORTS, fault, settled
from storage.model.evidence.export_kinds import Choice, ExportFilter, Kind
from storage.model.evidence.export_text import csv_lines, json_lines
from storage.model.evidence.packs import made_by
from storage.orders.compliance_report import find_order
from storage.postgres.pool import transaction
from storage.postgres.replica import snapshot

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


ZIP = "application/zip"
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
    router = api_router(tags=["export"])
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
        post: OfPosts = None,
        repeatedly_blocked: RepeatedlyBlocked = False,
    ) -> Response:
        """Export all rows of one kind, from one snapshot. docs/reference/export.md explains each column."""
        wanted = ExportFilter(
            source.clock(), since, until, at, as_known_at, list_name, platform, post, repeatedly_blocked
        )
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


class ReportForm(StrEnum):
    """What a report can be."""

    HTML = "html"
    PDF = "pdf"


REPORT_TYPES = {ReportForm.HTML: "text/html; charset=utf-8", ReportForm.PDF: "application/pdf"}


def _file(*kinds: str) -> dict[int | str, dict[str, Any]]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": "The file.", "content": dict.fromkeys(kinds, binary)}}


def file_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["files"])

    @router.get(
        "/changes/{change_id}/evidence-pack",
        response_class=Response,
        responses={**NOT_FOUND, **NOT_MADE, **_file(ZIP)},
    )
    async def evidence_pack(request: Request, change_id: PathNumber, _actor: Analyst) -> Response:
        """Make the evidence pack of a change, as `blockline evidence pack` does. It contains raw answers.

        Requires an analyst. Two packs can be made at once.
        """
        async with transaction(source.pool) as conn:
            if await change_with(conn, change_id) is None:
                raise ApiNotFound(f"There is no change {change_id}.")
        made = await source.files.evidence_pack(source.pool, change_id, source.clock())
        return sent_as(request, made.content, ZIP, _attached(made.name))

    @router.get(
        "/labels/{label_id}/evidence-pack",
        response_class=Response,
        responses={**NOT_FOUND, **NOT_MADE, **_file(ZIP)},
    )
    async def label_pack(request: Request, label_id: PathNumber, _actor: Analyst) -> Response:
        """Make the evidence of the labels about the subject of a label, as `blockline evidence label` does.

        Requires an analyst. Two packs can be made at once.
        """
        async with transaction(source.pool) as conn:
            if await subject_of_label(conn, label_id) is None:
                raise ApiNotFound(f"There is no label {label_id}.")
        made = await source.files.label_pack(source.pool, label_id, source.clock())
        return sent_as(request, made.content, ZIP, _attached(made.name))

    async def packs(subject: PackSubject) -> Response:
        """The file as a stream: it is made while it is read, and nothing is held but its place."""
        ordered(subject.since, subject.until)
        stack = AsyncExitStack()
        async with stack:
            made = await stack.enter_async_context(
                source.files.evidence_packs(source.pool, subject, source.clock())
            )
            kept = stack.pop_all()
        return StallLimitedResponse(made.chunks, kept, media_type=ZIP, headers=_attached(made.name))

    @router.get(
        "/accounts/{account_id}/evidence-packs",
        response_class=Response,
        responses={**NOT_FOUND, **NOT_MADE, **_file(ZIP)},
    )
    async def packs_of_account(
        account_id: PathNumber, _actor: Analyst, since: From = None, until: To = None
    ) -> Response:
        """Make the evidence packs of all changes of an account first seen in a period, in one zip file.

        Requires an analyst. One such file is made at a time. If the stream breaks off, it is incomplete.
        """
        async with transaction(source.pool) as conn:
            if not await is_stored(conn, account_id):
                raise ApiNotFound(f"There is no account {account_id}.")
        return await packs(PackSubject(PackSubjectKind.ACCOUNT, account_id, since, until))

    @router.get(
        "/orders/{order_id}/evidence-packs",
        response_class=Response,
        responses={**NOT_FOUND, **NOT_MADE, **_file(ZIP)},
    )
    async def packs_of_order(
        order_id: PathNumber, _actor: Analyst, since: From = None, until: To = None
    ) -> Response:
        """Make the evidence packs of the changes, since an order was issued, of the accounts on its list.

        Requires an analyst. One such file is made at a time. If the stream breaks off, it is incomplete.
        """
        async with transaction(source.pool) as conn:
            if await find_order(conn, order_id) is None:
                raise ApiNotFound("There is no such order.")
        return await packs(PackSubject(PackSubjectKind.ORDER, order_id, since, until))

    @router.get(
        "/orders/{order_id}/report",
        response_class=Response,
        responses={**NOT_FOUND, **NOT_MADE, **_file("text/html", "application/pdf")},
    )
    async def report(
        request: Request,
        order_id: PathNumber,
        form: Annotated[
            ReportForm, Query(alias="format", description="A PDF needs Chromium; one is made at a time.")
        ] = ReportForm.HTML,
        at: At = None,
        as_known_at: AsKnownAt = None,
    ) -> Response:
        """Make the report on an order, as `blockline report` does."""
        now = source.clock()
        known = past(as_known_at, "as_known_at", now)
        moment = past(at, "at", now) or known or now
        settings = source.settings
        imprint = Imprint(now, made_by(), settings.synthetic, settings.sweep_every, source.base_url)
        found = await settled_report(source.pool, order_id, moment, known, imprint)
        if found is None:
            raise ApiNotFound("There is no such order.")
        html = await off_loop(found.html)
        content = html.encode() if form is ReportForm.HTML else await source.files.pdf(html)
        return sent_as(request, content, REPORT_TYPES[form], _attached(found.name(f".{form.value}")))

    return router


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
