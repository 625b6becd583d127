"""A local server that answers as X's API v2 would at a moment of a history, for rehearsals and tests.

Its clock stands still until it is told another time: `PUT /_simulator/clock {"now": "<ISO 8601>"}`.
`GET /_simulator/counts` says how many requests each endpoint got, how many ids were asked for, and how
many requests it refused for its rate limit.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from collectors.simulator.acts import Act
from collectors.simulator.faults import Faults
from collectors.simulator.history import History
from collectors.simulator.x_answers import XAnswers
from collectors.simulator.x_faulty import Reply
from collectors.simulator.x_grants import Grant, Tokens
from collectors.simulator.x_jobs import FILES, JOBS, ComplianceJobs
from collectors.simulator.x_meter import Meter
from collectors.simulator.x_payloads import UNAUTHORIZED, Spelling, dumps
from collectors.simulator.x_world import World

_NO_FAULTS: Final = Faults()


class XServer:
    """A running simulator. `base_url` is what a collector takes."""

    def __init__(
        self, world: World, answers: XAnswers, jobs: ComplianceJobs, meter: Meter, tokens: Tokens
    ) -> None:
        self.base_url = ""
        self._world = world
        self._answers = answers
        self._jobs = jobs
        self._meter = meter
        self._tokens = tokens

    def set_clock(self, now: datetime) -> None:
        """Move the simulated time, in either direction."""
        self._answers.move_to(now)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """By endpoint: requests, ids or handles asked for, and requests refused for the rate limit."""
        return self._meter.counts

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.path_qs.partition("?")
        if path.startswith("/_simulator/"):
            return await self._control(request, path)
        if path.startswith(FILES):
            body = await request.read()
            return _response(self._jobs.file(request.method, path, query, request.headers, body))
        if request.method != "GET" and not path.startswith(JOBS):
            return web.Response(status=405)
        header = request.headers.get("Authorization", "")
        reader = self._tokens.reader(header, path, query, self._world.now)
        if reader is None:
            return _response(Reply(401, dumps(UNAUTHORIZED)))
        if path.startswith(JOBS):
            return _response(self._jobs.reply(request.method, path, await request.read(), self.base_url))
        reply = self._answers.reply(path, query, reader)
        if reply.hang_s:
            await asyncio.sleep(reply.hang_s)
        if reply.cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return _response(reply)

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
    limit: int | Mapping[str, int] | None = None,
    spelling: Spelling = Spelling.TWEET,
    bearer_token: str | None = None,
    grants: Sequence[Grant] = (),
    compliance: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncGenerator[XServer]:
    """Serve until the block ends.

    `now` is where the clock starts, by default the earliest time of the history; `limit` is how many
    requests each endpoint answers in 15 simulated minutes (None: no limit; `DOCUMENTED_LIMITS` are those
    of X); `bearer_token` is the only one accepted of an app (None: any); `grants` are the users whose
    tokens are accepted as well; `compliance` is whether the app's plan has compliance jobs. Port 0 picks
    a free one. Raises OSError when the port is taken.
    """
    start = now or min((a.times[0] for a in history.accounts), default=datetime.fromtimestamp(0, UTC))
    world, meter = World(history, acts, start), Meter(limit)
    answers = XAnswers(world, faults, meter, spelling)
    jobs = ComplianceJobs(world, meter, included=compliance)
    server = XServer(world, answers, jobs, meter, Tokens(bearer_token, tuple(grants)))
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
