"""A local server that answers as Bluesky would at a moment of a history, for rehearsals and tests.

One address stands for the app view, for the server that holds the accounts, for the directory of DIDs, for
all labelers and for Jetstream: the path says which one is meant. Clock and counts are as
`collectors.simulator.server` says; setting the clock also sends the events up to then to the listeners
of `/subscribe`.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from aiohttp import WSMsgType, web

from collectors.bluesky.declaration import post_of
from collectors.bluesky.simulator.answers import BlueskyAnswers
from collectors.bluesky.simulator.jetstream import BadOptionsError, EventLog, Options, read_query, read_update
from collectors.bluesky.simulator.world import BlueskyWorld, accounts_of
from collectors.bluesky.wire.regional_labelers import MAIN_LABELER, SHIPPED_REGIONS
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History
from collectors.simulator.server import first_time, listening, sent

_NO_FAULTS: Final = FaultPlan()
_LARGEST_UPDATE: Final = 10 * 1024 * 1024
_MALFORMED: Final = 1007


class _Listener:
    """One connection to the event stream."""

    def __init__(
        self, socket: web.WebSocketResponse, options: Options, since: datetime, greeted: asyncio.Event
    ) -> None:
        self.socket = socket
        self.dids = options.dids
        self.since = since
        """Up to this time everything was sent."""
        self.is_listening = False
        self.wake = asyncio.Event()
        self._greeted = greeted

    def start(self) -> None:
        """Send from now on what is wanted."""
        self.is_listening = True
        self.wake.set()
        self._greeted.set()

    async def take_updates(self) -> None:
        """Until the connection ends; a message that is no options update ends it."""
        async for message in self.socket:
            try:
                if message.type is WSMsgType.TEXT:
                    self.dids = read_update(message.data)
                    self.start()
            except BadOptionsError as e:
                await self.socket.close(code=_MALFORMED, message=str(e).encode())


class BlueskyServer:
    """A running simulator. `base_url` is the address of every server of the platform."""

    def __init__(self, answers: BlueskyAnswers, events: EventLog) -> None:
        self.base_url = ""
        self._answers = answers
        self._events = events
        self._listeners: dict[_Listener, asyncio.Transport] = {}
        self._greeted = asyncio.Event()

    @property
    def stream_url(self) -> str:
        """The address of Jetstream."""
        return self.base_url.replace("http", "ws", 1) + "/subscribe"

    async def heard(self, listeners: int = 1) -> None:
        """Wait until that many connections have said what they want and are sent events."""
        while sum(listener.is_listening for listener in self._listeners) < listeners:
            self._greeted.clear()
            await self._greeted.wait()

    def set_clock(self, now: datetime) -> None:
        """Move the simulated time, in either direction. Listeners are sent what happened on the way."""
        self._answers.move_to(now)
        for listener in self._listeners:
            listener.wake.set()

    def cut_streams(self) -> None:
        """Cut all connections to the event stream, without a goodbye."""
        for transport in self._listeners.values():
            transport.abort()

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Requests and accounts served so far, by endpoint."""
        return self._answers.counts

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET":
            return web.Response(status=405)
        path, _, query = request.path_qs.partition("?")
        if path == "/subscribe":
            reply = self._answers.refused_stream(request.path_qs)
            if reply is None:
                return await self._stream(request, query)
        else:
            reply = self._answers.reply(path, query, request.headers.get("atproto-accept-labelers"))
        return await sent(request, reply)

    async def _stream(self, request: web.BaseRequest, query: str) -> web.StreamResponse:
        try:
            options = read_query(query)
        except BadOptionsError as e:
            return web.Response(status=400, text=str(e))
        socket = web.WebSocketResponse(max_msg_size=_LARGEST_UPDATE)
        if not socket.can_prepare(request):
            return web.Response(status=400, text="not a websocket request")
        await socket.prepare(request)
        if request.transport is None:
            return socket
        since = self._events.start_of(options, self._answers.now)
        listener = _Listener(socket, options, since, self._greeted)
        self._listeners[listener] = request.transport
        if not options.waits_for_hello:
            listener.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(listener))
                await listener.take_updates()
                sending.cancel()
        finally:
            del self._listeners[listener]
        return socket

    async def _send(self, listener: _Listener) -> None:
        while await listener.wake.wait():
            listener.wake.clear()
            if not listener.is_listening:
                continue
            now = self._answers.now
            messages = self._events.between(listener.since, now, listener.dids)
            listener.since = now
            try:
                for message in messages:
                    await listener.socket.send_str(message)
            except ConnectionError:
                return


@asynccontextmanager
async def serve_bluesky(
    history: History,
    *,
    acts: Sequence[SimulatedAct] = (),
    faults: FaultPlan = _NO_FAULTS,
    now: datetime | None = None,
    limit: int | None = None,
    regions: Mapping[str, str] = SHIPPED_REGIONS,
    main_labeler: str = MAIN_LABELER,
    pds: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncGenerator[BlueskyServer]:
    """Serve until the block ends.

    `now` is where the clock starts, by default the earliest time of the history; `limit` is how many
    requests the server of the accounts answers in 5 simulated minutes (None: no limit); `regions` is the
    DID of the labeler of each country; `pds` is the address that DID documents name (None: this server).
    Acts have a record key as `post_id`, and as `target_id` the address of a post or the DID of who is
    followed. Port 0 picks a free one. Raises OSError when the port is taken.
    """
    start = now or first_time(history)
    accounts = accounts_of(history, acts, start)
    answers = BlueskyAnswers(BlueskyWorld(accounts, acts, start, regions, main_labeler), faults, limit)
    owners = [account for native_id, account in accounts.items() if post_of(native_id) is None]
    server = BlueskyServer(answers, EventLog(owners))
    async with listening(server, host, port):
        answers.pds, answers.labeler = pds or server.base_url, server.base_url
        try:
            yield server
        finally:
            server.cut_streams()
