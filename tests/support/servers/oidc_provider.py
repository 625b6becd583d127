"""A small OpenID Connect provider on a real socket: discovery, keys, code flow with PKCE, signed tokens."""

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import BasicAuth, web
from aiohttp.typedefs import Middleware
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "blockline", "the client's secret"


@dataclass(slots=True)
class OidcProvider:
    """Says of everybody who comes what `claims` holds. The other fields are what it does wrong."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1", "preferred_username": "grace"})
    issuer: str | None = None
    audience: str = CLIENT
    nonce: str | None = None
    lasts_s: int = 300
    signs_with_own_key: bool = True
    error: str | None = None
    is_down: bool = False
    configures: dict[str, Any] = field(default_factory=dict[str, Any])
    """Fields of its configuration that it gives otherwise."""
    shows_keys: Any = None
    """What it gives as its keys; None: the right ones."""
    asked: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """What was asked for, by the code that was given for it."""
    _key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    _other: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))

    async def configuration(self, _: web.Request) -> web.Response:
        if self.is_down:
            return web.Response(status=503, text="<h1>down</h1>")
        return web.json_response(
            {
                "issuer": self.issuer or self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                **self.configures,
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(self.shows_keys or {"keys": [self._key.as_dict(private=False)]})

    async def authorize(self, request: web.Request) -> web.Response:
        """As if somebody had logged in there at once."""
        query = dict(request.query)
        code = secrets.token_urlsafe(8)
        self.asked[code] = query
        back = {"state": query["state"], **({"error": self.error} if self.error else {"code": code})}
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(back)}")

    async def token(self, request: web.Request) -> web.Response:
        given = await request.post()
        auth = BasicAuth.decode(request.headers["Authorization"])
        assert (auth.login, auth.password) == (CLIENT, SECRET)  # pyright: ignore[reportUnknownMemberType]
        asked = self.asked.pop(str(given["code"]), None)
        if asked is None or asked["redirect_uri"] != given["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        verifier = hashlib.sha256(str(given["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if asked["code_challenge_method"] != "S256" or asked["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": self.audience,
            "iat": now,
            "exp": now + self.lasts_s,
            "nonce": self.nonce or asked["nonce"],
            **self.claims,
        }
        key = self._key if self.signs_with_own_key else self._other
        return web.json_response(
            {
                "access_token": secrets.token_urlsafe(8),
                "token_type": "Bearer",
                "id_token": jwt.encode({"alg": "RS256", "kid": "1"}, claims, key),
            }
        )


@asynccontextmanager
async def oidc_provider(*middlewares: Middleware) -> AsyncGenerator[OidcProvider]:
    provider = OidcProvider()
    app = web.Application(middlewares=middlewares)
    app.router.add_get("/.well-known/openid-configuration", provider.configuration)
    app.router.add_get("/keys", provider.keys)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        provider.url = f"http://{host}:{port}"
        yield provider
    finally:
        await runner.cleanup()
