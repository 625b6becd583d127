"""What every simulator does on its port: listen, send an answer or none, and let its clock be set.

Its clock stands still until it is set: `PUT /_simulator/clock {"now": "<ISO 8601>"}`.
`GET /_simulator/counts` says how many requests and ids each endpoint has served.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

from aiohttp import web

from collectors.simulator.history import History
from collectors.simulator.reply import SimulatedReply

CONTROL: Final = "/_simulator/"
"""Under this path a simulator's clock is set and its counts are read."""

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class SimulatedPlatform(Protocol):
    """What a platform answers at its simulated time."""

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]: ...

    def move_to(self, now: datetime) -> None: ...

    def reply(self, host: str, path: str, query: str, accept: str) -> SimulatedReply:
        """The answer to a GET; `host` and `accept` are the headers of these names."""
        ...


class HttpSimulator(Protocol):
    """What can be served on a port."""

    base_url: str

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]: ...

    def set_clock(self, now: datetime) -> None: ...

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The platform's answer to a request that is not under `CONTROL`."""
        ...


class SimulatorServer:
    """A running simulator. `base_url` is what a collector takes."""

    def __init__(self, answers: SimulatedPlatform) -> None:
        self.base_url = ""
        self._answers = answers

    def set_clock(self, now: datetime) -> None:
        """Move the simulated time, in either direction."""
        self._answers.move_to(now)

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Requests and ids served so far, by endpoint."""
        return self._answers.counts

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET":
            return web.Response(status=405)
        path, _, query = request.path_qs.partition("?")
        host, accept = request.headers.get("Host", ""), request.headers.get("Accept", "")
        return await sent(request, self._answers.reply(host, path, query, accept))


def _controlled(server: HttpSimulator) -> _Handler:
    """How every server handles a request: under `CONTROL` alike, otherwise as its platform does."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await _control(server, request)
        return await server.handle(request)

    return handle


async def _control(server: HttpSimulator, request: web.BaseRequest) -> web.Response:
    """The answer to a request under `CONTROL`: the counts, or the clock set."""
    what = request.path.removeprefix(CONTROL)
    if request.method == "GET" and what == "counts":
        return web.json_response(server.counts)
    if request.method == "PUT" and what == "clock":
        now = _requested_time(await request.read())
        if now is None:
            return web.json_response({"detail": 'expected {"now": "<ISO 8601>"}'}, status=400)
        server.set_clock(now)
        return web.Response(status=204)
    return web.Response(status=404)


def _requested_time(body: bytes) -> datetime | None:
    """The time in the body of a request to set the clock, UTC unless it says otherwise; None without one."""
    try:
        now = datetime.fromisoformat(json.loads(body)["now"])
    except (ValueError, KeyError, TypeError):
        return None
    return now if now.tzinfo else now.replace(tzinfo=UTC)


async def sent(request: web.BaseRequest, reply: SimulatedReply) -> web.StreamResponse:
    """Wait as long as the reply says, then send it, or cut the connection."""
    if reply.hang_s:
        await asyncio.sleep(reply.hang_s)
    if reply.cut:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return web.Response(status=reply.status, body=reply.body, headers=headers)


def first_time(history: History) -> datetime:
    """The earliest time of a history: where a clock starts that nobody set."""
    return min((a.times[0] for a in history.accounts), default=datetime.fromtimestamp(0, UTC))


@asynccontextmanager
async def served(
    answers: SimulatedPlatform, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[SimulatorServer]:
    """Serve the answers of a platform until the block ends; see `listening`."""
    server = SimulatorServer(answers)
    async with listening(server, host, port):
        yield server


@asynccontextmanager
async def listening(server: HttpSimulator, host: str, port: int) -> AsyncGenerator[None]:
    """Serve until the block ends; port 0 picks a free one. Raises OSError when the port is taken."""
    runner = web.ServerRunner(web.Server(_controlled(server), access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        server.base_url = f"http://{f'[{bound_host}]' if ':' in bound_host else bound_host}:{bound_port}"
        yield
    finally:
        await runner.cleanup()
