"""Stands between a client and Postgres, counts statements, and stops at any one of them.

A statement of the client ends when the server says that it is ready for the next one. The proxy can stop at
either side of it: before the server has got it, or after the server has done it and before the client knows.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

READY, GOODBYE = b"Z", b"X"


@dataclass(slots=True)
class Watch:
    """Counts what one client does, and what to do when a point is reached."""

    stop_at: int | None = None
    """Number of the point: 2n is before statement n, 2n + 1 after it. None: never."""
    stop: Callable[[], Awaitable[None]] | None = None
    points: int = 0
    is_logged_in: bool = False
    is_ready: bool = False
    """The server waits for a statement."""

    async def begun(self) -> bool:
        """The client sends something; False when it must not reach the server."""
        if not self.is_ready:
            return True
        self.is_ready = False
        return await self._pass(0)

    async def done(self) -> bool:
        """The server is ready for the next statement; False when the client must not hear of it."""
        self.is_ready = True
        if not self.is_logged_in:
            self.is_logged_in = True
            return True
        return await self._pass(1)

    async def _pass(self, side: int) -> bool:
        here, self.points = self.points, self.points + 1
        assert here % 2 == side, "a statement began or ended twice"
        if here != self.stop_at or self.stop is None:
            return True
        await self.stop()
        return False


@asynccontextmanager
async def proxied(dsn: str, watch: Callable[[], Watch]) -> AsyncGenerator[str]:
    """A DSN that leads to the same database through the proxy. `watch` is asked for each connection."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        if "host" in query:
            path = f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}"
            server_reader, server_writer = await asyncio.open_unix_connection(path)
        else:
            server_reader, server_writer = await asyncio.open_connection(parts.hostname, parts.port or 5432)
        mine = watch()
        with suppress(OSError, asyncio.IncompleteReadError, ExceptionGroup):
            async with asyncio.TaskGroup() as both:
                both.create_task(_forward(reader, server_writer, mine))
                both.create_task(_backward(server_reader, writer, mine))
        for end in (writer, server_writer):
            end.close()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Gone(Exception):
    """One side is to hear nothing more."""


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(int.from_bytes(head[1:]) - 4)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: Watch) -> None:
    length = await reader.readexactly(4)
    writer.write(length + await reader.readexactly(int.from_bytes(length) - 4))
    while True:
        message = await _message(reader)
        if message[:1] != GOODBYE and not await watch.begun():
            raise _Gone
        writer.write(message)
        await writer.drain()


async def _backward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: Watch) -> None:
    while True:
        message = await _message(reader)
        if message[:1] == READY and not await watch.done():
            raise _Gone
        writer.write(message)
        await writer.drain()
