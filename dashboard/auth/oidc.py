# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""Logging in through an OpenID Connect provider (code flow with PKCE, state and nonce), by Authlib.

What has to be remembered while somebody is there stands in a signed cookie for ten minutes, not in a session
of ours: nobody has logged in yet. `role_in` and `names_in` read what the provider says of a person.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, cast

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App
from fastapi import APIRouter, Request
from fastapi.responses import Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc.errors import JoseError

from dashboard.asgi.settings import DashboardSettings, Login, Provider
from dashboard.auth.access import LOGIN_UNAVAILABLE
from dashboard.auth.login_page import login_page, own_page
from dashboard.auth.login_refusals import record_failed
from dashboard.auth.login_sessions import address_of, start_session
from dashboard.auth.middleware import cookies
from storage.model.core.people import Role
from storage.model.text.states import clean
from storage.people import people
from storage.postgres.installation import login_key
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction

CALLBACK: Final = "/login/oidc/callback"
LASTS_S: Final = 600
_WAIT_S = 10.0
AWAY = "Your organisation’s login provider did not answer as expected, so you are not logged in. Try again."
STRANGE = "This login was not begun here, or it took too long. Try again."


def oidc_routes(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, login: Login, provider: Provider
) -> APIRouter:
    router = APIRouter(prefix="/login/oidc")
    client = _client(provider)

    @router.get("")
    async def leave(request: Request) -> Response:
        """Redirect the browser to the provider."""
        state: dict[str, Any] = {}
        request.scope["session"] = state
        try:
            async with transaction(pool) as conn:
                signer = await _signer(conn)
            answer = await _redirect_to_provider(client, request, provider, login.url + CALLBACK)
        except StorageError:
            return login_page(settings, "", LOGIN_UNAVAILABLE, status=503)
        except UnusableAnswer:
            return login_page(settings, "", AWAY, status=502)
        state["next"] = own_page(request.query_params.get("next", ""))
        _keep(answer, signer.dumps(state), login)
        return answer

    @router.get("/callback")
    async def arrive(request: Request) -> Response:
        """Log in the user whom the provider sends back."""
        claims: Mapping[str, Any] = {}
        try:
            async with transaction(pool) as conn:
                signer = await _signer(conn)
            state = _kept(request, signer, login)
            claims = await _claims(client, request, state)
            async with transaction(pool) as conn:
                person_id = await _person(conn, provider, claims, clock())
                answer = await start_session(
                    conn, request, login, person_id, str(state.get("next", "/")), clock()
                )
        except (LoginRefused, Refused) as error:
            login_name = error.login if isinstance(error, LoginRefused) else None
            try:
                reason = _reason(str(error), claims)
                await record_failed(pool, login_name, address_of(request), clock(), reason)
            except StorageError:
                return login_page(settings, "", LOGIN_UNAVAILABLE, status=503)
            answer = login_page(settings, "", str(error), status=403)
        except StorageError:
            return login_page(settings, "", LOGIN_UNAVAILABLE, status=503)
        except UnusableAnswer:
            answer = login_page(settings, "", AWAY, status=502)
        name, path = state_cookie(login)
        answer.delete_cookie(name, path=path, secure=login.is_secure, httponly=True, samesite="lax")
        return answer

    return router


def _client(provider: Provider) -> StarletteOAuth2App:
    registry = OAuth()
    return registry.register(
        "provider",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=provider.issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "timeout": _WAIT_S,
            "follow_redirects": False,
            "trust_env": True,
        },
    )


class UnusableAnswer(Exception):
    """The login provider cannot be reached, or what it answers cannot be used."""


async def _redirect_to_provider(
    client: StarletteOAuth2App, request: Request, provider: Provider, back: str
) -> Response:
    """The redirect to the provider. Raises UnusableAnswer."""
    try:
        answer: Response = await client.authorize_redirect(request, back)
        issuer = str(client.server_metadata.get("issuer", ""))
    except Exception as error:  # authlib raises whatever a malformed answer leads to, such as a TypeError
        raise UnusableAnswer from error
    if issuer.rstrip("/") != provider.issuer.rstrip("/"):
        raise UnusableAnswer("The login provider names another issuer than setting oidc_issuer.")
    return answer


async def _signer(conn: Conn) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(await login_key(conn), salt="oidc", serializer=json)


