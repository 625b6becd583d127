"""Security headers on every answer, and no websocket from another origin: one pure-ASGI wrapper for both."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def content_security_policy(script_hashes: Iterable[str]) -> str:
    """Everything from this host only; inline scripts only those with a known hash; no eval."""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        )
    )


class Guarded:
    """Wraps the dashboard's ASGI app. Dash's own hooks do not see websockets; this does."""

    def __init__(self, app: App, policy: str, allowed_origins: Sequence[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed_origins)
        self._headers = (
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self._from_here(scope):
            await receive()
            await send({"type": "websocket.close", "code": 4003, "reason": "Origin not allowed"})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cache = cache_control(scope["path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [
                    (k, v) for k, v in message["headers"] if not (cache and k.lower() == b"cache-control")
                ]
                message["headers"] = [*kept, *self._headers, *([(b"cache-control", cache)] if cache else [])]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _from_here(self, scope: Scope) -> bool:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        return bool(origin) and (origin in self._allowed or urlsplit(origin).netloc == host)


def cache_control(path: str) -> bytes | None:
    """Data is never stored; our own scripts are asked for each time; Dash's carry a version."""
    if path.startswith("/_dash-component-suites/"):
        return None
    if path.startswith("/assets/"):
        return b"no-cache"
    return b"no-store"
