"""An HTTP server that answers as a test says, and a collector that asks it."""

import asyncio
import contextlib
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from collectors.simulator.canaries import with_canaries
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history_files import load_history
from collectors.simulator.server import CONTROL, listening
from collectors.transport.client import HttpOptions, Retry
from collectors.x.collector import XCollector
from collectors.x.compliance import XCompliance
from collectors.x.likes import XLikes
from collectors.x.simulator.app import XServer, serve_x
from collectors.x.simulator.oauth import Grant
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import MINUTE, T0

TOKEN = "AAAAverysecret"


ONCE = HttpOptions(retry=Retry(attempts=0, base_s=0))


USERS = b'{"data":[{"id":"7","name":"a","username":"a","protected":false}]}'


Told = web.Response | Awaitable[web.Response] | None
"""None: the connection is cut."""


Script = Callable[[web.BaseRequest], Told]


@dataclass(slots=True)
class Scripted:
    """An HTTP server that answers as `script` says and keeps what it was asked."""

    script: Script
    base_url: str = ""
    asked: list[web.BaseRequest] = field(default_factory=list[web.BaseRequest])

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        response = self.script(request)
        if response is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return response if isinstance(response, web.Response) else await response


@asynccontextmanager
async def scripted(script: Script) -> AsyncGenerator[Scripted]:
    served = Scripted(script)
    runner = web.ServerRunner(web.Server(served.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield served
    finally:
        await runner.cleanup()


def collector(base_url: str, **settings: Any) -> XCollector:
    """A collector with no repeats and no chance in it, unless `settings` of XCollector say so."""
    given: dict[str, Any] = {"http": ONCE, "dice": random.Random(1)} | settings
    return XCollector(TOKEN, base_url=base_url, **given)


def plain(status: int, body: bytes = b"", **headers: str) -> Callable[[web.BaseRequest], web.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(status=status, body=body, headers=named)


def cut(_: web.BaseRequest) -> None:
    """A script: the connection is cut without an answer."""


async def hang(_: web.BaseRequest) -> web.Response:
    """A script: no answer comes, and the connection stays open."""
    await asyncio.Event().wait()
    return web.Response()


OWNER, OTHER_USER = "310000001", "310000002"


GRANT = Grant("appkey", "app+secret/", f"{OWNER}-token", "user_secret&=")


JOB: dict[str, Any] = {
    "id": "1372966999991541762",
    "type": "users",
    "name": "n",
    "status": "created",
    "upload_url": "https://storage.example/up?X-Goog-Signature=a%2Fb",
    "download_url": "https://storage.example/down",
}
"""A compliance job as X shows it."""


def reader(base_url: str, grant: Grant = GRANT) -> XLikes:
    """Reads the likes of the user who gave `grant`, with no repeats."""
    parts = (grant.consumer_key, grant.consumer_secret, grant.access_token, grant.access_secret)
    return XLikes(*parts, base_url=base_url, http=ONCE)


def like(post: int, minute: float = 0, actor: str = OWNER) -> SimulatedAct:
    """A like so many minutes after the start."""
    return SimulatedAct(actor, T0 + minute * MINUTE, SignalKind.LIKE, str(post), str(post), "5")


def app(base_url: str, trusted: Sequence[str] = ("127.0.0.1",)) -> XCompliance:
    """Runs compliance jobs, with no repeats."""
    return XCompliance(TOKEN, base_url=base_url, http=ONCE, trusted=trusted)


class _Far:
    def __init__(self, server: XServer, delay_s: float, at_once: int) -> None:
        self.base_url = ""
        self._server = server
        self._delay_s = delay_s
        self._at_once = asyncio.Semaphore(at_once)
        self._by_token = Counter[str]()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Those of the simulator, how many accounts it bills on which day, and requests by token."""
        days = {day.isoformat(): accounts for day, accounts in self._server.account_days.items()}
        return self._server.counts | {"account_days": days, "tokens": self._by_token}

    def set_clock(self, now: datetime) -> None:
        self._server.set_clock(now)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._by_token[request.headers.get("Authorization", "").removeprefix("Bearer ")] += 1
        async with self._at_once:
            answer = await self._server.handle(request)
            await asyncio.sleep(self._delay_s)
        return answer


@asynccontextmanager
async def far_x(
    history: Path, delay_s: float, at_once: int = 10_000, limit: int = 0, token: str = ""
) -> AsyncGenerator[str]:
    """Its address, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(
            "-m",
            "tests.support.simulated.scripted_x",
            str(history),
            str(delay_s),
            str(at_once),
            str(limit),
            token,
        ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent.parent)},
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def counted(address: str) -> dict[str, dict[str, int]]:
    """What the simulator counted: by endpoint, requests, ids, and requests that it refused; `_Far.counts`."""
    async with aiohttp.ClientSession() as session, session.get(f"{address}{CONTROL}counts") as answer:
        return json.loads(await answer.text())


async def _serve(history: str, delay_s: str, at_once: str, limit: str, token: str) -> None:
    told = with_canaries(load_history(Path(history)))
    now = datetime.now(UTC)  # noqa: TID251 - the processes that ask it live in the present
    async with serve_x(told, now=now, limit=int(limit) or None, bearer_token=token or None) as server:
        far = _Far(server, float(delay_s), int(at_once))
        async with listening(far, "127.0.0.1", 0):
            print(far.base_url, flush=True)
            await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(*sys.argv[1:]))
