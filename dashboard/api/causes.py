"""Causes over the API: who says why something was blocked or came back. Whatever is written is a new row."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field

from dashboard.api.account_edits import Analyst, ApiInput, made
from dashboard.api.account_models import ApiModel
from dashboard.api.paging import BINARY, Page, number_in, page, sent, sent_file
from dashboard.api.parameter_types import (
    AsKnownAt,
    CursorText,
    Limit,
    Moment,
    Number,
    OfAccount,
    PathNumber,
    Text,
    storable,
)
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, past
from storage.causes import ledger
from storage.causes.cause_documents import document_of
from storage.causes.cause_import import subject_called
from storage.model.causes.causes import (
    LONGEST_TEXT,
    USUAL_CONFIDENCE,
    CauseFault,
    CauseKind,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
    StatedCause,
    cause_facts,
)
from storage.model.causes.causes_csv import NamedSubject
from storage.postgres.pool import Conn, transaction

CauseWords = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(storable)]


class CauseSaid(ApiModel):
    """What is said, by whom and where it can be read."""

    kind: CauseKind
    legal_basis: str
    """The law that is named. Empty: none is."""
    said_by: CauseSource
    speaker: str
    """The person, paper, court or office that says so. Empty: `said_by` is enough."""
    source: str
    """Address or name of the document."""
    stated_on: datetime
    confidence: Confidence
    disputed_by: str
    """Who says that this is not the cause. Empty: nobody is known to."""


class Cause(CauseSaid):
    """What somebody said was the cause of something. It is never concluded from an order and a date."""

    cause_id: int
    supersedes: int | None
    """The cause that this one corrects or withdraws."""
    withdrawn: bool
    change_id: int | None
    """The change that it is about. Null: it is about an account, a post or an order."""
    account_id: int | None
    """The account or post that it is about, by Blockline's number. Null: it is about something else."""
    order_id: int | None
    """The order that it is about, by Blockline's number. Null: it is about something else."""
    document: str | None
    """SHA-256 of the document, if it was kept."""
    note: str
    recorded_at: datetime
    recorded_by: str


class CauseGiven(ApiInput):
    """What is said, by whom and where it can be read."""

    kind: CauseKind
    said_by: CauseSource
    source: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(storable)]
    """Address or name of the document."""
    stated_on: Moment
    speaker: CauseWords = ""
    """The person, paper, court or office that says so; required for press, court records and analysts."""
    legal_basis: CauseWords = ""
    confidence: Confidence | None = None
    """Null for that of the source, which is also the highest that it can have."""
    disputed_by: CauseWords = ""
    note: CauseWords = ""


class NewCauseGiven(CauseGiven):
    """A cause of one thing: an account or post, a change, or an order."""

    account_id: Number | None = None
    change_id: Number | None = None
    order: Text | None = None
    """The reference of an order."""


