"""Who may use the tools over HTTP: programs with a token that reads, and nobody else."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Final

from dashboard.asgi.security_headers import App, Receive, Send
from dashboard.asgi.security_headers import Scope as Asked
from dashboard.auth.middleware import token_in
from dashboard.auth.passwords import token_hash
from storage.model.core.people import Scope
from storage.people.tokens import actor_with_token
from storage.postgres.pool import Pool, StorageError, transaction

MISSING: Final = (
    "Send a token: Authorization: Bearer TOKEN. `blockline tokens add` makes one with the scope read."
)
WRONG: Final = "This token does not work: it is wrong, expired or revoked."
FEEDS_ONLY: Final = "This token is for feeds only. Use one with the scope read."
UNAVAILABLE: Final = "The database does not answer. Try again later."


class TokenGate:
    """Wraps an ASGI app. No session of a browser is let in, so that no page can use it."""

    def __init__(self, app: App, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._pool = pool
        self._clock = clock

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            status, sentence = await self._refusal(scope)
            if sentence is None:
                await self._app(scope, receive, send)
            else:
                await _refuse(status, sentence, send)

    async def _refusal(self, scope: Asked) -> tuple[int, str | None]:
        """The status and the sentence that refuse a request; None lets it in."""
        token = token_in(scope)
        if token is None:
            return 401, MISSING
        try:
            async with transaction(self._pool) as conn:
                actor = await actor_with_token(conn, token_hash(token), self._clock())
        except StorageError:
            return 503, UNAVAILABLE
        if actor is None or actor.scope is None:
            return 401, WRONG
        return (200, None) if actor.scope.includes(Scope.READ) else (403, FEEDS_ONLY)


async def _refuse(status: int, sentence: str, send: Send) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
