"""Logging in and out: an own form that works without any script, and a session that the database keeps."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from dashboard.asgi.settings import DashboardSettings, Login
from dashboard.auth.access import LOGIN_UNAVAILABLE, actor_of
from dashboard.auth.form_actions import read_body
from dashboard.auth.login_page import READ, login_page
from dashboard.auth.login_refusals import lock_of, log_refused, record_failed
from dashboard.auth.login_sessions import address_of, end_login_session, start_session
from dashboard.auth.middleware import cookie_name
from dashboard.auth.passwords import (
    DUMMY_HASH,
    LONGEST,
    Passwords,
)
from dashboard.auth.second_step import SecondStep, too_many
from dashboard.ui.form_input import WrongInput, filled
from storage.people import people
from storage.people.login_limits import succeeded
from storage.people.refused_logins import record_failed_login
from storage.postgres.pool import Pool, StorageError, transaction

WRONG: Final = "The name or the password is wrong, or this user may not log in."
"""The same whatever is wrong, so that nobody learns who is on file."""


def login_routes(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, login: Login
) -> APIRouter:
    router = APIRouter()
    passwords = Passwords(login.hash_cost)
    second_step = SecondStep(pool, clock, settings, login)
    router.add_api_route("/login/code", second_step.enter_code, methods=["POST"])
    router.add_api_route("/login/set-up", second_step.set_up, methods=["POST"])
    for path in ("/login/code", "/login/set-up"):
        router.add_api_route(path, second_step.begin_again, methods=READ)

    @router.post("/login")
    async def enter(request: Request) -> Response:
        leads_to = request.query_params.get("next", "")
        try:
            given = filled(request.headers.get("content-type", ""), await read_body(request))
            name, password = given.text("name"), given.fields.get("password", "")
            now, address = clock(), address_of(request)
            lock = await lock_of(pool, name, address, now)
            if lock is not None:
                return login_page(settings, leads_to, too_many(lock), name, status=429)
            known = await _who(pool, passwords, name, password)
            if known is None:
                await record_failed(pool, name, address, now)
                return login_page(settings, leads_to, WRONG, name, status=403)
            async with transaction(pool) as conn:
                if await people.password_of(conn, name) != known:  # from here on nobody changes the person
                    reason = "the password was changed while this one was checked"
                    log_refused(await record_failed_login(conn, name, address, reason, now))
                    return login_page(settings, leads_to, WRONG, name, status=403)
                await succeeded(conn, name, address)
                asks = await second_step.page(conn, name, known, leads_to, now)
                if asks is not None:
                    return asks
                return await start_session(conn, request, login, known[0], leads_to, now)
        except WrongInput as error:
            return login_page(settings, leads_to, str(error), status=422)
        except StorageError:
            return login_page(settings, leads_to, LOGIN_UNAVAILABLE, status=503)

    @router.post("/logout")
    async def leave(request: Request) -> Response:
        try:
            async with transaction(pool) as conn:
                await end_login_session(conn, actor_of(request), clock())
        except StorageError as error:
            return PlainTextResponse(f"Not logged out: {error}", status_code=503)
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(
            cookie_name(login), path="/", secure=login.is_secure, httponly=True, samesite="lax"
        )
        return answer

    return router


async def _who(pool: Pool, passwords: Passwords, name: str, password: str) -> tuple[int, str] | None:
    """Number and hash of whoever has this name and this password. Takes as long where there is nobody."""
    async with transaction(pool) as conn:
        known = await people.password_of(conn, name)
    person_id, kept = known or (None, DUMMY_HASH)
    if not await passwords.is_right(password[: LONGEST + 1], kept) or person_id is None:
        return None
    if not passwords.has_current_cost(kept):
        anew = await passwords.rehashed(password)
        async with transaction(pool) as conn:
            await people.rehash(conn, person_id, kept, anew)
        kept = anew
    return person_id, kept
