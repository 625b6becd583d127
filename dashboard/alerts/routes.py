"""What people do about alerts, as plain POST requests: acknowledge, mute, send again, switch and order rules.

Each is checked against the role of whoever asks, done in one transaction with its entry in the audit log,
and answered by the way back to the page; or refused in one sentence, and then nothing is stored.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.auth import access
from dashboard.auth.form_actions import run_form_action, stay
from dashboard.ui.alert_words import actor_words
from dashboard.ui.form_input import Filled, WrongInput, page_of
from dashboard.ui.forms import DURATION_OR_END, START
from dashboard.ui.toasts import Toast, Undo
from storage.accounts.lookup import account_called
from storage.alerts import mail_queue, mutes, rules, threads
from storage.alerts.threads_report import count_open_stories
from storage.model.core.people import Actor, Role
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Pool, StorageError, transaction

AlertAction: TypeAlias = Callable[[Conn, Filled, Actor, datetime], Awaitable[Toast]]


async def _acknowledge(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    key = given.needed("story")
    done = await threads.acknowledge(conn, key, actor.name, given.note(), now)
    if not done.first:
        return Toast(f"{actor_words(done.by)} had already acknowledged it.")
    return Toast("Acknowledged.", _undo("acknowledge/undo", story=key, revision=str(done.revision)))


async def _undo_acknowledgement(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    seen = given.number("revision")
    await threads.undo_acknowledgement(conn, given.needed("story"), actor.name, now, seen=seen)
    return Toast("The incident is open again.")


async def _mute(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    account, named = given.text("account"), given.text("list")
    until = given.moment("until", now, DURATION_OR_END)
    if bool(account) == bool(named):
        raise WrongInput("Set either an account, or a list or order.")
    if account:
        account_id = await account_called(conn, account)
        mute_id = await mutes.mute_account(conn, account_id, now, until, given.note(), actor.name, now)
    else:
        mute_id = await mutes.mute_list(conn, named, now, until, given.note(), actor.name, now)
    return Toast(f"{clean(account or named, 80)} is muted.", _undo("mute/end", mute=str(mute_id)))


async def _end_mute(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    mute_id = given.number("mute")
    if any(m.mute_id == mute_id and m.is_maintenance for m in await mutes.all_mutes(conn, now)):
        access.require(actor, access.MAINTENANCE)
    await mutes.end_mute(conn, mute_id, actor.name, now)
    return Toast("The mute has ended.")


async def _maintenance(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    since, until = given.moment("since", now, START) or now, given.moment("until", now, DURATION_OR_END)
    if until is None:
        raise WrongInput("Set the duration or the end of the maintenance.")
    mute_id = await mutes.maintenance(conn, since, until, given.note(), actor.name, now)
    return Toast("The maintenance is stored.", _undo("mute/end", mute=str(mute_id)))


async def _resend(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    await mail_queue.resend(conn, given.number("mail"), actor.name, now)
    return Toast("The email is queued again.")


async def _enable(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    await rules.enable_rule(conn, given.needed("rule"), actor.name, now, enabled=True)
    return switched_toast(given.needed("rule"), enabled=True)


async def _disable(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    await rules.enable_rule(conn, given.needed("rule"), actor.name, now, enabled=False)
    return switched_toast(given.needed("rule"), enabled=False)


async def _move_up(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    moved = await rules.move_rule(conn, given.needed("rule"), actor.name, now, up=True)
    return _moved(given.needed("rule"), up=True, moved=moved)


async def _move_down(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    moved = await rules.move_rule(conn, given.needed("rule"), actor.name, now, up=False)
    return _moved(given.needed("rule"), up=False, moved=moved)


async def _remove_rule(conn: Conn, given: Filled, actor: Actor, now: datetime) -> Toast:
    await rules.remove_rule(conn, given.needed("rule"), actor.name, now)
    return Toast(f"The rule {clean(given.needed('rule'), 80)} is removed.")


def switched_toast(name: str, *, enabled: bool) -> Toast:
    """A rule was switched on or off, which the other switch undoes."""
    words = f"The rule {clean(name, 80)} is {'on' if enabled else 'off'}."
    return Toast(words, _undo("rules/disable" if enabled else "rules/enable", rule=name))


def _moved(name: str, *, up: bool, moved: bool) -> Toast:
    if not moved:
        return Toast(f"The rule {clean(name, 80)} stays where it was.")
    words = f"The rule {clean(name, 80)} is tried one place {'earlier' if up else 'later'}."
    return Toast(words, _undo("rules/down" if up else "rules/up", rule=name))


def _undo(act: str, **fields: str) -> Undo:
    return Undo(f"/api/alerts/{act}", fields)


ALERT_ACTIONS: dict[str, tuple[Role, AlertAction]] = {
    "/acknowledge": (access.ACKNOWLEDGE, _acknowledge),
    "/acknowledge/undo": (access.ACKNOWLEDGE, _undo_acknowledgement),
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
                toast = await deed(conn, given, actor, clock())
            return stay(request, page_of(request.query_params.get("back", "")), toast)

        return await run_form_action(request, role, do)

    return act
