"""uvicorn's websocket connection, which also ends if the other side does not read or answer.

uvicorn closes such a connection only after everything is sent. A peer that reads nothing can delay that for
ever.
"""

import asyncio
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MOST_FRAGMENTS: Final = 100
"""Frames of one message. Empty ones do not count towards the size of a message, but take memory."""


class PromptWebSocketProtocol(WebSocketsSansIOProtocol):
    """A websocket of uvicorn that ends in time, with bounded memory and without a traceback."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            # Malformed: no task was started that would end the connection.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_ping(self) -> None:
        answer = self.conn.data_to_send()
        if self.writable.is_set():  # otherwise answers to a peer that reads none would fill memory
            self.transport.write(b"".join(answer))

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self._refuse(CloseCode.MESSAGE_TOO_BIG, "too many fragments")

    def send_receive_event_to_app(self) -> None:
        try:
            if self.curr_msg_data_type == "text":
                b"".join(self.frames).decode()
        except UnicodeDecodeError:  # uvicorn would log its traceback
            self.frames = []
            self._refuse(CloseCode.INVALID_DATA, "not UTF-8")
            return
        super().send_receive_event_to_app()

    def _refuse(self, code: CloseCode, reason: str) -> None:
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.loop.call_later(self.close_timeout, self.transport.abort)