def cause_routes(source: ApiContext) -> APIRouter:
    router = api_router(prefix="/causes", tags=["causes"])

    @router.get("", response_model=Page[Cause])
    async def list_causes(
        request: Request,
        account: OfAccount = None,
        order: Annotated[Text | None, Query(description="Only this order, by its reference.")] = None,
        as_known_at: AsKnownAt = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List causes by number, without those that were corrected or withdrawn."""
        known = past(as_known_at, "as_known_at", source.clock())
        async with transaction(source.pool) as conn:
            rows = await ledger.paged_causes(
                conn,
                known_at=known,
                account_id=account,
                order=order,
                after=number_in(request, cursor) or 0,
                limit=limit + 1,
            )
        return page(request, rows, limit, _model, lambda row: row.cause_id)

    @router.get("/{cause_id}", response_model=Cause, responses=NOT_FOUND)
    async def show_cause(request: Request, cause_id: PathNumber) -> Response:
        """Get a cause, also one that was corrected or withdrawn."""
        async with transaction(source.pool) as conn:
            return sent(request, _model(await _there(conn, cause_id)))

    @router.get(
        "/{cause_id}/document",
        response_class=Response,
        responses={
            **NOT_FOUND,
            **CONFLICT,
            200: {
                "description": "The file, unchanged since it was recorded.",
                "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def cause_document(request: Request, cause_id: PathNumber) -> Response:
        """Download the document of a cause. 409 means that its content no longer matches its hash."""
        async with transaction(source.pool) as conn:
            cause = await _there(conn, cause_id)
            if cause.document is None:
                raise ApiNotFound(f"Cause {cause_id} has no document.")
            found = await document_of(conn, cause.document)
        if found is None:
            raise ApiNotFound(f"The document of cause {cause_id} was purged.")
        return sent_file(request, found.name, found.content)

    return router


def cause_writing_routes(source: ApiContext) -> APIRouter:
    router = api_router(prefix="/causes", tags=["causes"])

    @router.post("", status_code=201, response_model=Cause, responses=CONFLICT)
    async def record_cause(given: NewCauseGiven, actor: Analyst) -> Response:
        """Record a cause. Requires an analyst."""
        now = source.clock()
        async with transaction(source.pool) as conn:
            subject = await _subject(conn, given)
            try:
                number = await ledger.record_cause(conn, subject, _text(given), actor.name, now)
            except CauseFault as fault:
                raise ApiInvalidField(f"body.{fault.field}", str(fault)) from fault
            return made(_model(await _there(conn, number)))

    @router.put("/{cause_id}", response_model=Cause, responses={**NOT_FOUND, **CONFLICT})
    async def correct_cause(
        request: Request, cause_id: PathNumber, given: CauseGiven, actor: Analyst
    ) -> Response:
        """Record a corrected cause in place of another; both are kept. Requires an analyst."""
        now = source.clock()
        async with transaction(source.pool) as conn:
            await _there(conn, cause_id)
            try:
                number = await ledger.correct_cause(conn, cause_id, _text(given), actor.name, now)
            except CauseFault as fault:
                raise ApiInvalidField(f"body.{fault.field}", str(fault)) from fault
            return sent(request, _model(await _there(conn, number)))

    @router.delete("/{cause_id}", response_model=Cause, responses={**NOT_FOUND, **CONFLICT})
    async def withdraw_cause(request: Request, cause_id: PathNumber, actor: Analyst) -> Response:
        """Withdraw a cause; it can still be read. Requires an analyst."""
        async with transaction(source.pool) as conn:
            await _there(conn, cause_id)
            number = await ledger.withdraw_cause(conn, cause_id, actor.name, source.clock())
            return sent(request, _model(await _there(conn, number)))

    return router


async def _there(conn: Conn, cause_id: int) -> StatedCause:
    found = await ledger.cause_numbered(conn, cause_id)
    if found is None:
        raise ApiNotFound(f"There is no cause {cause_id}.")
    return found


async def _subject(conn: Conn, given: NewCauseGiven) -> CauseSubject:
    """Return what the cause is about. Raises ApiInvalidField if it is not exactly one thing, and Refused if
    there is no such order.
    """
    if sum(one is not None for one in (given.account_id, given.change_id, given.order)) != 1:
        raise ApiInvalidField("body", "Give one of `account_id`, `change_id` and `order`.")
    if given.order is not None:
        return await subject_called(conn, NamedSubject(order=given.order))
    return CauseSubject(change_id=given.change_id, account_id=given.account_id)


def _text(given: CauseGiven) -> CauseText:
    return CauseText(
        kind=given.kind,
        said_by=given.said_by,
        speaker=given.speaker,
        legal_basis=given.legal_basis,
        source=given.source,
        stated_on=given.stated_on,
        confidence=given.confidence or USUAL_CONFIDENCE[given.said_by],
        disputed_by=given.disputed_by,
        note=given.note,
    )


def _model(cause: StatedCause) -> Cause:
    return Cause.model_validate(cause_facts(cause))
