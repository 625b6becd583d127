"""What is done with causes on pages: recorded, corrected and withdrawn."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.auth.form_actions import run_form_action, stay
from dashboard.causes.form import DOCUMENT_FILE, LABELS, cause_of, document_in, subjects_of
from dashboard.ui.form_input import Filled, WrongInput, page_of
from dashboard.ui.toasts import Toast
from dashboard.wire.compact_json import Json, Phrases, up, up_or_none
from storage.causes.cause_import import record_once
from storage.causes.ledger import correct_cause, known_causes, withdraw_cause
from storage.model.causes.causes import CauseFault, KnownCause, surest_first
from storage.model.causes.words import NOT_KNOWN, cause_summary
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Conn, Pool, StorageError, transaction

WRITE_CAUSES = Role.ANALYST
_LARGEST_FORM = 30_000_000
"""Bytes of a form with the largest document, which is sent as text and so a third longer."""
LARGEST_FORMS = {f"/api/causes/{act}": _LARGEST_FORM + 1_000_000 for act in ("record", "correct")}
"""Bytes that are taken at all: a form that is a little too large is refused in a sentence on its page."""
_LABELS = {**LABELS, "document": DOCUMENT_FILE}


def lanes_json(causes: Sequence[KnownCause]) -> Json:
    """The causes for the lanes of Live and Replay, the surest first: the number of their words, from when
    until when they stood, and which of them are of a change and which of an account or a post. Pure.
    """
    until = {known.cause.cause_id: known.until for known in causes}
    said = Phrases()
    rows: list[tuple[int, int, int | None]] = []
    about: dict[str, dict[int, list[int]]] = {"change": {}, "account": {}}
    for place, cause in enumerate(surest_first(known.cause for known in causes)):
        stood = up(cause.recorded_at), up_or_none(until[cause.cause_id])
        rows.append((said.number(cause_summary([cause])), *stood))
        about[cause.subject.kind].setdefault(cause.subject.number, []).append(place)
    return {
        "words": said.words,
        "none": NOT_KNOWN,
        "causes": rows,
        "changes": about["change"],
        "accounts": about["account"],
    }


def cause_page_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    """`/api/causes/lanes`; and `record`, `correct` and `withdraw`, to which forms are posted."""
    router = APIRouter(prefix="/api/causes")

    @router.get("/lanes")
    async def lanes() -> Response:
        try:
            async with transaction(pool) as conn:
                return JSONResponse(lanes_json(await known_causes(conn)))
        except StorageError as error:
            return refusal(503, str(error))

    async def write(
        request: Request, done: str, act: Callable[[Conn, Filled, Actor], Awaitable[object]]
    ) -> Response:
        async def do(given: Filled, actor: Actor) -> Response:
            try:
                async with transaction(pool) as conn:
                    await act(conn, given, actor)
            except CauseFault as fault:
                label = _LABELS.get(fault.field, fault.field)
                raise WrongInput(str(fault).replace(fault.field, label, 1)) from fault
            return stay(request, page_of(request.query_params.get("back", "")), Toast(done))

        return await run_form_action(request, WRITE_CAUSES, do, _LARGEST_FORM)

    @router.post("/record")
    async def record(request: Request) -> Response:
        async def act(conn: Conn, given: Filled, actor: Actor) -> object:
            text = cause_of(given)
            stated = [(subject, text) for subject in subjects_of(given)]
            return await record_once(conn, stated, actor.name, clock(), document_in(given))

        return await write(request, "The cause is recorded.", act)

    @router.post("/correct")
    async def correct(request: Request) -> Response:
        return await write(
            request,
            "The correction is recorded.",
            lambda conn, given, actor: correct_cause(
                conn, given.number("cause"), cause_of(given), actor.name, clock(), document_in(given)
            ),
        )

    @router.post("/withdraw")
    async def withdraw(request: Request) -> Response:
        return await write(
            request,
            "The cause is withdrawn.",
            lambda conn, given, actor: withdraw_cause(conn, given.number("cause"), actor.name, clock()),
        )

    return router
