"""A request body may come slowly; what stops coming is not waited for."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI, Request

from dashboard.asgi.body_limit import BodyLimitMiddleware

SHORT_S = 0.2


class Body:
    """Sends each part after its pause, in seconds. After the last it says nothing more."""

    def __init__(self, *parts: tuple[float, int]) -> None:
        self._parts = list(parts)

    async def receive(self) -> dict[str, Any]:
        if not self._parts:
            await asyncio.Event().wait()
        pause, size = self._parts.pop(0)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": bytes(size), "more_body": size > 0}


async def ask(body: Body, within_s: float = SHORT_S) -> tuple[int, bytes]:
    server = FastAPI()

    @server.post("/")
    async def read(request: Request) -> int:  # pyright: ignore[reportUnusedFunction]
        return len(await request.body())

    said: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [],
    }
    await BodyLimitMiddleware(server, 1_000_000, within_s=within_s)(scope, body.receive, send)
    return said[0]["status"], said[1]["body"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([], id="nothing"),
        pytest.param([(0, 1), (0, 1)], id="a few bytes"),
        pytest.param([(SHORT_S / 2, 1)] * 10 + [(0, 0)], id="one byte after another"),
    ],
)
async def test_a_body_that_does_not_come_is_refused(body: list[tuple[float, int]]) -> None:
    status, said = await ask(Body(*body))
    assert (status, said) == (408, b'{"detail":"The request body did not arrive in time."}')
