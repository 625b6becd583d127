"""Websockets whose other side does not read or answer: each ends, and takes little memory until then."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from jobs.runtime.web import served_as
from jobs.runtime.websocket_protocol import PromptWebSocketProtocol
from tests.support.clients.raw_http import RawConnection, frame, raw_connection
from tests.support.servers.dashboard import listening, until

RECEIVE_BUFFER = 4096
WITHIN_S = 60.0
FLOOD = 5_000_000


class Talker:
    """An app that sends on a websocket until nothing more is taken, and hears what comes."""

    def __init__(self) -> None:
        self.sent = 0
        self.has_heard = asyncio.Event()
        self.leaves = asyncio.Event()
        self.has_left = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await receive()
        await send({"type": "websocket.accept"})
        async with asyncio.TaskGroup() as tasks:
            works = [tasks.create_task(self._talk(send)), tasks.create_task(self._listen(receive))]
            await self.leaves.wait()
            for work in works:
                work.cancel()
        self.has_left.set()

    async def _talk(self, send: Any) -> None:
        with suppress(OSError):  # the other side is gone
            while True:
                await send({"type": "websocket.send", "text": "x" * 10_000})
                self.sent += 1

    async def _listen(self, receive: Any) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            self.has_heard.set()
        self.leaves.set()

    async def is_stuck(self) -> bool:
        before = self.sent
        await asyncio.sleep(0.2)
        return 0 < before == self.sent


class Watched(PromptWebSocketProtocol):
    """The connection of the server, for a test to look at."""

    made: asyncio.Future["Watched"]
    """The next one that a client asks for."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.lost = asyncio.Event()
        Watched.made.set_result(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


@asynccontextmanager
async def served(app: Talker, ping_s: float = 20.0) -> AsyncGenerator[RawConnection]:
    """A connection to the server of an app."""
    Watched.made = asyncio.get_running_loop().create_future()
    config = served_as(app, [])
    config.ws = Watched
    config.ws_ping_interval = config.ws_ping_timeout = ping_s
    async with listening(config) as base, raw_connection(base, RECEIVE_BUFFER) as client:
        yield client


async def opened(client: RawConnection) -> None:
    """Open a websocket, and read nothing after that."""
    await client.opened("/")
    cast("asyncio.ReadTransport", client.writer.transport).pause_reading()


@pytest.mark.slow
async def test_a_connection_that_the_app_left_ends_even_if_its_answer_is_not_read() -> None:
    app = Talker()
    async with served(app) as client:
        await opened(client)
        await until(app.is_stuck)
        app.leaves.set()
        async with asyncio.timeout(WITHIN_S):
            await (await Watched.made).lost.wait()


async def test_answers_to_pings_that_are_not_read_take_no_memory() -> None:
    app = Talker()
    async with served(app) as client:
        await opened(client)
        await until(app.is_stuck)
        ping = frame(9, b"x" * 125)
        for _ in range(FLOOD // len(ping) // 100):
            await client.send(ping * 100)
        await client.send(frame(1, b"over"))
        async with asyncio.timeout(WITHIN_S):
            await app.has_heard.wait()
        assert (await Watched.made).transport.get_write_buffer_size() < FLOOD // 10


async def test_an_upgrade_that_is_malformed_is_closed_and_not_kept() -> None:
    async with served(Talker()) as client:
        await client.send(client.upgrade("/", f"X: {'1' * 9000}"))
        async with asyncio.timeout(WITHIN_S):
            await (await Watched.made).lost.wait()
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")
