"""What people do about alerts, as plain POST requests: acknowledge, mute, send again, switch and order rules.

Each is checked against the role of whoever asks, done in one transaction with its entry in the audit log,
and answered by the way back to the page; or refused in one sentence, and then nothing is stored.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.auth import access
from dashboard.auth.form_actions import run_form_action
from dashboard.ui.form_input import Filled, WrongInput, page_of
from storage.accounts.lookup import account_called
from storage.alerts import mail_queue, mutes, rules, threads
from storage.alerts.threads_report import count_open_stories
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Conn, Pool, StorageError, transaction

AlertAction: TypeAlias = Callable[[Conn, Filled, Actor, datetime], Awaitable[object]]


async def _acknowledge(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    await threads.acknowledge(conn, given.needed("story"), actor.name, given.note(), now)


async def _mute(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    account, named, until = given.text("account"), given.text("list"), given.moment("until", now)
    if bool(account) == bool(named):
        raise WrongInput("Set either an account, or a list or order.")
    if account:
        account_id = await account_called(conn, account)
        await mutes.mute_account(conn, account_id, now, until, given.note(), actor.name, now)
    else:
        await mutes.mute_list(conn, named, now, until, given.note(), actor.name, now)


async def _end_mute(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    mute_id = given.number("mute")
    if any(m.mute_id == mute_id and m.is_maintenance for m in await mutes.all_mutes(conn, now)):
        access.require(actor, access.MAINTENANCE)
    await mutes.end_mute(conn, mute_id, actor.name, now)


async def _maintenance(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    since, until = given.moment("since", now) or now, given.moment("until", now)
    if until is None:
        raise WrongInput("Set the duration or the end of the maintenance.")
    await mutes.maintenance(conn, since, until, given.note(), actor.name, now)


async def _resend(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    await mail_queue.resend(conn, given.number("mail"), actor.name, now)


async def _enable(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    await rules.enable_rule(conn, given.needed("rule"), actor.name, now, enabled=True)


async def _disable(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    await rules.enable_rule(conn, given.needed("rule"), actor.name, now, enabled=False)


async def _move_up(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    await rules.move_rule(conn, given.needed("rule"), actor.name, now, up=True)


async def _move_down(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    await rules.move_rule(conn, given.needed("rule"), actor.name, now, up=False)


async def _remove_rule(conn: Conn, given: Filled, actor: Actor, now: datetime) -> None:
    await rules.remove_rule(conn, given.needed("rule"), actor.name, now)


ALERT_ACTIONS: dict[str, tuple[Role, AlertAction]] = {
    "/acknowledge": (access.ACKNOWLEDGE, _acknowledge),
    "/mute": (access.MUTE, _mute),
    "/mute/end": (access.MUTE, _end_mute),
    "/maintenance": (access.MAINTENANCE, _maintenance),
    "/resend": (access.RESEND, _resend),
    "/rules/enable": (access.RULES, _enable),
    "/rules/disable": (access.RULES, _disable),
    "/rules/up": (access.RULES, _move_up),
    "/rules/down": (access.RULES, _move_down),
    "/rules/remove": (access.RULES, _remove_rule),
}
"""By address: whose role it takes, and what is done."""


def alert_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(prefix="/api/alerts")

    @router.get("/waiting")
    async def waiting() -> Response:
        try:
            async with transaction(pool) as conn:
                return JSONResponse({"stories": await count_open_stories(conn)})
        except StorageError as error:
            return refusal(503, str(error))

    for path, (role, deed) in ALERT_ACTIONS.items():
        router.add_api_route(path, _route(pool, clock, role, deed), methods=["POST"])
    return router


def _route(
    pool: Pool, clock: Callable[[], datetime], role: Role, deed: AlertAction
) -> Callable[[Request], Awaitable[Response]]:
    async def act(request: Request) -> Response:
        async def do(given: Filled, actor: Actor) -> Response:
            async with transaction(pool) as conn:
                await deed(conn, given, actor, clock())
            return RedirectResponse(page_of(request.query_params.get("back", "")), status_code=303)

        return await run_form_action(request, role, do)

    return act
