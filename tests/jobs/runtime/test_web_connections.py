"""Connections of browsers end when they keep the dashboard waiting, and no other does."""

import asyncio
import logging
import resource
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from websockets.asyncio.client import connect

from jobs.runtime.web_connections import LARGEST_HEAD, MOST_PIPELINED, LimitedConfig, most_connections
from tests.support.servers.dashboard import listening, until
from tests.support.servers.reverse_proxy import web_process

SHORT_S = 0.3
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
ENOUGH = 50_000_000
"""More than the buffers of both ends hold."""
TOO_MUCH = b"1" * 8 * LARGEST_HEAD
"""More than a head may have, and than is read at once."""
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


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"GET / HT", b"", id="half a line"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"A: 1\r\n", id="header by header"),
        pytest.param(b"", b"\r\n", id="empty lines"),
        pytest.param(REQUEST, b"", id="half a second one"),
        pytest.param(REQUEST, b"A: 1\r\n", id="a second one header by header"),
    ],
)
async def test_a_connection_without_a_whole_head_ends(first: bytes, then: bytes) -> None:
    async with (
        asyncio.timeout(60),
        serving(head_s=SHORT_S) as base,
        client(base) as browser,
        asyncio.TaskGroup() as tasks,
    ):
        browser.say(first)
        if first == REQUEST:
            assert await browser.answer() == b"HTTP/1.1 200 OK here"
            browser.say(b"GET / HTTP/1.1\r\n")
        ended = tasks.create_task(browser.rest())
        while not ended.done():
            browser.say(then)
            await asyncio.sleep(SHORT_S / 5)
        assert await ended == b""


async def test_an_answer_may_take_longer_than_a_head() -> None:
    async with serving(head_s=SHORT_S) as base, client(base) as browser:
        for _ in range(2):
            browser.say(REQUEST.replace(b"/ ", b"/slow "))
            assert await browser.answer() == b"HTTP/1.1 200 OK here"


async def test_a_websocket_may_be_silent_for_longer_than_a_head_takes() -> None:
    async with serving(head_s=SHORT_S) as base, connect(base.replace("http", "ws")) as socket:
        await asyncio.sleep(3 * SHORT_S)
        await socket.send("still there")
        assert await socket.recv() == "still there"


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nA: " + TOO_MUCH, b"HTTP/1.1 431 ", id="a long field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: 1\r\n" * 102, b"HTTP/1.1 400 ", id="many fields"),
        pytest.param(
            REQUEST.replace(b"/ ", b"/slow ") + b"GET / HTTP/1.1\r\nA: " + TOO_MUCH,
            b"",
            id="in the head of a second request",
        ),
        pytest.param(CHUNKED + b"0\r\nA: " + TOO_MUCH, b"", id="after the body"),
        pytest.param(CHUNKED + b"0\r\n" + b"A: 1\r\n" * 102, b"", id="many fields after the body"),
        pytest.param(
            REQUEST.replace(b"/ ", b"/slow ") + REQUEST * (MOST_PIPELINED + 1),
            b"",
            id="many requests at once",
        ),
    ],
)
async def test_nothing_but_bodies_may_be_large(said: bytes, answered: bytes) -> None:
    async with asyncio.timeout(60), serving() as base, client(base) as browser:
        browser.say(said)
        assert (await browser.rest())[:13] in {answered, b"HTTP/1.1 400 "}


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


async def test_a_client_that_takes_an_answer_slowly_gets_it_all() -> None:
    takes_s = 5 * SHORT_S
    async with serving(takes_s=takes_s) as base, client(base, buffer=65536) as browser:
        browser.say(REQUEST.replace(b"/ ", b"/much "))
        slow_until = asyncio.get_running_loop().time() + 2 * takes_s
        while asyncio.get_running_loop().time() < slow_until:
            await browser.some()
            await asyncio.sleep(SHORT_S / 6)
        while browser.received < ENOUGH:
            assert await browser.some()


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


async def test_a_flood_of_connections_leaves_room_for_the_database(dsn: str, tmp_path: Path) -> None:
    with web_process(dsn, {}, tmp_path, most_files=160) as base:
        address = urlsplit(base)
        async with aiohttp.ClientSession() as session:

            async def asked(path: str) -> list[int]:
                async def ask() -> int:
                    async with session.get(base + path) as answer:
                        await answer.read()
                        return answer.status

                return await asyncio.gather(*(ask() for _ in range(6)))

            assert await asked("/healthz") == [200] * 6, "so that there are connections to ask on"
            flood = [socket.create_connection((address.hostname, address.port)) for _ in range(300)]
            assert await asked("/readyz") == [200] * 6, "each asks the database on a connection of its own"
        for one in flood:
            one.close()

        async def is_served() -> bool:
            async with aiohttp.ClientSession() as new, new.get(f"{base}/readyz") as answer:
                return answer.status == 200

        await until(is_served)
