"""Real receivers of webhooks and of Apprise's json:// on loopback, which answer as a test wants."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import web

from storage.model.alerts.alerts import Mail
from tests.support.servers.mail import a_mail

SECRET = "the-first-secret-of-the-desk"
PATH = "/services/T0PSECRETPATH"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """`answers` are given in turn, the last one for good."""

    answers: list[Answer]
    requests: list[Received] = field(default_factory=list[Received])
    connections: set[object] = field(default_factory=set[object])
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        self.requests.append(Received(request.path, dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


def says(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=named)

    return answer


async def hangs(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def resets(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def receiving(*answers: Answer) -> AsyncGenerator[Receiver]:
    receiver = Receiver(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()


def an_alert_for(
    recipient: str, number: int = 1, payload: str | None = '{"version":"blockline.alert/1"}'
) -> Mail:
    return replace(a_mail(number, recipient), payload=payload)