def state_cookie(login: Login) -> tuple[str, str]:
    """Name and path. With the prefix, which takes this path, another host of the domain cannot put the
    beginning of its own login into somebody's browser.
    """
    return ("__Host-blockline_oidc", "/") if login.is_secure else ("blockline_oidc", "/login/oidc")


def _keep(answer: Response, value: str, login: Login) -> None:
    name, path = state_cookie(login)
    answer.set_cookie(
        name,
        value,
        max_age=LASTS_S,
        path=path,
        secure=login.is_secure,
        httponly=True,
        samesite="lax",  # the way back is a link from the provider's page
    )


def _kept(request: Request, signer: URLSafeTimedSerializer, login: Login) -> dict[str, Any]:
    """Raises LoginRefused for a browser that has begun nothing, or too long ago."""
    try:
        return signer.loads(cookies(request.scope).get(state_cookie(login)[0], ""), max_age=LASTS_S)
    except BadSignature as error:
        raise LoginRefused(STRANGE) from error


async def _claims(client: StarletteOAuth2App, request: Request, state: dict[str, Any]) -> Mapping[str, Any]:
    """What the provider says of whoever comes back. Raises LoginRefused and UnusableAnswer."""
    request.scope["session"] = state
    try:
        token = await client.authorize_access_token(request)
        claims = token.get("userinfo")
    except (AuthlibBaseError, JoseError) as error:
        raise LoginRefused(STRANGE) from error
    except Exception as error:  # authlib and joserfc raise whatever a malformed answer leads to
        raise UnusableAnswer from error
    if not claims or not isinstance(claims.get("sub"), str):
        raise LoginRefused(STRANGE)
    return claims


async def _person(conn: Conn, provider: Provider, claims: Mapping[str, Any], now: datetime) -> int:
    """The person whom the provider means, on file from now on. Raises LoginRefused and Refused."""
    role = role_in(claims, provider)
    subject, (logins, display_name) = str(claims["sub"]), names_in(claims)
    known = await people.person_of_provider(conn, provider.issuer, subject)
    if known is None:
        login = await _free_name(conn, logins)
        return await people.add_from_provider(
            conn, login, display_name, role or Role.VIEWER, provider.issuer, subject, now
        )
    if known.disabled_at is not None:
        raise LoginRefused(f"{known.login} may not log in any more.", known.login)
    await people.set_display_name(conn, known.person_id, display_name or known.login)
    if role is not None:
        await people.set_role(conn, known.login, role, "provider", now)
    return known.person_id


async def _free_name(conn: Conn, logins: list[str]) -> str:
    """The first that nobody has. A name alone makes nobody the person who has it here."""
    taken = {person.login.lower() for person in await people.people(conn)}
    for login in logins:
        if people.is_login(login) and login.lower() not in taken:
            return login
    raise LoginRefused(
        "None of the names from the login provider can be used, because they are taken or not allowed. Ask "
        "an admin."
    )


class LoginRefused(Exception):
    """Somebody cannot be logged in. The message is one sentence for whoever tries."""

    def __init__(self, sentence: str, login: str | None = None) -> None:
        super().__init__(sentence)
        self.login = login
        """Of the user here whom the provider means; None where there is none yet."""


def _reason(sentence: str, claims: Mapping[str, Any]) -> str:
    """What is recorded, with the name that the provider gave, if it did: nobody typed that one here."""
    logins = names_in(claims)[0] if claims else []
    return f"{clean(logins[0], 60)}: {sentence}" if logins else sentence


def role_in(claims: Mapping[str, Any], provider: Provider) -> Role | None:
    """The highest role that the claim of the settings gives; None where roles are given here.

    Raises LoginRefused when the settings name a claim and it gives none.
    """
    if provider.role_claim is None:
        return None
    said = claims.get(provider.role_claim)
    values = cast("list[object]", said) if isinstance(said, list) else [said]
    found = [provider.roles[value] for value in values if isinstance(value, str) and value in provider.roles]
    if not found:
        raise LoginRefused(
            "Your organisation’s account gives you no role here. Ask the operator of Blockline."
        )
    return max(found, key=list(Role).index)


def names_in(claims: Mapping[str, Any]) -> tuple[list[str], str]:
    """Names to log in under, the best first, and the name that people read, if there is one.

    A mail address counts only if the provider has not said that it was never checked.
    """
    fields = ["preferred_username", "email", "sub"]
    if claims.get("email_verified") is False:
        fields.remove("email")
    logins = [value for field in fields if isinstance(value := claims.get(field), str)]
    name = claims.get("name")
    return logins, name if isinstance(name, str) else ""
