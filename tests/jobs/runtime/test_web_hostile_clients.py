"""Clients that disconnect or send what is not HTTP: the log has no traceback, and quotes none of it."""

import asyncio
import io
import logging
import re
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import pytest

from dashboard.server.app import create_app
from jobs.base.log_format import OURS, LogFormat, configure_logs
from jobs.runtime.replay_process import ReplayProcess
from jobs.runtime.web import served_as
from storage.postgres.pool import Pool
from tests.dashboard.auth.test_middleware import routes, served_by
from tests.support.clients.raw_http import frame, raw_connection
from tests.support.servers.dashboard import SETTINGS, listening

PUSH = "/_dash-ws-callback"
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


async def test_a_websocket_broken_off_at_any_time_is_no_traceback(served: Served) -> None:
    async with raw_connection(served.base) as client:
        upgrade = client.upgrade(PUSH)
    for cut in (10, len(upgrade) - 1, len(upgrade)):
        for waits_s in (0.0, 0.02):
            async with raw_connection(served.base) as client:
                await client.send(upgrade[:cut])
                await asyncio.sleep(waits_s)
                client.reset()
    for sent in (b"", frame(1, b"{")[:3], frame(1, b'{"type":"heartbeat"}') * 3):
        async with raw_connection(served.base) as client:
            await client.opened(PUSH)
            await client.send(sent)
            client.reset()
    assert await served.said() == ""


REFUSED = {
    "a binary message": (frame(2, b"\x1b"), "is binary"),
    "no JSON": (frame(1, b"{"), "is not JSON"),
    "a list": (frame(1, b"[]"), "is not a JSON object"),
    "too deep for Python": (
        frame(1, b'{"type":"heartbeat","a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        "is not JSON",
    ),
    "a callback that is unknown": (
        frame(
            1,
            b'{"type":"callback_request","rendererId":"r","requestId":"1",'
            b'"payload":{"output":"\\n\\u001b[31m"}}',
        ),
        "calls a callback that this dashboard does not have",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_message_that_no_page_sends_ends_its_websocket_with_one_sentence(
    served: Served, what: str
) -> None:
    sent, fault = REFUSED[what]
    for _ in range(3):
        async with raw_connection(served.base) as client:
            await client.opened(PUSH)
            await client.send(sent)
            farewell = frame(8, (4001).to_bytes(2, "big") + b"Closed", masked=False)
            assert await client.reader.readexactly(len(farewell)) == farewell
    (line,) = (await served.said()).splitlines()
    assert line.partition(" WARNING ")[2] == (
        f"websocket_refused: Closed a websocket of 127.0.0.1: a message {fault}"
    )


UNSPEAKABLE = {
    "no UTF-8": (frame(1, b"\xff\xfe"), 1007),
    "a message that is too large": (frame(1, b"x" * 64_001), 1009),
    "a message of too many pieces": (frame(1, b"x", fin=False) + frame(0, b"", fin=False) * 1000, 1009),
    "a frame without a mask": (frame(1, b"{}", masked=False), 1002),
    "a frame of no known kind": (frame(3, b""), 1002),
    "a close that is none": (frame(8, b"\x00"), 1002),
}


@pytest.mark.parametrize("what", UNSPEAKABLE)
async def test_what_is_no_websocket_message_ends_the_websocket_with_its_code(
    served: Served, what: str
) -> None:
    sent, code = UNSPEAKABLE[what]
    async with raw_connection(served.base) as client:
        await client.opened(PUSH)
        await client.send(sent)
        end = await client.rest()
    assert (end[0], int.from_bytes(end[2:4], "big")) == (0x88, code)
    assert await served.said() == ""
