"""A client that speaks HTTP and websockets byte by byte, to say what no library would send."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
_WITHIN_S = 100.0


class RawConnection:
    """One TCP connection to the server at `base`."""

    def __init__(self, base: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.base = base
        self.reader = reader
        self.writer = writer

    def head(self, line: str, *headers: str) -> bytes:
        """A request's first line and its headers, with the host and origin of a page of ours."""
        named = (f"Host: {urlsplit(self.base).netloc}", f"Origin: {self.base}", *headers)
        return "\r\n".join((line, *named, "", "")).encode("latin-1")

    def upgrade(self, path: str, *headers: str) -> bytes:
        asked = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        return self.head(f"GET {path} HTTP/1.1", *asked, f"Sec-WebSocket-Key: {KEY}", *headers)

    async def send(self, data: bytes) -> None:
        with suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def opened(self, path: str) -> None:
        """A websocket."""
        await self.send(self.upgrade(path))
        async with asyncio.timeout(_WITHIN_S):
            assert (await self.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection."""
        async with asyncio.timeout(_WITHIN_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def reset(self) -> None:
        """End the connection without a farewell, as a process does that is killed, unless the server did."""
        if self.writer.transport.is_closing():
            return
        one: socket.socket = self.writer.get_extra_info("socket")
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def raw_connection(base: str, receive_buffer: int | None = None) -> AsyncGenerator[RawConnection]:
    """A connection to the server at `base`. `receive_buffer`: bytes that wait for this side to read them."""
    where = urlsplit(base)
    one = socket.socket()
    if receive_buffer is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    one.setblocking(False)
    await asyncio.get_running_loop().sock_connect(one, (where.hostname, where.port))
    reader, writer = await asyncio.open_connection(sock=one)
    try:
        yield RawConnection(base, reader, writer)
    finally:
        writer.transport.abort()


def frame(opcode: int, data: bytes, *, fin: bool = True, masked: bool = True) -> bytes:
    """A websocket frame, masked with zeros."""
    size = len(data)
    head = bytes([(0x80 if fin else 0) | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += bytes([mask | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask | 127]) + struct.pack("!Q", size)
    return head + (bytes(4) if masked else b"") + data
