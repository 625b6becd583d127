"""No request holds a connection to the database while it waits for its client."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from dashboard.server.app import create_app
from jobs.runtime.replay_process import ReplayProcess
from storage.postgres.pool import Pool, open_pool
from tests.support.seeds.people import WITH_LOGIN
from tests.support.servers.dashboard import SETTINGS, routes, served_by

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
STREAMED = {"/api/v1/export/{kind}"}
"""At most two at once, which end when their reader takes nothing."""


@pytest.fixture
async def pool(dsn: str) -> AsyncGenerator[Pool]:
    async with open_pool(dsn, max_size=2) as opened:
        yield opened


@dataclass
class SlowClient:
    """A client that sends half a body, and then nothing."""

    pool: Pool
    waited_for: list[int] = field(default_factory=list[int])
    """How many connections were in use each time that the rest of the body was awaited."""
    sent_to: list[int] = field(default_factory=list[int])
    """How many were in use each time that something was sent."""

    def _in_use(self) -> int:
        return self.pool.get_size() - self.pool.get_idle_size()

    async def ask(self, app: Any, method: str, path: str, media_type: str) -> None:
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"{", "more_body": method != "GET"}
            if method == "GET":
                await asyncio.Event().wait()
            self.waited_for.append(self._in_use())
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            self.sent_to.append(self._in_use())

        headers = {"host": "127.0.0.1", "origin": "http://127.0.0.1", "content-type": media_type}
        with suppress(Exception):  # what an aborted request ends in is for other tests
            await app(
                {
                    "type": "http",
                    "asgi": {"version": "3.0", "spec_version": "2.3"},
                    "http_version": "1.1",
                    "method": method,
                    "scheme": "http",
                    "path": path,
                    "raw_path": path.encode(),
                    "query_string": b"format=jsonl" if "export" in path else b"format=gif&frames=1&rate=1",
                    "root_path": "",
                    "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
                    "client": ("127.0.0.1", 1),
                    "server": ("127.0.0.1", 80),
                },
                receive,
                send,
            )


def filled(path: str) -> str:
    parts = {"{kind}": "changes"}
    return "/".join(parts.get(part, "1" if part.startswith("{") else part) for part in path.split("/"))


async def test_while_a_body_is_awaited_no_connection_is_in_use(pool: Pool, dsn: str, now: datetime) -> None:
    waiting: dict[str, list[int]] = {}
    for settings in SETTINGS, WITH_LOGIN:
        app = create_app(pool, lambda: now, dsn=dsn, settings=settings, decider=ReplayProcess(dsn))
        for method, path in routes(served_by(app)):
            for media_type in (JSON, FORM) if method in {"POST", "PUT", "PATCH", "DELETE"} else ():
                client = SlowClient(pool)
                await client.ask(app, method, filled(path), media_type)
                waiting.setdefault(path, []).extend(client.waited_for)
    assert {path: held for path, held in waiting.items() if any(held)} == {}
    assert sum(bool(held) for held in waiting.values()) > 30, "the others read no body, or ask for a login"
    assert waiting["/login"]
    assert waiting["/mail-link/{token}"]


async def test_while_an_answer_is_sent_no_connection_is_in_use(pool: Pool, dsn: str, now: datetime) -> None:
    app = create_app(pool, lambda: now, dsn=dsn, settings=SETTINGS, decider=ReplayProcess(dsn))
    sent: dict[str, list[int]] = {}
    for method, path in routes(served_by(app)):
        if method == "GET":
            client = SlowClient(pool)
            await client.ask(app, method, filled(path), JSON)
            sent[path] = client.sent_to
    assert {path for path, held in sent.items() if any(held)} == STREAMED
    assert all(sent.values())
