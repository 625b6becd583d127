"""The open websockets of this process: how many there may be, what they may send, and how one is closed.

Dash can only wait until the browser disconnects. Here the app learns that it did, and the browser why.

One browser has one websocket, however many tabs it has open: Dash's SharedWorker holds it for all of them.
"""

import asyncio
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final, cast

from starlette.websockets import WebSocket

from dashboard.asgi.refusals import refusal
from dashboard.asgi.security_headers import App, Message, Receive, Scope, Send
from dashboard.asgi.websocket_messages import MessageError

ENDED: Final = 4001
"""Close code after which Dash's worker does not reconnect by itself: a session ended, or a limit was met."""
AGAIN: Final = 4000
"""Close code that asks the browser to connect anew."""
SESSION: Final = "session"
"""Key in `scope["state"]` under which the login tells whose websocket it is."""
PERSON: Final = "person"
"""Key in `scope["state"]` under which the login names the person of the session."""
PER_PERSON: Final = 20
"""Open websockets of one person. A browser has one, and for a minute those that its network lost. The limit
is not per session, because a person can open any number of sessions.
"""
PER_ADDRESS: Final = 200
"""Open websockets of one IP address, if there is no login. An office may have one address for all."""
IN_ALL: Final = 500
"""Open websockets of this process. Each takes a file descriptor, of which a process often has 1,024."""
PUSHES: Final = 50
"""Tabs of one browser that receive pushes. A tab that was closed counts until the push to it notices."""
PER_SECOND: Final = 20
"""Messages per second of one websocket. Each of its tabs sends one in four seconds at most."""
BURST: Final = 200
"""Messages of one websocket at once. When a connection is new, every tab sends one."""
_LOG_EVERY_S = 60.0
"""The least time between two log lines about the same limit."""
_FAREWELL_S = 5.0
FULL = f"{IN_ALL} websockets are open, which is the most. The page asks for news every 15 seconds instead."

_log = logging.getLogger(__name__)

current: ContextVar["Socket | None"] = ContextVar("current", default=None)
"""The websocket that a callback runs for."""
calling_tab: ContextVar[str] = ContextVar("calling_tab", default="")
"""The tab that a callback runs for, among those of its websocket."""

Check = Callable[[str], str | None]
"""Returns the tab whose callback a message calls, None if it calls none. Raises MessageError."""


class Socket:
    """One websocket, from its handshake on."""

    def __init__(
        self, session: str | None, person: str | None, address: str, receive: Receive, check: Check
    ) -> None:
        self.session = session
        self.person = person
        self.address = address
        self.reader = ("address", address) if person is None else ("person", person)
        """What the limit of websockets counts for: an address or a person."""
        self._opened_at = asyncio.get_running_loop().time()
        self.code: int | None = None
        """Why it was closed from here; None: it was not."""
        self.fault: str | None = None
        """What was wrong with the message that closed it. None means nothing."""
        self.has_left = False
        self._receive = receive
        self._check = check
        self._waiting: asyncio.Timeout | None = None
        self._pushes: dict[str, asyncio.Task[object]] = {}
        self._messages_left = float(BURST)
        self._counted_at = self._opened_at

    @property
    def age_s(self) -> float:
        return asyncio.get_running_loop().time() - self._opened_at

    def close(self, code: int) -> None:
        """Have the app and the browser part. Returns at once."""
        self.code = self.code or code
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def receive(self) -> Message:
        """What the browser says next, after a check; that it is gone as soon as it is closed."""
        while self.code is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as self._waiting:
                    try:
                        message = await self._receive()
                    finally:
                        self._waiting = None
                self.has_left = message["type"] == "websocket.disconnect"
                if message["type"] != "websocket.receive":
                    return message
                try:
                    self._admit(message)
                except MessageError as error:
                    self.fault = str(error)
                    self.close(ENDED)
                else:
                    return message
        return {"type": "websocket.disconnect", "code": self.code}

    def _admit(self, message: Message) -> None:
        now = asyncio.get_running_loop().time()
        earned = (now - self._counted_at) * PER_SECOND
        self._messages_left = min(BURST, self._messages_left + earned) - 1
        self._counted_at = now
        if self._messages_left < 0:
            raise MessageError(f"exceeded the limit of {PER_SECOND} messages per second")
        text = message.get("text")
        if text is None:
            raise MessageError("is binary")
        tab = self._check(text)
        if tab is not None:
            calling_tab.set(tab)  # the task of the callback starts in a copy of this context

    @contextmanager
    def pushing(self, tab: str) -> Generator[None]:
        """Run as the one push to a tab: this ends an earlier push to it, and the oldest of too many."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        earlier = self._pushes.pop(tab, None)
        if earlier is None and len(self._pushes) >= PUSHES:
            earlier = self._pushes.pop(next(iter(self._pushes)))
        if earlier is not None:
            earlier.cancel()
        self._pushes[tab] = task
        try:
            yield
        finally:
            if self._pushes.get(tab) is task:
                del self._pushes[tab]


class Sockets:
    """All that are open."""

    def __init__(self) -> None:
        self._open: dict[Socket, None] = {}  # the oldest first
        self._logged_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._open)

    def sessions(self) -> set[str]:
        """Whose they are, as far as somebody logged in."""
        return {socket.session for socket in self._open if socket.session is not None}

    @contextmanager
    def opened(self, socket: Socket) -> Generator[None]:
        """Count `socket`, and close the oldest of a person or an address that has too many."""
        most = PER_ADDRESS if socket.person is None else PER_PERSON
        theirs = [one for one in self._open if one.reader == socket.reader and one.code is None]
        if len(theirs) >= most:
            theirs[0].close(ENDED)
            sentence = f"Closed the oldest of {most} websockets of one {socket.reader[0]} ({socket.address})"
            self.warn("websockets_many", sentence)
        self._open[socket] = None
        try:
            yield
        finally:
            del self._open[socket]

    def close(self, session: str) -> int:
        """Close those of a session that has ended; returns how many."""
        theirs = [socket for socket in self._open if socket.session == session]
        for socket in theirs:
            socket.close(ENDED)
        return len(theirs)

    def warn(self, event: str, sentence: str) -> None:
        """Log a sentence, unless one of the same event was logged a moment ago."""
        now = asyncio.get_running_loop().time()
        if now - self._logged_at.get(event, -_LOG_EVERY_S) >= _LOG_EVERY_S:
            self._logged_at[event] = now
            _log.warning("%s", sentence, extra={"event": event})


class WebSocketMiddleware:
    """Wraps the dashboard's ASGI app, inside of the login."""

    def __init__(self, app: App, sockets: Sockets, check: Check) -> None:
        self._app = app
        self._sockets = sockets
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        if len(self._sockets) >= IN_ALL:
            self._sockets.warn("websockets_full", f"Refused a websocket, because {IN_ALL} are open")
            await WebSocket(scope, receive, send).send_denial_response(refusal(503, FULL))
            return
        address = (scope.get("client") or ("an unknown address",))[0]
        state = scope.get("state", {})
        socket = Socket(state.get(SESSION), state.get(PERSON), address, receive, self._check)
        current.set(socket)
        with self._sockets.opened(socket):
            await self._app(scope, socket.receive, send)
        if socket.fault is not None:
            self._sockets.warn(
                "websocket_refused", f"Closed a websocket of {address}: a message {socket.fault}"
            )
        if socket.code is not None and not socket.has_left:
            # A browser that takes nothing any more does not take this either: the server will end it.
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL_S):
                    await send({"type": "websocket.close", "code": socket.code, "reason": "Closed"})
