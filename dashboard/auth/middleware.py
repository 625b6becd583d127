"""Who asks: found out before anything else sees a request or a websocket, as one pure-ASGI wrapper.

A browser shows its session in a cookie, a program its token in `Authorization: Bearer`, and the reader of a
feed, which can do neither, its token in the address. Others reach only what `is_public_path` allows.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.requests import cookie_parser

from dashboard.asgi.problem_json import MEDIA_TYPE, is_api, problem_bytes
from dashboard.asgi.security_headers import SAFE, SIGNED, App, Message, Receive, Send
from dashboard.asgi.security_headers import Scope as Asked
from dashboard.asgi.settings import DashboardSettings, Login
from dashboard.asgi.websockets import PERSON, SESSION, Sockets
from dashboard.auth.access import LOGIN_UNAVAILABLE, NO_LOGIN_ACTOR, NOBODY, acting_as
from dashboard.auth.passwords import token_hash
from storage.model.core.people import Actor, Scope
from storage.people.sessions import actor_with_session, key_of, sessions_over
from storage.people.tokens import actor_with_token
from storage.postgres.pool import Pool, StorageError, transaction

PUBLIC_PATHS: Final = frozenset(
    {
        *("/login", "/login/code", "/login/set-up", "/login/style.css", "/login/boot.js"),
        *("/healthz", "/readyz"),
    }
)
OIDC_PUBLIC_PATHS: Final = frozenset({"/login/oidc", "/login/oidc/callback"})
FEEDS: Final = "/feeds/"
SESSION_CACHE_S = 2.0
"""So long who somebody is is not asked again: a page is fetched in forty requests. Where another process
ended a session, its requests are let in so much longer; its websockets are closed at once."""
LOOK_EVERY_S = 60.0
"""How often it is asked whose websockets may stay, in case that it was not heard that a session ended."""
SESSION_CACHE_SIZE = 1000
LOGIN_FIRST = "Log in first."
FEEDS_ONLY = "This token is for feeds only."
PAGES_ONLY = "Websockets need a login; a token is not enough."


class AuthenticationMiddleware:
    """Wraps the dashboard's ASGI app. Dash's own hooks do not see websockets; this does."""

    def __init__(
        self, app: App, pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings
    ) -> None:
        self._app = app
        self._pool = pool
        self._clock = clock
        self._settings = settings
        self._believed: dict[bytes, tuple[float, Actor]] = {}

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        login = self._settings.login
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif login is None:
            await self._let_in(Actor(NO_LOGIN_ACTOR, self._settings.role), scope, receive, send)
        elif is_public_path(scope, login):
            await self._let_in(NOBODY, scope, receive, send)
        else:
            await self._ask(login, scope, receive, send)

    async def _ask(self, login: Login, scope: Asked, receive: Receive, send: Send) -> None:
        try:
            actor = await self._actor(login, scope)
        except StorageError:
            await _refuse(503, LOGIN_UNAVAILABLE, scope, receive, send)
            return
        if actor is not None and actor.scope is Scope.FEEDS and not scope["path"].startswith(FEEDS):
            await _refuse(403, FEEDS_ONLY, scope, receive, send)
        elif actor is not None and actor.scope is not None and scope["type"] == "websocket":
            # It would stay open after the token ended: websockets are closed only when a session ends.
            await _refuse(403, PAGES_ONLY, scope, receive, send)
        elif actor is not None:
            await self._let_in(actor, scope, receive, send)
        else:
            await _refuse(401, LOGIN_FIRST, scope, receive, send)

    async def _let_in(self, actor: Actor, scope: Asked, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["actor"] = actor
        if actor.session_id is not None:
            state[SESSION], state[PERSON] = key_of(actor.session_id), str(actor.person_id)
        is_write = scope["type"] == "http" and scope["method"] not in SAFE
        with acting_as(actor):
            await self._app(scope, receive, self._forgetting(send) if is_write else send)

    def _forgetting(self, send: Send) -> Send:
        """Before the answer goes out, for what was done may have been about who may do what."""

        async def forget_and_send(message: Message) -> None:
            self._believed.clear()
            await send(message)

        return forget_and_send

    async def _actor(self, login: Login, scope: Asked) -> Actor | None:
        """Who shows something that lets him in; None for everybody else. Raises StorageError."""
        token = token_in(scope)
        shown = token if token is not None else session_in(scope, login)
        if not shown:
            return None
        key, now = token_hash(shown), asyncio.get_running_loop().time()
        until, actor = self._believed.get(key, (0.0, None))
        if actor is not None and now < until:
            return actor
        find = actor_with_session if token is None else actor_with_token
        async with transaction(self._pool) as conn:
            actor = await find(conn, key, self._clock())
        if actor is not None:
            if len(self._believed) >= SESSION_CACHE_SIZE:
                self._believed.clear()
            self._believed[key] = (now + SESSION_CACHE_S, actor)
        return actor


def is_public_path(scope: Asked, login: Login) -> bool:
    """Whether everybody may ask for it: the login itself, whether the monitor is well, and what a signed
    address opens. One by one: Dash answers with its page to every address that nobody else knows.
    """
    path = scope["path"]
    if scope["type"] != "http":
        return False
    if path.startswith(SIGNED):
        signed = path.removeprefix(SIGNED)
        return bool(signed) and "/" not in signed
    return path in PUBLIC_PATHS or (login.provider is not None and path in OIDC_PUBLIC_PATHS)


def token_in(scope: Asked) -> str | None:
    """The token that a program shows, empty for one that cannot be; None when it shows none."""
    shown = [value for name, value in scope["headers"] if name == b"authorization"]
    if shown:
        kind, _, token = shown[0].decode("latin-1").partition(" ")
        return token.strip() if len(shown) == 1 and kind.lower() == "bearer" else ""
    if scope["path"].startswith(FEEDS):
        try:
            fields = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10)
        except ValueError:
            return None
        return fields["token"][-1] if "token" in fields else None
    return None


def cookie_name(login: Login) -> str:
    """With the prefix no other host of the domain, and nobody without TLS, can set it."""
    return "__Host-blockline" if login.is_secure else "blockline"


def session_in(scope: Asked, login: Login) -> str | None:
    """What a browser shows of its session."""
    return cookies(scope).get(cookie_name(login))


def cookies(scope: Asked) -> dict[str, str]:
    """The cookies of a request: of one that is no cookie, and may be another server's here, nothing."""
    shown = (value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    return cookie_parser("; ".join(shown))


async def close_ended_sessions(
    pool: Pool, clock: Callable[[], datetime], sockets: Sockets, every_s: float = LOOK_EVERY_S
) -> None:
    """Close the websockets of sessions that are over, until cancelled; usually that was done already."""
    while True:
        await asyncio.sleep(every_s)
        try:
            async with transaction(pool) as conn:
                over = await sessions_over(conn, sockets.sessions(), clock())
        except StorageError:
            continue  # the database is away, so there is nothing to send to a page
        for session in over:
            sockets.close(session)


async def _refuse(status: int, sentence: str, scope: Asked, receive: Receive, send: Send) -> None:
    """A page leads to the login, a program gets the sentence, and a websocket is not opened."""
    prefix = ""
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 4401, "reason": "Not let in"})
            return
        prefix = "websocket."
    headers = [(b"cache-control", b"no-store")]
    body, kind = json.dumps({"error": sentence}).encode(), b"application/json"
    if status == 401 and not prefix and _is_page(scope):
        status, body = 303, b""
        headers.append((b"location", f"/login?next={quote(_address(scope), safe='/')}".encode()))
    elif is_api(scope["path"]):
        body, kind = problem_bytes(status, sentence), MEDIA_TYPE.encode()
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    headers += [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{prefix}http.response.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": body})


def _is_page(scope: Asked) -> bool:
    """Whether somebody looks at it in a browser's window."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if b"sec-fetch-mode" in headers:
        return headers[b"sec-fetch-mode"] == b"navigate" and scope["method"] in SAFE
    return scope["method"] in SAFE and b"text/html" in headers.get(b"accept", b"")


def _address(scope: Asked) -> str:
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")
