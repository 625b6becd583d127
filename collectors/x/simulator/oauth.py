"""Pure: users of the simulated X who authorised an app, and requests signed for them (OAuth 1.0a)."""

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

_SIGNED_FOR: Final = "https://api.twitter.com"
"""The host that tweepy signs for, wherever its requests go."""

_parameters = re.compile(r'([a-z_]+)="([^"]*)"').findall


@dataclass(frozen=True, slots=True)
class Grant:
    """One user's authorisation. An access token begins with the user's id."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    access_secret: str
    revoked_at: datetime | None = None

    @property
    def user_id(self) -> str:
        return self.access_token.partition("-")[0]


def signer(grants: Iterable[Grant], header: str, path: str, query: str, now: datetime) -> Grant | None:
    """Whose token a GET with this Authorization header is signed with; None when it is not, or no longer."""
    if not header.startswith("OAuth "):
        return None
    said = {name: unquote(value) for name, value in _parameters(header)}
    signature = said.pop("oauth_signature", "")
    for grant in grants:
        if (said.get("oauth_consumer_key"), said.get("oauth_token")) != (
            grant.consumer_key,
            grant.access_token,
        ):
            continue
        is_over = grant.revoked_at is not None and now >= grant.revoked_at
        right = hmac.compare_digest(signature, _signature(grant, path, query, said))
        return grant if right and not is_over else None
    return None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the simulated X accepts: one app's bearer token (None: any), and users who authorised the app."""

    bearer_token: str | None
    grants: tuple[Grant, ...]

    def reader(self, header: str, path: str, query: str, now: datetime) -> str | None:
        """The user whose token a GET came with, empty for the app's own; None when it is not authorised."""
        scheme, _, token = header.partition(" ")
        if scheme == "Bearer" and token and self.bearer_token in {None, token}:
            return ""
        grant = signer(self.grants, header, path, query, now)
        return None if grant is None else grant.user_id


def _signature(grant: Grant, path: str, query: str, said: dict[str, str]) -> str:
    pairs = [*parse_qsl(query, keep_blank_values=True), *said.items()]
    normal = "&".join(f"{k}={v}" for k, v in sorted((_quoted(k), _quoted(v)) for k, v in pairs))
    base = "&".join(("GET", _quoted(_SIGNED_FOR + path), _quoted(normal)))
    key = f"{_quoted(grant.consumer_secret)}&{_quoted(grant.access_secret)}"
    return b64encode(hmac.digest(key.encode(), base.encode(), "sha1")).decode()


def _quoted(text: str) -> str:
    return quote(text, safe="~")
