"""A server that answers for several hosts as a test says, and a collector that asks it for them."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from collectors.mastodon.collector import MAX_BODY, MastodonCollector
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from tests.support.samples.mastodon_answers import Sample

ONCE = HttpOptions(retry=Retry(attempts=0), max_body=MAX_BODY, guard=Guard())
HOSTS = ("mastodon.example", "social.example", "example.org")
Routes = Mapping[str, "Answer"]


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is cut without an answer."""


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer comes, and the connection stays open."""


Answer = Sample | Cut | Hang | Callable[[web.BaseRequest], Sample]


def ok(value: object, **headers: str) -> Sample:
    """A JSON answer."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Sample(200, {"Content-Type": "application/json"} | named, json.dumps(value).encode())


def status(code: int, body: bytes = b"", **headers: str) -> Sample:
    return Sample(code, {name.replace("_", "-"): text for name, text in headers.items()}, body)


@dataclass(slots=True)
class Scripted:
    """Answers by `host/path`, else by path alone, else 404 with an empty body; keeps what it was asked."""

    routes: dict[str, Answer]
    base_url: str = ""
    asked: list[str] = field(default_factory=list[str])
    requests: list[web.BaseRequest] = field(default_factory=list[web.BaseRequest])

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        named = f"{request.headers['Host']}{request.path}"
        self.asked.append(named)
        answer = self.routes.get(named, self.routes.get(request.path, status(404)))
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Hang):
            await asyncio.Event().wait()
            return web.Response()
        if isinstance(answer, Cut):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


@asynccontextmanager
async def scripted(routes: Routes) -> AsyncGenerator[Scripted]:
    served = Scripted(dict(routes))
    runner = web.ServerRunner(web.Server(served.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield served
    finally:
        await runner.cleanup()


def collector(server: Scripted, hosts: tuple[str, ...] = HOSTS, **settings: Any) -> MastodonCollector:
    """A collector that asks `server` for `hosts`, with no repeats and no chance in it."""
    given: dict[str, Any] = {"http": ONCE, "dice": random.Random(1)} | settings
    return MastodonCollector(origins=dict.fromkeys(hosts, server.base_url), **given)


@asynccontextmanager
async def asking(routes: Routes, **settings: Any) -> AsyncGenerator[tuple[MastodonCollector, Scripted]]:
    async with scripted(routes) as server, collector(server, **settings) as mastodon:
        yield mastodon, server
