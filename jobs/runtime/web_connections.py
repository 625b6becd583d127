"""The connections of browsers and programs: how many there may be, and how long each may keep us waiting.

uvicorn closes only connections that are idle between two requests. This module also closes those that never
finish the head of a request, that read no answer, or that exceed the limit. The limits of a request body are
in `dashboard.asgi.body_limit`.
"""

import asyncio
import logging
import resource
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

log = logging.getLogger(__name__)

HEAD_WITHIN_S: Final = 20.0
"""For the head of a request, counted from its first byte, or from the connection for the first request."""
LARGEST_HEAD: Final = 64 * 1024
"""Bytes of a head or of trailers. Bytes that arrive in one read with an earlier request do not count."""
MOST_FIELDS: Final = 100
MOST_PIPELINED: Final = 10
"""Requests of one connection that may wait for the answer to an earlier one."""
TAKES_WITHIN_S: Final = 60.0
TAKES_AT_LEAST_BYTES: Final = 8 * 1024
"""What a client must read of an answer within that time, while more waits to be sent. The system holds some
32 kB besides (`jobs.runtime.web.SENDS_AHEAD`)."""
_MOST_CONNECTIONS: Final = 10_000


def most_connections(descriptors: int) -> int:
    """How many connections a process accepts that may open so many files (RLIM_INFINITY: any number). Half of
    them are left for the database, the platforms and the mail server.
    """
    if descriptors == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(descriptors // 2, _MOST_CONNECTIONS)


class LimitedConfig(uvicorn.Config):
    """uvicorn's settings, and what limits its connections."""

    def __init__(
        self,
        app: Any,
        *,
        most_connections: int,
        head_within_s: float = HEAD_WITHIN_S,
        takes_within_s: float = TAKES_WITHIN_S,
        **options: Any,
    ) -> None:
        super().__init__(app, http=LimitedConnection, **options)
        self.most_connections = most_connections
        self.head_within_s = head_within_s
        self.takes_within_s = takes_within_s
        self._is_full = False

    def admits(self, connections: int) -> bool:
        """Whether one more is accepted. Logs the first refusal, and the recovery once a tenth is free."""
        is_free = connections < self.most_connections
        if not is_free and not self._is_full:
            self._is_full = True
            log.warning(
                "New connections to the dashboard are refused: the limit of %d is reached. It is %d, or half "
                "of the files that this process may open (ulimit -n) if that is less.",
                self.most_connections,
                _MOST_CONNECTIONS,
                extra={"event": "web_connections_full"},
            )
        elif self._is_full and connections < self.most_connections * 0.9:
            self._is_full = False
            log.info(
                "New connections to the dashboard are accepted again",
                extra={"event": "web_connections_recovered"},
            )
        return is_free


class LimitedConnection(HttpToolsProtocol):
    """One connection of uvicorn that ends in time. Needs a `LimitedConfig`."""

    def __init__(self, config: uvicorn.Config, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._limits = cast("LimitedConfig", config)
        self._head_bytes = 0
        """Bytes of the current head or trailers that were received."""
        self._in_body = False
        self._head_due: asyncio.TimerHandle | None = None
        self._taking_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not self._limits.admits(len(self.connections)):
            self.transport = transport
            self._refuse(b"503 Service Unavailable", b"There are too many connections. Try again later.")
            return
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_taking_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            return  # it is a websocket now
        if self.transport.is_closing():  # it was malformed
            self._await_rest()
            return
        is_idle = self._is_idle()
        if is_idle:
            self._await_head()
        if self._head_bytes > LARGEST_HEAD:
            if is_idle and not self._in_body:
                self._refuse(b"431 Request Header Fields Too Large", b"The head of the request is too large.")
            else:
                self.transport.abort()  # an answer is under way, or it would be taken for the next one's

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MOST_FIELDS:
            raise ValueError("too many fields")  # uvicorn answers 400

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        if not self.flow.write_paused:
            self._stop_taking_timer()
        self._head_bytes, self._in_body = 0, True
        super().on_headers_complete()
        if len(self.pipeline) > MOST_PIPELINED:
            raise ValueError("too many requests wait for their answers")

    def on_body(self, body: bytes) -> None:
        self._head_bytes -= len(body)
        super().on_body(body)

    def on_chunk_header(self) -> None:
        self._head_bytes = 0

    def on_message_complete(self) -> None:
        self._head_bytes, self._in_body = 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_taking_timer()
        if self._is_idle():
            self._await_rest()

    def _is_idle(self) -> bool:
        asked = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        return asked is None or asked.response_complete

    def _await_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(self._limits.head_within_s, self.transport.abort)

    def _await_rest(self) -> None:
        """Start the timer for the rest of an answer, if there is any and no timer runs. uvicorn has no limit
        for it, even when it closes the connection.
        """
        if self._taking_due is None and self.transport.get_write_buffer_size():
            self._await_taking()

    def _await_taking(self) -> None:
        self._stop_taking_timer()
        waiting = self.transport.get_write_buffer_size()

        def check() -> None:
            left = self.transport.get_write_buffer_size()
            if not left:
                self._taking_due = None
            elif left > waiting - TAKES_AT_LEAST_BYTES:
                self.transport.abort()
            else:
                self._await_taking()

        self._taking_due = self.loop.call_later(self._limits.takes_within_s, check)

    def _refuse(self, status: bytes, sentence: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (status, len(sentence), sentence)
        )
        self.transport.close()
        self._await_rest()

    def _stop_head_timer(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
        self._head_due = None

    def _stop_taking_timer(self) -> None:
        if self._taking_due is not None:
            self._taking_due.cancel()
        self._taking_due = None
