"""Logging in through a provider, over real sockets: whom it lets in as what, and what is not believed."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from dashboard.asgi.settings import Login, Provider
from dashboard.auth.oidc import CALLBACK, STRANGE, LoginRefused, names_in, role_in
from dashboard.auth.signed_links import Link, LinkAction, read_token, token
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


KEY = b"k" * 32
LINKS = st.builds(
    Link,
    st.sampled_from(LinkAction),
    st.text(max_size=80),
    st.text(max_size=80),
    st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.none() | st.integers(1, 10_000),
)


@given(LINKS)
def test_a_link_is_read_as_it_was_signed_and_signed_the_same_again(link: Link) -> None:
    assert read_token(KEY, token(KEY, link)) == link
    assert token(KEY, link) == token(KEY, replace(link))


@given(LINKS, st.data())
def test_a_token_with_a_changed_byte_is_refused(link: Link, data: st.DataObject) -> None:
    good = token(KEY, link)
    at = data.draw(st.integers(0, len(good) - 1))
    # Both alphabets of Base64 are read, so `+` is the same byte as `-`, and `/` as `_`.
    same = {"-": "-+", "_": "_/"}.get(good[at], good[at])
    other = data.draw(st.characters(max_codepoint=0x7F, exclude_characters=same))
    # The last character of a signature of 20 bytes has two bits that say nothing.
    found = read_token(KEY, good[:at] + other + good[at + 1 :])
    assert found is None or (found == link and at == len(good) - 1)


@given(LINKS, st.binary(min_size=1, max_size=40).filter(lambda key: key != KEY))
def test_a_token_of_another_key_is_refused(link: Link, key: bytes) -> None:
    assert read_token(KEY, token(key, link)) is None


@given(LINKS)
def test_a_token_lets_its_reader_do_one_thing(link: Link) -> None:
    """Its content cannot be put together with the signature of a link for the other act."""
    (other,) = set(LinkAction) - {link.act}
    content, _, _ = token(KEY, replace(link, act=other)).rpartition(".")
    signature = token(KEY, link).rpartition(".")[2]
    assert read_token(KEY, f"{content}.{signature}") is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            ["acknowledge", "a" * 32, "desk@example.org"], id="of an earlier version, without an end"
        ),
        pytest.param(["destroy", "a" * 32, 1, "desk@example.org", 1612180800], id="another act"),
        pytest.param(["acknowledge", "a" * 32, 1, "desk@example.org", "soon"], id="a time that is none"),
        pytest.param(
            ["acknowledge", "a" * 32, 1, "desk@example.org", 10**30], id="a time after all calendars"
        ),
        pytest.param({"act": "acknowledge"}, id="another form"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_signed_and_is_no_link_is_refused(content: object) -> None:
    assert read_token(KEY, str(URLSafeSerializer(KEY, salt="blockline mail link").dumps(content))) is None


@given(LINKS, st.timedeltas(timedelta(days=-40), timedelta(days=40)))
def test_a_link_ends_30_or_60_days_after_its_issue(link: Link, off: timedelta) -> None:
    """30 days; a link to unsubscribe can be used for 30 days also when its mail was delayed for a month."""
    days = {LinkAction.ACKNOWLEDGE: 30, LinkAction.UNSUBSCRIBE: 60}[link.act]
    now = link.issued_at + timedelta(days=days) + off
    assert link.has_ended(now) == (off >= timedelta(0))
