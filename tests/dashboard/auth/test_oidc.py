"""Logging in through a provider, over real sockets: whom it lets in as what, and what is not believed."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from dashboard.asgi.settings import Login, Provider
from dashboard.auth.oidc import CALLBACK, STRANGE, LoginRefused, names_in, role_in
from storage.model.core.people import Role
from storage.people.people import disable, people
from storage.people.refused_logins import FAILED
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.people import LOW_COST, WITH_LOGIN, a_person, log_in
from tests.support.servers.dashboard import served
from tests.support.servers.oidc_provider import CLIENT, SECRET, OidcProvider, oidc_provider
from tests.support.servers.ports import free_port

GROUPS = {"desk": Role.ANALYST, "chiefs": Role.ADMIN}


@pytest.fixture
async def provider() -> AsyncGenerator[OidcProvider]:
    async with oidc_provider() as provider:
        yield provider


@asynccontextmanager
async def monitor(
    pool: Pool, dsn: str, now: datetime, provider: OidcProvider, claim: str | None = None
) -> AsyncGenerator[str]:
    """A dashboard that this provider vouches for people to; its address."""
    port = free_port()
    trusted = Provider(provider.url, CLIENT, SECRET, claim, GROUPS if claim else {})
    settings = replace(WITH_LOGIN, login=Login(f"http://127.0.0.1:{port}", trusted, hash_cost=LOW_COST))
    async with served(pool, dsn, now, settings, port) as base:
        yield base


def browser() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def through(
    session: aiohttp.ClientSession, base: str, leads_to: str = "/healthz"
) -> tuple[int, str, str]:
    """Log in through the provider; the status, the address and the words at the end of the way."""
    async with session.get(f"{base}/login/oidc", params={"next": leads_to}) as answer:
        return answer.status, str(answer.url), await answer.text()


async def known(pool: Pool) -> list[tuple[str, str, Role, bool]]:
    async with transaction(pool) as conn:
        return [(p.login, p.display_name, p.role, p.has_password) for p in await people(conn)]


@pytest.mark.slow
async def test_who_comes_by_the_provider_has_no_password(
    pool: Pool, dsn: str, now: datetime, provider: OidcProvider
) -> None:
    async with monitor(pool, dsn, now, provider) as base, browser() as session:
        await through(session, base)
        for password in ("", "grace", "x" * 20):
            assert await log_in(session, base, "grace", password) == 403


async def test_a_role_follows_the_claim_at_each_login(
    pool: Pool, dsn: str, now: datetime, provider: OidcProvider
) -> None:
    async with monitor(pool, dsn, now, provider, "groups") as base, browser() as session:
        for groups, role in (
            (["desk"], Role.ANALYST),
            (["desk", "chiefs", "others"], Role.ADMIN),
            ("desk", None),  # she is the last admin
        ):
            provider.claims["groups"] = groups
            status, _, said = await through(session, base)
            if role is None:
                assert (status, "the last admin" in said) == (403, True)
            else:
                assert (status, (await known(pool))[0][2]) == (200, role)
        await a_person(pool, "ada", Role.ADMIN, now)
        assert (await through(session, base))[0] == 200
    assert dict((login, role) for login, _, role, _ in await known(pool))["grace"] is Role.ANALYST


async def test_the_name_of_somebody_here_does_not_make_one_that_person(
    pool: Pool, dsn: str, now: datetime, provider: OidcProvider
) -> None:
    await a_person(pool, "grace", Role.ADMIN, now)
    provider.claims["email"] = "grace@example.org"
    async with monitor(pool, dsn, now, provider) as base, browser() as session:
        assert (await through(session, base))[0] == 200
    assert [(login, role) for login, _, role, _ in await known(pool)] == [
        ("grace", Role.ADMIN),
        ("grace@example.org", Role.VIEWER),
    ]


async def test_who_was_disabled_here_is_not_let_in_by_the_provider(
    pool: Pool, dsn: str, now: datetime, provider: OidcProvider
) -> None:
    async with monitor(pool, dsn, now, provider) as base, browser() as session:
        await through(session, base)
        async with transaction(pool) as conn:
            await disable(conn, "grace", "ada", now)
        status, _, said = await through(session, base)
    assert (status, "grace may not log in any more." in said) == (403, True)
    async with transaction(pool) as conn:
        (entry,) = await acts(conn, 1)
    assert (entry.action, entry.subject, entry.detail["address"]) == (FAILED, "grace", "127.0.0.1")


async def test_an_answer_counts_once_in_the_browser_that_began_and_for_its_state(
    pool: Pool, dsn: str, now: datetime, provider: OidcProvider
) -> None:
    async with monitor(pool, dsn, now, provider) as base, browser() as session, browser() as other:
        async with session.get(f"{base}/login/oidc", allow_redirects=False) as answer:
            there = answer.headers["Location"]
            cookie = answer.cookies["blockline_oidc"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/login/oidc")
        asked = parse_qs(urlsplit(there).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == [base + CALLBACK]
        assert SECRET not in there
        async with session.get(there, allow_redirects=False) as answer:
            back = answer.headers["Location"]
        for who, address in (
            (other, back),
            (session, f"{base}{CALLBACK}?code=x&state=made-up"),
            (session, f"{base}{CALLBACK}"),
        ):
            async with who.get(address) as answer:
                assert (answer.status, STRANGE in await answer.text()) == (403, True)
    assert await known(pool) == []


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        pytest.param({"groups": "desk"}, Role.ANALYST, id="one value"),
        pytest.param({"groups": ["x", "desk"]}, Role.ANALYST, id="one of several"),
        pytest.param({"groups": ["chiefs", "desk"]}, Role.ADMIN, id="the highest"),
        pytest.param({"groups": []}, None, id="none"),
        pytest.param({"groups": {"desk": True}}, None, id="another form"),
        pytest.param({"groups": [["desk"]]}, None, id="deeper"),
        pytest.param({}, None, id="not said"),
    ],
)
def test_the_role_that_a_claim_gives(claims: Mapping[str, Any], role: Role | None) -> None:
    provider = Provider("https://id.example.org", CLIENT, SECRET, "groups", GROUPS)
    if role is None:
        with pytest.raises(LoginRefused):
            role_in(claims, provider)
    else:
        assert role_in(claims, provider) is role
    assert role_in(claims, Provider("https://id.example.org", CLIENT, SECRET)) is None


@pytest.mark.parametrize(
    ("claims", "logins"),
    [
        ({"sub": "1", "email": "a@b.c", "preferred_username": "ada"}, ["ada", "a@b.c", "1"]),
        ({"sub": "1", "email": "a@b.c", "email_verified": False}, ["1"]),
        ({"sub": "1", "preferred_username": 7}, ["1"]),
    ],
)
def test_the_names_that_a_provider_gives(claims: Mapping[str, Any], logins: list[str]) -> None:
    assert names_in(claims)[0] == logins
