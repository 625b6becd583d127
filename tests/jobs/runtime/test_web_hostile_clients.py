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
from tests.support.clients.raw_http import raw_connection
from tests.support.servers.dashboard import SETTINGS, listening

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
