"""Parsers of what servers answer that Blockline sends to: mail, webhooks, a login provider."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web
from starlette.requests import Request

from collectors.core.wire import is_object
from dashboard.asgi.settings import Provider
from dashboard.auth import oidc
from jobs.delivery.channel_config import Webhook
from jobs.delivery.http_post import wait_asked_for
from jobs.delivery.sender import Undeliverable
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from jobs.delivery.webhook import WebhookSender
from storage.model.core.people import Role
from tests.fuzz.http_answers import Serve, answering
from tests.fuzz.runner import Call, Target, plain
from tests.support.servers.mail import SECRET, a_mail, an_alert_for
from tests.support.servers.oidc_provider import CLIENT, oidc_provider
from tests.support.servers.oidc_provider import SECRET as OIDC_SECRET

_NOW: Final = datetime(2021, 2, 12, 12, tzinfo=UTC)
SMTP_ANSWERS: Final = (
    b"220 m.example\r\n|250-m.example\r\n250-SIZE 100\r\n250 8BITMIME\r\n|250 ok\r\n|250 ok\r\n|354 go\r\n|"
    b"250 2.0.0 ok\r\n",
    b"220 m\r\n|250 m\r\n|250 ok\r\n|451 4.7.1 Greylisted, try again in 300 seconds\r\n",
    b"220 m\r\n|250 m\r\n|550 5.7.1 sender refused\r\n",
    b"220-a\r\n220 m\r\n|502 no\r\n|250 m\r\n|250 ok\r\n|550 no such user\r\n|250 ok\r\n",
    b"554 go away\r\n",
    b"220 m\r\n|250 m\r\n|250 ok\r\n|250 ok\r\n|354 go\r\n|554 spam\r\n",
    b"220 m\r\n|421 4.3.2 shutting down\r\n",
)


@contextmanager
def _server(serve: Serve) -> Generator[tuple[asyncio.Runner, int]]:
    with asyncio.Runner() as runner:

        async def begin() -> asyncio.Server:
            return await asyncio.start_server(serve, "127.0.0.1", 0)

        server = runner.run(begin())
        try:
            yield runner, server.sockets[0].getsockname()[1]
        finally:
            server.close()
            runner.run(asyncio.sleep(0))


@contextmanager
def smtp() -> Generator[Call]:
    """A mail server that says one part of the input after the other, one for each line that it is sent."""
    parts: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while parts:
                said = parts.pop(0)
                writer.write(said)
                await writer.drain()
                if said.startswith(b"354"):
                    await reader.readuntil(b"\r\n.\r\n")
                else:
                    await reader.readuntil(b"\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    with _server(serve) as (runner, port):

        def call(data: bytes) -> object:
            parts[:] = data.split(b"|")
            return runner.run(send())

        async def send() -> None:
            sender = SmtpSender(
                MailServer("127.0.0.1", port, "a@b.example", Security.NONE, timeout_s=0.3), 0.5
            )
            try:
                await sender.send(a_mail())
            finally:
                await sender.close()

        yield call


HTTP_ANSWERS: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    b"HTTP/1.1 429 Later\r\nretry-after: 120\r\ncontent-length: 4\r\n\r\nslow",
    b"HTTP/1.1 503 No\r\nretry-after: Mon, 01 Feb 2021 00:05:00 GMT\r\ntransfer-encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 400 Bad\r\ncontent-encoding: gzip\r\ncontent-type: text/html; charset=x\r\n\r\n"
    + SECRET.encode(),
)


@contextmanager
def webhook() -> Generator[Call]:
    """A receiver of webhooks that answers with the input and hangs up. No secret is repeated."""
    data = b""

    with _server(answering(lambda: data)) as (runner, port):

        async def send() -> None:
            hook = Webhook(f"http://127.0.0.1:{port}/T0PSECRETPATH", (SECRET,))
            sender = WebhookSender({"desk": hook}, lambda: _NOW, "https://desk.example", 0.5)
            try:
                await sender.send(an_alert_for("webhook:desk"))
            except Undeliverable as error:
                if SECRET in str(error) or "T0PSECRETPATH" in str(error):
                    raise AssertionError("a secret is repeated") from error
                raise
            finally:
                await sender.close()

        def call(given: bytes) -> object:
            nonlocal data
            data = given
            return runner.run(send())

        yield call


def read_wait(data: bytes) -> object:
    return wait_asked_for(data.decode("latin-1"), _NOW)


PROVIDER_ANSWERS: Final = (
    b"configuration\n"
    + json.dumps(
        {
            "issuer": "$URL",
            "authorization_endpoint": "$URL/authorize",
            "token_endpoint": "$URL/token",
            "jwks_uri": "$URL/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    ).encode(),
    b"token\n" + json.dumps({"access_token": "a", "token_type": "Bearer", "id_token": "$ID"}).encode(),
    b'token\n{"error":"invalid_grant","error_description":"no"}',
    b'token\n{"access_token":"a","expires_in":3600,"id_token":"e30.e30.e30"}',
    b"keys\n$KEYS",
    b'keys\n{"keys":[{"kty":"RSA","kid":"1","n":"AQAB","e":"AQAB","alg":"RS256"}]}',
    b'claims\n{"sub":"u-1","preferred_username":"grace","email":"g@b.example","groups":["desk"]}',
)


@contextmanager
def openid() -> Generator[Call]:
    """A login through a provider that gives one answer of the input's, and otherwise the right ones."""
    kind, given = b"", b""

    async def spoilt(
        request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        said = await handler(request)
        of = {"/.well-known/openid-configuration": b"configuration", "/token": b"token", "/keys": b"keys"}
        if of.get(request.path) != kind or not isinstance(said, web.Response):
            return said
        right = said.text or ""
        document: dict[str, Any] = json.loads(right)
        body = given.replace(b"$URL", url.encode()).replace(b"$KEYS", right.encode())
        body = body.replace(b"$ID", str(document.get("id_token", "")).encode())
        return web.Response(body=body, status=said.status, content_type="application/json")

    with asyncio.Runner() as runner:
        providers = oidc_provider(web.middleware(spoilt))
        provider = runner.run(providers.__aenter__())
        url = provider.url
        trusted = Provider(url, CLIENT, OIDC_SECRET, "groups", {"desk": Role.ANALYST})
        provider.claims["groups"] = ["desk"]

        async def log_in() -> object:
            client = oidc._client(trusted)
            state: dict[str, Any] = {}
            away = await oidc._redirect_to_provider(client, _asked(b"", state), trusted, f"{url}/back")
            query = parse_qs(urlsplit(away.headers["location"]).query)
            if not {"state", "redirect_uri"} <= query.keys():
                return None
            provider.asked["c"] = {name: values[0] for name, values in query.items()}
            back = urlencode({"state": query["state"][0], "code": "c"})
            claims = await oidc._claims(client, _asked(back.encode(), state), state)
            return read_claims(claims)

        def read_claims(claims: Any) -> object:
            return oidc.names_in(claims), oidc.role_in(claims, trusted)

        def call(data: bytes) -> object:
            nonlocal kind, given
            kind, _, given = data.partition(b"\n")
            if kind != b"claims":
                return runner.run(log_in())
            try:
                claims = json.loads(given)
            except RecursionError:
                return None
            return read_claims(claims) if is_object(claims) else None

        try:
            yield call
        finally:
            runner.run(providers.__aexit__(None, None, None))


def _asked(query: bytes, session: dict[str, Any]) -> Request:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/back", "query_string": query}
    return Request(
        scope | {"headers": [], "server": ("b.example", 443), "scheme": "https", "session": session}
    )


DELIVERY: tuple[Target, ...] = (
    Target("mail.answers", SMTP_ANSWERS, smtp, (Undeliverable,)),
    Target("webhook.answers", HTTP_ANSWERS, webhook, (Undeliverable,)),
    Target("webhook.retry-after", (b"120", b"Mon, 01 Feb 2021 00:05:00 GMT"), plain(read_wait)),
    Target(
        "openid.answers",
        PROVIDER_ANSWERS,
        openid,
        (oidc.LoginRefused, oidc.UnusableAnswer, ValueError),
    ),
)
