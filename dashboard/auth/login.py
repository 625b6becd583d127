"""Logging in and out: an own form that works without any script, and a session that the database keeps."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from dashboard.asgi.settings import DashboardSettings, Login
from dashboard.auth.access import LOGIN_UNAVAILABLE, actor_of
from dashboard.auth.form_actions import read_body
from dashboard.auth.login_page import login_page, own_page
from dashboard.auth.login_refusals import lock_of, log_refused, record_failed
from dashboard.auth.middleware import cookie_name, session_in
from dashboard.auth.passwords import (
    DUMMY_HASH,
    LONGEST,
    Passwords,
    has_current_parameters,
    new_session,
    token_hash,
)
from dashboard.ui import words
from dashboard.ui.form_input import WrongInput, filled
from storage.model.core.people import Actor
from storage.model.text.states import clean
from storage.people import people
from storage.people.login_limits import succeeded
from storage.people.refused_logins import record_failed_login
from storage.people.sessions import LASTS, actor_with_session, begin_session, end_session
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction

WRONG: Final = "The name or the password is wrong, or this user may not log in."
"""The same whatever is wrong, so that nobody learns who is on file."""


def login_routes(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, login: Login
) -> APIRouter:
    router = APIRouter()
    passwords = Passwords()

    @router.post("/login")
    async def enter(request: Request) -> Response:
        leads_to = request.query_params.get("next", "")
        try:
            given = filled(request.headers.get("content-type", ""), await read_body(request))
            name, password = given.text("name"), given.fields.get("password", "")
            now, address = clock(), address_of(request)
            lock = await lock_of(pool, name, address, now)
            if lock is not None:
                sentence = f"There were too many attempts. Try again at {words.clock(lock.until)} UTC."
                return login_page(settings, leads_to, sentence, name, status=429)
            known = await _who(pool, passwords, name, password)
            if known is None:
                await record_failed(pool, name, address, now)
                return login_page(settings, leads_to, WRONG, name, status=403)
            async with transaction(pool) as conn:
                await succeeded(conn, name, address)
                if await people.password_of(conn, name) != known:
                    reason = "the password was changed while this one was checked"
                    log_refused(await record_failed_login(conn, name, address, reason, now))
                    return login_page(settings, leads_to, WRONG, name, status=403)
                return await start_session(conn, request, login, known[0], leads_to, now)
        except WrongInput as error:
            return login_page(settings, leads_to, str(error), status=422)
        except StorageError:
            return login_page(settings, leads_to, LOGIN_UNAVAILABLE, status=503)

    @router.post("/logout")
    async def leave(request: Request) -> Response:
        try:
            async with transaction(pool) as conn:
                await _end(conn, actor_of(request), clock())
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
    if not has_current_parameters(kept):
        anew = await passwords.rehashed(password)
        async with transaction(pool) as conn:
            await people.rehash(conn, person_id, kept, anew)
        kept = anew
    return person_id, kept


async def _end(conn: Conn, actor: Actor | None, now: datetime) -> None:
    """End the session that somebody acts with; nothing for who has none, or none any more."""
    if actor is not None and actor.session_id is not None and actor.person_id is not None:
        with suppress(Refused):
            await end_session(conn, actor.session_id, actor.person_id, actor.name, now)


async def start_session(
    conn: Conn, request: Request, login: Login, person_id: int, leads_to: str, now: datetime
) -> Response:
    """Begin a session for a person and lead to the page that was asked for. The secret is always a new one:
    whatever the browser had before lets nobody in as somebody else, and ends.
    """
    before = session_in(request.scope, login)
    if before:
        await _end(conn, await actor_with_session(conn, token_hash(before), now), now)
    secret = new_session()
    said = request.headers.get("user-agent", "")
    browser = clean(said, 300) if said else ""
    await begin_session(conn, person_id, token_hash(secret), address_of(request), browser, now)
    answer = RedirectResponse(own_page(leads_to), status_code=303)
    answer.set_cookie(
        cookie_name(login),
        secret,
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=login.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def address_of(request: Request) -> str:
    """From where it comes, as far as the server knows: a proxy's word counts only if it is trusted."""
    return request.client.host if request.client else ""
