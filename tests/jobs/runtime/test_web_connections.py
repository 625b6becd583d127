"""Connections of browsers end when they keep the dashboard waiting, and no other does."""

import asyncio
import logging
import resource
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from jobs.runtime.web_connections import LARGEST_HEAD, LimitedConfig, most_connections
from tests.support.servers.dashboard import listening, until

SHORT_S = 0.3
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ENOUGH = 50_000_000
"""More than the buffers of both ends hold."""
SOME = 60_000
"""Less than uvicorn waits for."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers slowly to /slow, with very much to /much, at once to everything else; repeats on websockets."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
    else:
        if scope["path"] == "/slow":
            await asyncio.sleep(3 * SHORT_S)
        body = {"/much": bytes(ENOUGH), "/some": bytes(SOME)}.get(scope["path"], b"here")
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(
    most: int = 100,
    head_s: float = 100,
    takes_s: float = 100,
    keep_alive_s: int = 100,
) -> AsyncGenerator[str]:
    config = LimitedConfig(
        app,
        most_connections=most,
        head_within_s=head_s,
        takes_within_s=takes_s,
        log_config=None,
        log_level="error",
        ws="websockets-sansio",
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=1,
    )
    async with listening(config) as base:
        yield base


class Client:
    """A client that says what it is told, byte for byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.received = 0

    def say(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self) -> bytes:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head.split(b"\r\n")[0] + b" " + await self._reader.readexactly(length)

    async def some(self) -> bytes:
        some = await self._reader.read(65536)
        self.received += len(some)
        return some

    async def rest(self) -> bytes:
        """What comes until the server ends the connection."""
        received = b""
        try:
            while some := await self.some():
                received += some
        except ConnectionError:
            pass
        return received

    def leave(self) -> None:
        self._writer.close()


@asynccontextmanager
async def client(base: str, buffer: int = 4096) -> AsyncGenerator[Client]:
    """`buffer`: bytes that the system keeps for it, about."""
    address = urlsplit(base)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    line.connect((address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=line, limit=4096)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def test_the_body_of_a_request_that_was_answered_is_not_taken_for_a_head() -> None:
    body = bytes(4 * LARGEST_HEAD)
    async with serving() as base, client(base) as browser:
        browser.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert await browser.answer() == b"HTTP/1.1 200 OK here"
        browser.say(body + REQUEST)
        assert await browser.answer() == b"HTTP/1.1 200 OK here"


@pytest.mark.parametrize("path", ["/much", "/some"])
async def test_a_client_that_takes_nothing_of_an_answer_is_cut_off(path: str) -> None:
    """Also when what is left fits into the buffer of the connection, so that no answer waits for it."""
    async with (
        asyncio.timeout(60),
        serving(most=1, takes_s=SHORT_S, keep_alive_s=1) as base,
        client(base) as browser,
    ):
        browser.say(REQUEST.replace(b"/ ", path.encode() + b" "))
        await until(lambda: is_answered(base))
        assert len(await browser.rest()) < (ENOUGH if path == "/much" else SOME)


async def is_answered(base: str) -> bool:
    async with client(base) as browser:
        browser.say(REQUEST)
        return (await browser.answer()).endswith(b"here")


async def test_beyond_the_most_a_connection_is_refused_until_another_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "jobs.runtime.web_connections"):
        async with serving(most=2) as base, client(base) as first, client(base) as second:
            for browser in first, second:
                browser.say(REQUEST)
                assert await browser.answer() == b"HTTP/1.1 200 OK here"
            for _ in range(3):
                async with client(base) as third:
                    assert (await third.rest()).startswith(b"HTTP/1.1 503 ")
            second.leave()
            async with asyncio.timeout(60):
                while not await is_answered(base):
                    pass
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events == ["web_connections_full", "web_connections_recovered"]


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(160, 80), (65_536, 10_000), (resource.RLIM_INFINITY, 10_000)]
)
def test_connections_use_at_most_half_of_the_descriptors(descriptors: int, connections: int) -> None:
    assert most_connections(descriptors) == connections
