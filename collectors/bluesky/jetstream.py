"""Listens to Jetstream, Bluesky's event stream. Nothing that aiohttp raises leaves this module."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from dataclasses import replace
from datetime import datetime
from typing import Final

import aiohttp

from collectors.bluesky.declaration import repo_of
from collectors.bluesky.wire.jetstream import (
    LARGEST_MESSAGE,
    MOST_DIDS,
    StreamEvent,
    cursor_at,
    gap_is_covered,
    hello,
    parse_event,
    query,
)
from collectors.core.abilities import StreamLost
from collectors.transport.client import USER_AGENT

# Its parameters are not typed. One second is enough for a goodbye that a dead server never answers.
_GOODBYE: Final = aiohttp.ClientWSTimeout(ws_close=1.0)  # pyright: ignore[reportCallIssue]
_OVER: Final = frozenset({aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED})


class Jetstream:
    """The stream at `url` (ws: or wss:, with its path)."""

    def __init__(self, url: str, *, timeout_s: float = 20.0, heartbeat_s: float = 30.0) -> None:
        """`timeout_s` is for connecting. A server that answers no ping, of which one is sent every
        `heartbeat_s` seconds, is lost: a stream of few accounts is silent for hours and alive.
        """
        self._url = url
        self._timeout_s = timeout_s
        self._heartbeat_s = heartbeat_s

    @property
    def most_accounts(self) -> int:
        """See `EventStream`."""
        return MOST_DIDS

    def cursor_at(self, at: datetime) -> str:
        """See `EventStream`."""
        return cursor_at(at)

    def covers(self, cursor: str, now: datetime) -> bool:
        """See `EventStream`."""
        return gap_is_covered(cursor, now)

    async def events(self, native_ids: Collection[str], cursor: str | None) -> AsyncGenerator[StreamEvent]:
        """Events about these accounts as they come, after those since `cursor` (None: from now on). An event
        about the author of a post is reported for the post.

        Never ends of itself. An event may come twice, and what is not an event is skipped. Close it when you
        stop early (`contextlib.aclosing`). Raises StreamLost; ValueError for no accounts, for more than
        `MOST_DIDS` of them, and for a cursor that no event carried.
        """
        wanted: dict[str, list[str]] = {}
        for native_id in native_ids:
            wanted.setdefault(repo_of(native_id), []).append(native_id)
        params, greeting = query(cursor), hello(wanted)
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
        ) as session:
            socket = await self._connect(session, params, greeting)
            try:
                while True:
                    event = await _next_event(socket)
                    if event is not None:
                        for native_id in wanted.get(event.native_id, ()):
                            yield replace(event, native_id=native_id)
            finally:
                await socket.close()

    async def _connect(
        self, session: aiohttp.ClientSession, params: dict[str, str], greeting: str
    ) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(self._timeout_s):
                socket = await session.ws_connect(
                    self._url,
                    params=params,
                    timeout=_GOODBYE,
                    heartbeat=self._heartbeat_s,
                    max_msg_size=LARGEST_MESSAGE,
                )
                await socket.send_str(greeting)
                return socket
        except TimeoutError:
            raise StreamLost("The event stream does not answer in time.") from None
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise StreamLost(f"The event stream cannot be reached ({type(e).__name__}: {e}).") from None


async def _next_event(socket: aiohttp.ClientWebSocketResponse) -> StreamEvent | None:
    """The event in the next message, None when it holds none."""
    try:
        message = await socket.receive()
    except (aiohttp.ClientError, OSError) as e:
        # A ping whose answer found the connection gone; aiohttp reports all other losses as messages.
        raise StreamLost(f"The event stream broke off ({type(e).__name__}).") from None
    if message.type is aiohttp.WSMsgType.TEXT:
        return parse_event(message.data)
    if message.type in _OVER:
        raise StreamLost(f"The event stream was closed by the other side (code {socket.close_code}).")
    if message.type is aiohttp.WSMsgType.ERROR:
        raise StreamLost(f"The event stream broke off ({type(message.data).__name__}).")
    return None
