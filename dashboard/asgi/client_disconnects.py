"""Requests whose client disconnected before the whole body arrived. They need no answer and no log line."""

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send


class ClientDisconnectMiddleware:
    """Wraps an ASGI app that reads bodies, so that the server does not log a traceback of such a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect):
            await self._app(scope, receive, send)
