"""What is done with causes on pages: recorded, corrected and withdrawn."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from dashboard.auth.form_actions import run_form_action
from dashboard.causes.form import LABELS, cause_of, subject_of
from dashboard.ui.form_input import Filled, WrongInput, page_of
from storage.causes.ledger import correct_cause, record_cause, withdraw_cause
from storage.model.causes.causes import CauseFault
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Conn, Pool, transaction

WRITE_CAUSES = Role.ANALYST


def cause_page_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    """`/api/causes/record`, `correct` and `withdraw`."""
    router = APIRouter(prefix="/api/causes")

    async def write(request: Request, act: Callable[[Conn, Filled, Actor], Awaitable[int]]) -> Response:
        async def do(given: Filled, actor: Actor) -> Response:
            try:
                async with transaction(pool) as conn:
                    await act(conn, given, actor)
            except CauseFault as fault:
                label = LABELS.get(fault.field, fault.field)
                raise WrongInput(str(fault).replace(fault.field, label, 1)) from fault
            return RedirectResponse(page_of(request.query_params.get("back", "")), status_code=303)

        return await run_form_action(request, WRITE_CAUSES, do)

    @router.post("/record")
    async def record(request: Request) -> Response:
        return await write(
            request,
            lambda conn, given, actor: record_cause(
                conn, subject_of(given), cause_of(given), actor.name, clock()
            ),
        )

    @router.post("/correct")
    async def correct(request: Request) -> Response:
        return await write(
            request,
            lambda conn, given, actor: correct_cause(
                conn, given.number("cause"), cause_of(given), actor.name, clock()
            ),
        )

    @router.post("/withdraw")
    async def withdraw(request: Request) -> Response:
        return await write(
            request,
            lambda conn, given, actor: withdraw_cause(conn, given.number("cause"), actor.name, clock()),
        )

    return router
