"""The session that a login begins: in the database, and in a cookie of the browser."""

from contextlib import suppress
from datetime import datetime

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from dashboard.asgi.settings import Login
from dashboard.auth.login_page import own_page
from dashboard.auth.middleware import cookie_name, session_in
from dashboard.auth.passwords import new_session, token_hash
from storage.model.core.people import Actor
from storage.model.text.states import clean
from storage.people.sessions import LASTS, actor_with_session, begin_session, end_session
from storage.postgres.pool import Conn, Refused


async def end_login_session(conn: Conn, actor: Actor | None, now: datetime) -> None:
    """End the session that somebody acts with; nothing for who has none, or none any more."""
    if actor is not None and actor.session_id is not None and actor.person_id is not None:
        with suppress(Refused):
            await end_session(conn, actor.session_id, actor.person_id, actor.name, now)


async def start_session(
    conn: Conn,
    request: Request,
    login: Login,
    person_id: int,
    leads_to: str,
    now: datetime,
    answer: Response | None = None,
) -> Response:
    """Begin a session for a person, and answer with a page or lead to the one that was asked for.

    The secret is always a new one: what the browser had before lets nobody in as somebody else, and ends.
    """
    before = session_in(request.scope, login)
    if before:
        await end_login_session(conn, await actor_with_session(conn, token_hash(before), now), now)
    secret = new_session()
    said = request.headers.get("user-agent", "")
    browser = clean(said, 300) if said else ""
    await begin_session(conn, person_id, token_hash(secret), address_of(request), browser, now)
    answer = answer or RedirectResponse(own_page(leads_to), status_code=303)
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
