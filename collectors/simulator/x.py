"""A local server that answers as X's API v2 would at a moment of a history, for rehearsals and tests.

Its clock stands still until it is told another time: `PUT /_simulator/clock {"now": "<ISO 8601>"}`.
`GET /_simulator/counts` says how many requests and ids each endpoint has served.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from collectors.simulator.acts import Act
from collectors.simulator.faults import Faults
from collectors.simulator.history import History
from collectors.simulator.x_answers import XAnswers
from collectors.simulator.x_faulty import Reply
from collectors.simulator.x_payloads import UNAUTHORIZED, Spelling, dumps
from collectors.simulator.x_world import World

_NO_FAULTS: Final = Faults()


class XServer:
    """A running simulator. `base_url` is what a collector takes."""

    def __init__(self, answers: XAnswers, bearer_token: str | None) -> None:
        self.base_url = ""
        self._answers = answers
        self._authorization = None if bearer_token is None else f"Bearer {bearer_token}"

    def set_clock(self, now: datetime) -> None:
        """Move the simulated time, in either direction."""
        self._answers.move_to(now)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Requests and ids served so far, by endpoint."""
        return self._answers.counts

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.path_qs.partition("?")
        if path.startswith("/_simulator/"):
            return await self._control(request, path)
        if request.method != "GET":
            return web.Response(status=405)
        if not self._is_authorized(request.headers.get("Authorization", "")):
            return _response(Reply(401, dumps(UNAUTHORIZED)))
        reply = self._answers.reply(path, query)
        if reply.hang_s:
            await asyncio.sleep(reply.hang_s)
        if reply.cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return _response(reply)

    def _is_authorized(self, header: str) -> bool:
        if self._authorization is not None:
            return header == self._authorization
        return header.startswith("Bearer ") and len(header) > len("Bearer ")

    async def _control(self, request: web.BaseRequest, path: str) -> web.Response:
        if request.method == "GET" and path == "/_simulator/counts":
            return _response(Reply(200, dumps(self.counts)))
        if request.method == "PUT" and path == "/_simulator/clock":
            try:
                now = datetime.fromisoformat(json.loads(await request.read())["now"])
            except (ValueError, KeyError, TypeError):
                return _response(Reply(400, dumps({"detail": 'expected {"now": "<ISO 8601>"}'})))
            self.set_clock(now if now.tzinfo else now.replace(tzinfo=UTC))
            return web.Response(status=204)
        return web.Response(status=404)


@asynccontextmanager
async def serve_x(
    history: History,
    *,
    acts: Sequence[Act] = (),
    faults: Faults = _NO_FAULTS,
    now: datetime | None = None,
    limit: int | None = None,
    spelling: Spelling = Spelling.TWEET,
    bearer_token: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncGenerator[XServer]:
    """Serve until the block ends.

    `now` is where the clock starts, by default the earliest time of the history; `limit` is how many
    requests each endpoint answers in 15 simulated minutes (None: no limit); `bearer_token` is the only
    token accepted (None: any). Port 0 picks a free one. Raises OSError when the port is taken.
    """
    start = now or min((a.times[0] for a in history.accounts), default=datetime.fromtimestamp(0, UTC))
    server = XServer(XAnswers(World(history, acts, start), faults, limit, spelling), bearer_token)
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound_host, bound_port = runner.addresses[0][:2]
        server.base_url = f"http://{f'[{bound_host}]' if ':' in bound_host else bound_host}:{bound_port}"
        yield server
    finally:
        await runner.cleanup()


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers=reply.headers, content_type=reply.content_type
    )
