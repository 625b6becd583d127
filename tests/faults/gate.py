"""A port in front of a server, which can fail in every way a network does while connections stand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_PART = 65_536


class Gate:
    """Passes connections on. What it does to them can be changed at any time."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.to = to
        """Where new connections lead."""
        self.port = 0
        self.delay_s = 0.0
        """How long each part of an answer takes on its way."""
        self._passes = asyncio.Event()
        self._passes.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and cut those that stand."""
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Cut the connections that stand; new ones are passed on."""
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def silence(self) -> None:
        """Accept connections, and let nothing through."""
        self._passes.clear()

    def speak(self) -> None:
        """Let through what has waited."""
        self._passes.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            await self._passes.wait()
            far_reader, far_writer = await asyncio.open_connection(*self.to)
        except OSError:
            writer.transport.abort()
            self._ends.discard(writer)
            return
        self._ends.add(far_writer)
        with suppress(OSError, ExceptionGroup):
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, far_writer, 0.0))
                both.create_task(self._pass(far_reader, writer, 1.0))
        for end in (writer, far_writer):
            self._ends.discard(end)
            end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slowed: float) -> None:
        while part := await reader.read(_PART):
            if self.delay_s:
                await asyncio.sleep(self.delay_s * slowed)
            await self._passes.wait()
            writer.write(part)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


@asynccontextmanager
async def gated(to: tuple[str, int]) -> AsyncGenerator[Gate]:
    """An open gate to a server; it is closed with the block."""
    gate = Gate(to)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.close()
