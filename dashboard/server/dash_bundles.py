"""Dash's own scripts, compressed once: the largest takes half a second, and every new browser requests it."""

import gzip
from dataclasses import dataclass
from typing import Final

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.security_headers import App, Message, Receive, Scope, Send

SUITES: Final = "/_dash-component-suites/"
MOST_BYTES: Final = 20_000_000
"""The most bytes of compressed scripts in memory. All scripts together take a fifth of it."""
_WORTH_IT = 500


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class BundleMiddleware:
    """Middleware around the dashboard's ASGI app, behind the login."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._kept: dict[str, _Answer] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_for_us(scope):
            await self._app(scope, receive, send)
            return
        answer = self._kept.get(scope["path"])
        if answer is None:
            answer = await self._pack(await self._ask(scope, receive), scope["path"])
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _ask(self, scope: Scope, receive: Receive) -> _Answer:
        """The app's answer to a client that accepts no compression."""
        start: Message = {}
        body: list[bytes] = []

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.append(message.get("body", b""))

        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": plain}, receive, take)
        return _Answer(start["status"], list(start["headers"]), b"".join(body))

    async def _pack(self, answer: _Answer, path: str) -> _Answer:
        if answer.status != 200 or len(answer.body) < _WORTH_IT:
            return answer
        body = await off_loop(gzip.compress, answer.body, mtime=0)
        replaced = {b"content-length", b"vary"}
        packed = _Answer(
            answer.status,
            [
                *((name, value) for name, value in answer.headers if name.lower() not in replaced),
                (b"content-encoding", b"gzip"),
                (b"vary", b"accept-encoding"),
                (b"content-length", str(len(body)).encode()),
            ],
            body,
        )
        if self._bytes + len(body) <= MOST_BYTES:
            self._kept[path] = packed
            self._bytes += len(body)
        return packed


def _is_for_us(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(SUITES):
        return False
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return b"gzip" in headers.get(b"accept-encoding", b"") and b"if-none-match" not in headers
