"""Connections of browsers end when they keep the dashboard waiting, and no other does."""

import asyncio
import io
import logging
import re
import resource
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import pytest

from dashboard.server.app import create_app
from jobs.base.log_format import OURS, LogFormat, configure_logs
from jobs.runtime.replay_process import ReplayProcess
from jobs.runtime.web import served_as
from jobs.runtime.web_connections import LimitedConfig, most_connections
from jobs.runtime.websocket_protocol import PromptWebSocketProtocol
from storage.postgres.pool import Pool
from tests.dashboard.auth.test_middleware import routes, served_by
from tests.support.clients.raw_http import RawConnection, frame, raw_connection
from tests.support.servers.dashboard import SETTINGS, listening, until

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


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(160, 80), (65_536, 10_000), (resource.RLIM_INFINITY, 10_000)]
)
def test_connections_use_at_most_half_of_the_descriptors(descriptors: int, connections: int) -> None:
    assert most_connections(descriptors) == connections


WRITES = {"POST", "PUT", "PATCH", "DELETE"}
BODIES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")


@dataclass
class Served:
    base: str
    routes: list[tuple[str, str]]
    _log: io.StringIO
    _stderr: pytest.CaptureFixture[str]

    async def said(self) -> str:
        """All that was logged or written to standard error, once the server is done with what it got."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.base}/healthz") as answer:
            assert answer.status == 200
        await asyncio.sleep(0.3)
        return self._log.getvalue() + self._stderr.readouterr().err


@pytest.fixture
def log() -> Generator[io.StringIO]:
    loggers = [logging.getLogger(name) for name in ("", *OURS, "uvicorn")]
    levels, handlers = [one.level for one in loggers], [*logging.root.handlers]
    uvicorn = logging.getLogger("uvicorn")  # another test's server may have configured it
    own, propagates = [*uvicorn.handlers], uvicorn.propagate
    uvicorn.handlers[:], uvicorn.propagate = [], True
    stream = io.StringIO()
    configure_logs(LogFormat.PLAIN, stream)
    yield stream
    logging.root.handlers[:] = handlers
    uvicorn.handlers[:], uvicorn.propagate = own, propagates
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)


@pytest.fixture
async def served(
    pool: Pool, dsn: str, now: datetime, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> AsyncGenerator[Served]:
    app = create_app(pool, lambda: now, dsn=dsn, settings=SETTINGS, decider=ReplayProcess(dsn))
    known = sorted(set(routes(served_by(app))))
    async with listening(served_as(app, [])) as base:
        yield Served(base, known, log, capfd)


@pytest.mark.slow
async def test_a_request_broken_off_in_its_body_is_no_traceback(served: Served) -> None:
    writes = [(m, p) for m, p in served.routes if m in WRITES]
    assert len(writes) > 30
    for method, path in writes:
        line = f"{method} {re.sub(r'{[^}]*}', '1', path)} HTTP/1.1"
        for kind in BODIES:
            async with raw_connection(served.base) as client:
                await client.send(client.head(line, f"Content-Type: {kind}", "Content-Length: 1000"))
                await client.send(b"--x\r\nabc")
                await asyncio.sleep(0.02)  # so that the app is waiting for the rest
                client.reset()
    assert await served.said() == ""


@pytest.mark.slow
async def test_an_answer_that_is_not_read_is_no_traceback(served: Served) -> None:
    for method, path in served.routes:
        if method != "GET":
            continue
        for some in (0, 1):
            async with raw_connection(served.base) as client:
                await client.send(client.head(f"GET {re.sub(r'{[^}]*}', '1', path)} HTTP/1.1"))
                await client.reader.read(some)
                client.reset()
    assert await served.said() == ""


MALFORMED = {
    "a hello of TLS": bytes.fromhex("16030100a5010000a10303") + bytes(20),
    "HTTP/0.9": b"GET /\r\n",
    "no HTTP": b"\x00\x01\x1b[31mgarbage\r\n\r\n",
    "a control character in the path": b"GET /\x1b[31m HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a control character in a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \x1b[31m\r\n\r\n",
    "an escaped line end in the path": b"GET /%0a2026-01-01%20%1b%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a length that is no number": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \xff\r\n\r\n",
    "a negative length": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "more than its length": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\na\x1b[31mb\r\n",
    "a chunk that is none": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a path without end": b"GET /" + b"a" * 200_000,
}


async def test_what_is_not_http_is_no_traceback_and_not_quoted(served: Served) -> None:
    for sent in MALFORMED.values():
        for cut in (len(sent), len(sent) // 2):
            async with raw_connection(served.base) as client:
                await client.send(sent[:cut])
                await asyncio.sleep(0.02)
                client.reset()
    lines = {line.partition(" WARNING ")[2] for line in (await served.said()).splitlines()}
    assert lines == {"uvicorn.error: Invalid HTTP request received."}


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
async def websocket_protocol_served(app: Talker, ping_s: float = 20.0) -> AsyncGenerator[RawConnection]:
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
    async with websocket_protocol_served(app) as client:
        await opened(client)
        await until(app.is_stuck)
        app.leaves.set()
        async with asyncio.timeout(WITHIN_S):
            await (await Watched.made).lost.wait()


async def test_answers_to_pings_that_are_not_read_take_no_memory() -> None:
    app = Talker()
    async with websocket_protocol_served(app) as client:
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
    async with websocket_protocol_served(Talker()) as client:
        await client.send(client.upgrade("/", f"X: {'1' * 9000}"))
        async with asyncio.timeout(WITHIN_S):
            await (await Watched.made).lost.wait()
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")
