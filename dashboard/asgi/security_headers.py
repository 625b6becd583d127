"""Who may ask, and the security headers on every answer: one pure-ASGI wrapper for http and websockets.

There is no login, so a page of a stranger must not reach the dashboard through the visitor's own browser:
not by a websocket or a write from another origin, and not by a name that the stranger points at the loopback.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from dashboard.asgi.problem_json import API, MEDIA_TYPE, is_api, problem_bytes

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


WRONG_HOST = (
    "The dashboard does not answer requests to this host name. It answers to 127.0.0.1, localhost, [::1] and "
    "the host in the setting dashboard_url."
)
WRONG_ORIGIN = (
    "Only the dashboard's own pages may make changes, and this request does not come from one of them."
)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
SIGNED = "/mail-link/"
"""Addresses that only who got a mail has; a mail program asks for them from no page."""


class SecurityHeadersMiddleware:
    """Wraps the dashboard's ASGI app. Dash's own hooks do not see websockets; this does."""

    def __init__(self, app: App, policy: str, allowed_origins: Sequence[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed_origins)
        self._names = frozenset((parts.scheme, parts.hostname) for parts in map(urlsplit, allowed_origins))
        self._hosts = frozenset(host for _, host in self._names if host)
        self._headers = (
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            # With no-referrer a browser hides even from us which page of ours a form was sent from.
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if not self._answers_to(host_header(scope)):
            await self._refuse(scope, receive, send, 421, WRONG_HOST)
            return
        if scope["type"] == "websocket":
            if self._from_here(scope):
                await self._app(scope, receive, send)
                return
            await receive()
            await send({"type": "websocket.close", "code": 4003, "reason": "Origin not allowed"})
            return
        is_free = scope["method"] in SAFE or scope["path"].startswith(SIGNED) or _is_program(scope)
        if not is_free and not self._from_here(scope):
            await self._refuse(scope, receive, send, 403, WRONG_ORIGIN)
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

    def _answers_to(self, host: str) -> bool:
        name = host_name(host)
        return name is not None and (is_loopback(name) or name in self._hosts)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
        """For a websocket as well: the server then answers the handshake with it."""
        prefix = ""
        if scope["type"] == "websocket":
            await receive()
            if "websocket.http.response" not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": 4021, "reason": "Host not allowed"})
                return
            prefix = "websocket."
        as_problem = is_api(scope["path"])
        body = problem_bytes(status, sentence) if as_problem else sentence.encode()
        media_type = MEDIA_TYPE.encode() if as_problem else b"text/plain; charset=utf-8"
        headers = [
            (b"content-type", media_type),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *self._headers,
        ]
        await send({"type": f"{prefix}http.response.start", "status": status, "headers": headers})
        await send({"type": f"{prefix}http.response.body", "body": body})

    def _from_here(self, scope: Scope) -> bool:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if origin in self._allowed:
            return True
        # Whoever sits on the way can serve pages under our name without TLS: they are not ours.
        is_ours = is_loopback(parts.hostname or "") or (parts.scheme, parts.hostname) in self._names
        return is_ours and parts.netloc == host_header(scope)


def _is_program(scope: Scope) -> bool:
    """Whether it shows a token and comes from no page: a page elsewhere cannot have its visitors do that."""
    shown = [value for name, value in scope["headers"] if name == b"authorization"]
    is_bearer = len(shown) == 1 and shown[0][:7].lower() == b"bearer "
    return is_bearer and all(name != b"origin" for name, _ in scope["headers"])


def host_header(scope: Scope) -> str:
    """The host that the request names; empty when it names none, or more than one."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    return named[0].decode("latin-1") if len(named) == 1 else ""


def host_name(host: str) -> str | None:
    """The name in a Host header, without its port; None when there is none or it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises when it is no number
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None


def is_loopback(name: str) -> bool:
    """Whether the name leads to this machine whatever a name server says."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def proxied_origin(url: str) -> str | None:
    """The origin of `url` as browsers write it; None on this machine, where the dashboard's own is enough.

    Another server on the loopback must not become one of ours because a setting was left as it is.
    """
    parts = urlsplit(url)
    name = parts.hostname or ""
    if not name or is_loopback(name):
        return None
    host = f"[{name}]" if ":" in name else name
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + ("" if parts.port in {None, usual} else f":{parts.port}")


def cache_control(path: str) -> bytes | None:
    """Data is never stored; our own scripts are asked for each time, unless their address carries a version.

    None: the answer says so itself.

    What has a tag may be kept by who reads it, who asks each time whether it is still the same.
    """
    if path.startswith(("/_dash-component-suites/", "/static/")):
        return None
    if path.startswith("/feeds/") or (is_api(path) and not path.startswith(f"{API}/export/")):
        return b"private, no-cache"
    if path.startswith("/assets/"):
        return b"no-cache"
    return b"no-store"
