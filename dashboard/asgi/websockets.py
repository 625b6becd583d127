"""The open websockets of this process: which there are, and how one is closed from outside.

Dash can only wait until the browser disconnects. Here the app learns that it did, and the browser why.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

from dashboard.asgi.security_headers import App, Message, Receive, Scope, Send

ENDED: Final = 4001
"""Close code of a session that ended: the one code after which Dash's worker does not come back by itself."""
AGAIN: Final = 4000
"""Close code that asks the browser to connect anew."""
SESSION: Final = "session"
"""Key in `scope["state"]` under which the login tells whose websocket it is."""
_FAREWELL_S = 5.0

current: ContextVar["Socket | None"] = ContextVar("current", default=None)
"""The websocket that a callback runs for."""


class Socket:
    """One websocket, from its handshake on."""

    def __init__(self, session: str | None, receive: Receive) -> None:
        self.session = session
        self._opened_at = asyncio.get_running_loop().time()
        self.code: int | None = None
        """Why it was closed from here; None: it was not."""
        self.has_left = False
        self._receive = receive
        self._waiting: asyncio.Timeout | None = None

    @property
    def age_s(self) -> float:
        return asyncio.get_running_loop().time() - self._opened_at

    def close(self, code: int) -> None:
        """Have the app and the browser part. Returns at once."""
        self.code = self.code or code
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def receive(self) -> Message:
        """What the browser says next; that it is gone as soon as it is closed."""
        while self.code is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as self._waiting:
                    try:
                        message = await self._receive()
                    finally:
                        self._waiting = None
                self.has_left = message["type"] == "websocket.disconnect"
                return message
        return {"type": "websocket.disconnect", "code": self.code}


class Sockets:
    """All that are open."""

    def __init__(self) -> None:
        self._open: set[Socket] = set()

    def __len__(self) -> int:
        return len(self._open)

    def sessions(self) -> set[str]:
        """Whose they are, as far as somebody logged in."""
        return {socket.session for socket in self._open if socket.session is not None}

    @contextmanager
    def opened(self, socket: Socket) -> Generator[None]:
        self._open.add(socket)
        try:
            yield
        finally:
            self._open.discard(socket)

    def close(self, session: str) -> int:
        """Close those of a session that has ended; returns how many."""
        theirs = [socket for socket in self._open if socket.session == session]
        for socket in theirs:
            socket.close(ENDED)
        return len(theirs)


class WebSocketMiddleware:
    """Wraps the dashboard's ASGI app, inside of the login."""

    def __init__(self, app: App, sockets: Sockets) -> None:
        self._app = app
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        socket = Socket(scope.get("state", {}).get(SESSION), receive)
        current.set(socket)
        with self._sockets.opened(socket):
            await self._app(scope, socket.receive, send)
        if socket.code is not None and not socket.has_left:
            # A browser that takes nothing any more does not take this either: the ping will end it.
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL_S):
                    await send({"type": "websocket.close", "code": socket.code, "reason": "Closed"})
