"""A local labeler: its stream on a real websocket, its list, and the directory that shows its keys.

One address stands for the server of the labeler and for the directory of DIDs.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from aiohttp import WSMsgType, web

from collectors.bluesky.simulator import payloads
from collectors.bluesky.simulator.labeler import (
    NO_WILDCARDS,
    SimulatedLabeler,
    outdated_cursor,
    stream_error,
)
from collectors.simulator.server import listening, sent

_STREAM: Final = "com.atproto.label.subscribeLabels"
_LIST: Final = "com.atproto.label.queryLabels"


class LabelerServer:
    """A running labeler. Call `announce` after its labels changed."""

    def __init__(self, labeler: SimulatedLabeler) -> None:
        self.base_url = ""
        self.labeler = labeler
        self.named_server = ""
        """The address that its DID document names; empty: this one."""
        self.cursors: list[int | None] = []
        """Where each connection so far began."""
        self._listeners: dict[asyncio.Event, tuple[web.WebSocketResponse, asyncio.Transport]] = {}
        self._changed = asyncio.Event()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Connections to the stream so far."""
        return {_STREAM: {"requests": len(self.cursors)}}

    def set_clock(self, now: datetime) -> None:
        """Its labels have times of their own."""

    def announce(self) -> None:
        """Send the labels that are new."""
        for wake in self._listeners:
            wake.set()

    async def connected(self, connections: int) -> None:
        """Wait until so many connections were made, counting those that ended."""
        while len(self.cursors) < connections:
            self._changed.clear()
            await self._changed.wait()

    def cut_streams(self) -> None:
        """Cut all connections, without a goodbye."""
        for _, transport in self._listeners.values():
            transport.abort()

    async def send(self, message: bytes) -> None:
        """Send any message on all connections."""
        for socket, _ in self._listeners.values():
            await socket.send_bytes(message)

    async def end_streams(self, error: str) -> None:
        """End all connections with an error, such as ConsumerTooSlow."""
        for socket, _ in list(self._listeners.values()):
            await socket.send_bytes(stream_error(error, "Stream consumer too slow"))
            await socket.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        did = self.labeler.did
        match request.path:
            case path if path == f"/xrpc/{_STREAM}":
                return await self._stream(request)
            case path if path == f"/xrpc/{_LIST}":
                if not self.labeler.lists_everything:
                    refused = payloads.invalid(_LIST, "") | {"message": NO_WILDCARDS}
                    return await sent(request, payloads.answer(400, refused))
                after, most = int(request.query.get("cursor", "0")), int(request.query["limit"])
                return await sent(request, payloads.answer(200, self.labeler.listed(after, most)))
            case path if path == f"/{did}/log/audit":
                return await sent(request, payloads.answer(200, self.labeler.log(self.base_url)))
            case path if path == f"/{did}":
                return await sent(
                    request,
                    payloads.answer(200, payloads.labeler_document(did, self.named_server or self.base_url)),
                )
            case _:
                return web.Response(status=404)

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if request.transport is None:
            return socket
        text = request.query.get("cursor")
        cursor = None if text is None else int(text)
        self.cursors.append(cursor)
        wake = asyncio.Event()
        self._listeners[wake] = socket, request.transport
        self._changed.set()
        try:
            if cursor is not None and cursor > self.labeler.seq:
                await socket.send_bytes(stream_error("FutureCursor", "Cursor in the future."))
                await socket.close()
                return socket
            if cursor is not None and self.labeler.is_outdated(cursor):
                await socket.send_bytes(outdated_cursor())
            async with asyncio.TaskGroup() as tasks:
                since = self.labeler.seq if cursor is None else cursor
                sending = tasks.create_task(self._send(socket, since, wake))
                async for message in socket:
                    if message.type is WSMsgType.ERROR:
                        break
                sending.cancel()
        finally:
            del self._listeners[wake]
        return socket

    async def _send(self, socket: web.WebSocketResponse, since: int, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            for seq, frame in self.labeler.frames(since):
                since = seq
                try:
                    await socket.send_bytes(frame)
                except ConnectionError:
                    return
            await wake.wait()


@asynccontextmanager
async def serve_labeler(
    labeler: SimulatedLabeler, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[LabelerServer]:
    """Serve until the block ends; port 0 picks a free one. Raises OSError when the port is taken."""
    server = LabelerServer(labeler)
    async with listening(server, host, port):
        try:
            yield server
        finally:
            server.cut_streams()
