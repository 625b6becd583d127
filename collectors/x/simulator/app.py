"""A local server that answers as X's API v2 would at a moment of a history, for rehearsals and tests.

Clock and counts are as `collectors.simulator.server` says; the counts also say how many requests each
endpoint refused for its rate limit.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Final

from aiohttp import web

from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History
from collectors.simulator.reply import SimulatedReply
from collectors.simulator.server import first_time, listening, sent
from collectors.x.simulator.answers import XAnswers
from collectors.x.simulator.compliance import FILES, JOBS, SimulatedComplianceJobs
from collectors.x.simulator.oauth import Grant, Tokens
from collectors.x.simulator.payloads import UNAUTHORIZED, Spelling, dumps
from collectors.x.simulator.rate_limits import Meter
from collectors.x.simulator.world import XWorld

_NO_FAULTS: Final = FaultPlan()


class XServer:
    """A running simulator. `base_url` is what a collector takes."""

    def __init__(
        self, world: XWorld, answers: XAnswers, jobs: SimulatedComplianceJobs, meter: Meter, tokens: Tokens
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

    @property
    def account_days(self) -> Mapping[date, int]:
        """Different users asked for by id on each UTC day: X bills those of them that it returns."""
        return self._meter.account_days

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.path_qs.partition("?")
        if path.startswith(FILES):
            body = await request.read()
            return await sent(request, self._jobs.file(request.method, path, query, request.headers, body))
        if request.method != "GET" and not path.startswith(JOBS):
            return web.Response(status=405)
        header = request.headers.get("Authorization", "")
        reader = self._tokens.reader(header, path, query, self._world.now)
        if reader is None:
            return await sent(request, SimulatedReply(401, dumps(UNAUTHORIZED)))
        if path.startswith(JOBS):
            body = await request.read()
            return await sent(request, self._jobs.reply(request.method, path, body, self.base_url))
        return await sent(request, self._answers.reply(path, query, reader))


@asynccontextmanager
async def serve_x(
    history: History,
    *,
    acts: Sequence[SimulatedAct] = (),
    faults: FaultPlan = _NO_FAULTS,
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
    world, meter = XWorld(history, acts, now or first_time(history)), Meter(limit)
    answers = XAnswers(world, faults, meter, spelling)
    jobs = SimulatedComplianceJobs(world, meter, included=compliance)
    server = XServer(world, answers, jobs, meter, Tokens(bearer_token, tuple(grants)))
    async with listening(server, host, port):
        yield server
