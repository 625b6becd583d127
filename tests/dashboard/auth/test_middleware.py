"""Whom the gate lets past: from every route of the app, of Dash and of the static files, nobody but who shows
a session or a token, and each only as far as that goes.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from dashboard.asgi.settings import Login, Provider
from dashboard.asgi.websockets import Sockets, WebSocketMiddleware
from dashboard.auth.access import LOGIN_UNAVAILABLE
from dashboard.auth.middleware import FEEDS_ONLY, LOGIN_FIRST, AuthenticationMiddleware, close_ended_sessions
from dashboard.people.routes import PEOPLE_ACTIONS, TAKES_LOGIN
from dashboard.people.words import browser_name
from dashboard.server.app import create_app
from jobs.runtime.replay_process import ReplayProcess
from storage.alerts.rules import save_rule
from storage.model.alerts.rules import AlertRule
from storage.model.core.people import Role, Scope
from storage.people.people import people
from storage.people.sessions import open_sessions
from storage.people.tokens import tokens
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.seeds.people import LOW_COST, PASSWORD, WITH_LOGIN, a_person, a_token, browser_of, log_in
from tests.support.servers.dashboard import mounted, routes, served, served_apart, served_by, until

NOW = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)
PROVIDED = replace(
    WITH_LOGIN,
    login=Login(
        "http://127.0.0.1:8050",
        Provider("http://127.0.0.1:1", "blockline", "secret"),
        hash_cost=LOW_COST,
    ),
)
FREE = {
    "/healthz",
    "/readyz",
    "/login",
    "/login/code",
    "/login/set-up",
    "/login/style.css",
    "/login/boot.js",
    "/login/oidc",
    "/login/oidc/callback",
    "/mail-link/{token}",
}
"""All that answers to anybody."""


async def three_people(pool: Pool, now: datetime) -> None:
    """Add one person of each role."""
    await a_person(pool, "ada", Role.ADMIN, now)
    await a_person(pool, "ann", Role.ANALYST, now)
    await a_person(pool, "vera", Role.VIEWER, now)


@pytest.fixture
async def base(pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[str]:
    await three_people(pool, now)
    async with served(pool, dsn, now, PROVIDED) as base:
        yield base


@dataclass(frozen=True, slots=True)
class SharedGate:
    """A dashboard of all tests that change nothing about people, with a token of each person and scope."""

    base: str
    dsn: str
    tokens: Mapping[tuple[str, Scope], str]

    def shown(self, login: str, scope: Scope) -> dict[str, str]:
        """The header with this person's token."""
        return {"Authorization": f"Bearer {self.tokens[login, scope]}"}


@pytest.fixture(scope="module")
def gate(fresh_database: Callable[[], AbstractContextManager[str]]) -> Generator[SharedGate]:
    async def prepare(pool: Pool) -> Mapping[tuple[str, Scope], str]:
        await three_people(pool, NOW)
        return {
            (login, scope): await a_token(pool, login, scope, NOW)
            for login in ("ada", "ann", "vera")
            for scope in Scope
        }

    with fresh_database() as dsn, served_apart(dsn, NOW, prepare, PROVIDED) as (base, tokens):
        yield SharedGate(base, dsn, tokens)


NO_LOGIN: Mapping[str, dict[str, str]] = {
    "nothing": {},
    "a session that is none": {"Cookie": "blockline=made-up; __Host-blockline=made-up"},
    "a cookie that is none": {"Cookie": "=;;blockline"},
    "a token that is none": {"Authorization": "Bearer blockline_made-up"},
    "another way of logging in": {"Authorization": "Basic YWRhOmFkYQ=="},
}


@pytest.mark.slow
async def test_nobody_gets_anything_but_the_login_and_health_from_any_route(
    pool: Pool, dsn: str, now: datetime, base: str
) -> None:
    known = set(
        routes(
            served_by(create_app(pool, lambda: now, dsn=dsn, settings=PROVIDED, decider=ReplayProcess(dsn)))
        )
    )
    assert len(known) > 60
    assert {("GET", "/api/live"), ("POST", "/_dash-update-component"), ("WS", "/_dash-ws-callback")} <= known
    for what, shown in NO_LOGIN.items():
        answered: set[str] = set()
        async with aiohttp.ClientSession(headers={"Origin": base, **shown}) as session:
            for method, path in sorted(known):
                address = base + re.sub(r"\{[^}]*\}", "1", path)
                if method == "WS":
                    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                        await session.ws_connect(address)
                    assert refused.value.status == 401, what
                    continue
                async with session.request(method, address, allow_redirects=False) as answer:
                    if answer.status != 401:
                        answered.add(path)
                    elif method != "HEAD":
                        assert LOGIN_FIRST in await answer.text(), what
        assert answered == FREE, what


OWN = {
    "/api/people/own-password",
    "/api/people/sessions/end",
    "/api/people/tokens",
    "/api/people/tokens/revoke",
    "/second-factor/begin",
    "/second-factor/confirm",
    "/second-factor/remove",
}
"""What everybody may do about oneself."""
UNCHANGED = {
    "/login",
    "/login/code",
    "/login/set-up",
    "/logout",
    "/login/style.css",
    "/login/boot.js",
    "/mail-link/{token}",
    "/_dash-update-component",
}
"""Of the login, of who has the link, and what only answers with a page."""


async def test_a_viewer_writes_nothing_by_any_route(pool: Pool, dsn: str, now: datetime, base: str) -> None:
    known = set(
        routes(
            served_by(create_app(pool, lambda: now, dsn=dsn, settings=PROVIDED, decider=ReplayProcess(dsn)))
        )
    )
    writes = sorted(
        (m, p) for m, p in known if m in {"POST", "PUT", "PATCH", "DELETE"} and p not in OWN | UNCHANGED
    )
    assert len(writes) > 20
    async with transaction(pool) as conn:
        before = await acts(conn, 1000)
    token = {"Authorization": f"Bearer {await a_token(pool, 'ada', Scope.READ, now)}"}
    async with browser_of(base, "vera") as vera, aiohttp.ClientSession(headers=token) as program:
        for who in (vera, program):
            for method, path in writes:
                address = base + re.sub(r"\{[^}]*\}", "1", path)
                async with who.request(method, address, json={}, allow_redirects=False) as answer:
                    assert answer.status in {403, 404, 405, 422}, (method, path)
    async with transaction(pool) as conn:
        new = [a.action for a in await acts(conn, 1000) if a not in before]
    assert set(new) <= {"token made", "logged in"}


async def test_a_page_leads_to_the_login_and_not_what_a_script_asks_for(gate: SharedGate) -> None:
    async with aiohttp.ClientSession() as session:
        for headers, status in (
            ({"Accept": "text/html"}, 303),
            ({"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}, 303),
            ({"Accept": "text/html", "Sec-Fetch-Mode": "cors"}, 401),
            ({"Accept": "*/*"}, 401),
        ):
            async with session.get(f"{gate.base}/mail/3", headers=headers, allow_redirects=False) as answer:
                assert answer.status == status


MUTE = ("POST", "/api/alerts/mute")
TOKENS = [
    pytest.param("vera", Scope.READ, "GET", "/api/live", 200, id="read: data"),
    pytest.param("vera", Scope.READ, "GET", "/feeds/all.atom", 200, id="read: feeds too"),
    pytest.param("ann", Scope.READ, *MUTE, 403, id="read: no writing, whatever the person may"),
    pytest.param("vera", Scope.WRITE, *MUTE, 403, id="write: not beyond the person's role"),
    pytest.param("ann", Scope.WRITE, *MUTE, 422, id="write: as an analyst"),
    pytest.param("ada", Scope.WRITE, "POST", "/api/alerts/rules/disable", 403, id="write: not as an admin"),
    pytest.param("ada", Scope.ADMIN, "POST", "/api/alerts/rules/disable", 422, id="admin: as an admin"),
    pytest.param("ada", Scope.ADMIN, "POST", "/api/people/add", 403, id="admin: people take a login"),
    pytest.param("ada", Scope.FEEDS, "GET", "/feeds/all.atom", 200, id="feeds: the feeds"),
    pytest.param("ada", Scope.FEEDS, "GET", "/feeds/orders.ics", 200, id="feeds: the calendar"),
    pytest.param("ada", Scope.FEEDS, "GET", "/api/live", 403, id="feeds: nothing else"),
    pytest.param("ada", Scope.FEEDS, *MUTE, 403, id="feeds: no writing"),
]


@pytest.mark.parametrize(("login", "scope", "method", "path", "status"), TOKENS)
async def test_a_token_reaches_as_far_as_its_scope_and_its_person(
    gate: SharedGate, login: str, scope: Scope, method: str, path: str, status: int
) -> None:
    async with (
        aiohttp.ClientSession(headers=gate.shown(login, scope)) as session,
        session.request(method, gate.base + path, json={} if method == "POST" else None) as answer,
    ):
        said = (await answer.read()).decode(errors="replace")  # some data is packed
    assert answer.status == status
    assert (FEEDS_ONLY in said) is (scope is Scope.FEEDS and status == 403)


async def test_what_a_token_did_is_logged_under_its_person_and_name(
    pool: Pool, now: datetime, base: str
) -> None:
    async with transaction(pool) as conn:
        await save_rule(conn, AlertRule(("press@example.org",), name="Press"), "test", now)
    headers = {"Authorization": f"Bearer {await a_token(pool, 'ada', Scope.ADMIN, now)}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{base}/api/alerts/rules/disable", json={"rule": "Press"}) as answer,
    ):
        assert answer.status == 200
    async with transaction(pool) as conn:
        (act,) = await acts(conn, 1)
        assert [a.audit_id for a in await acts(conn, 1, of="ada")] == [act.audit_id]
        (token,) = await tokens(conn)
    assert act.actor == "ada (token script)"
    assert token.used_at is not None


async def test_what_is_wrong_with_the_database_is_not_told_to_who_is_not_let_in(
    pool: Pool, base: str
) -> None:
    async with transaction(pool) as conn:
        for table in ("web_session", "api_token", "login_failure", "installation_key"):
            await conn.execute(f"alter table {table} rename to {table}_is_gone")
    shown = {"Origin": base, "Cookie": "blockline=made-up"}
    async with aiohttp.ClientSession(headers=shown) as session:
        for method, path in (
            ("GET", "/api/live"),
            ("GET", "/api/v1/accounts"),
            ("POST", "/login"),
            ("GET", "/login/oidc"),
            ("GET", "/mail-link/made-up"),
        ):
            given = {"name": "ada", "password": PASSWORD} if method == "POST" else None
            async with session.request(method, base + path, data=given) as answer:
                said = await answer.text()
            assert answer.status == 503
            assert LOGIN_UNAVAILABLE in said
            assert "relation" not in said


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_token_opens_no_websocket_for_that_would_outlive_it(gate: SharedGate, scope: Scope) -> None:
    shown = {**gate.shown("ada", scope), "Origin": gate.base}
    async with aiohttp.ClientSession(headers=shown) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{gate.base}/_dash-ws-callback")
    assert refused.value.status == 403


async def test_only_a_feed_takes_its_token_from_the_address(gate: SharedGate) -> None:
    for scope in (Scope.FEEDS, Scope.READ):
        secret = gate.tokens["ada", scope]
        async with aiohttp.ClientSession() as session:
            for path, status in (("/feeds/all.atom", 200), ("/api/live", 401), ("/", 401)):
                async with session.get(f"{gate.base}{path}?token={secret}") as answer:
                    assert answer.status == status


async def test_a_session_does_not_help_a_token_that_is_none(gate: SharedGate) -> None:
    async with (
        browser_of(gate.base, "ada") as ada,
        ada.get(f"{gate.base}/api/live", headers={"Authorization": "Bearer made-up"}) as answer,
    ):
        assert answer.status == 401


async def test_a_page_elsewhere_cannot_write_with_a_token_or_a_session(gate: SharedGate) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    async with browser_of(gate.base, "ada") as ada:
        for more in ({}, gate.shown("ada", Scope.ADMIN)):
            for path in (
                "/api/alerts/rules/disable",
                "/api/people/add",
                "/logout",
                "/_dash-update-component",
            ):
                async with ada.post(gate.base + path, json={}, headers={**elsewhere, **more}) as answer:
                    assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await ada.ws_connect(f"{gate.base}/_dash-ws-callback", headers=elsewhere)


GIVEN: dict[str, dict[str, str]] = {
    "/add": {"name": "bob", "role": "viewer", "password": PASSWORD},
    "/role": {"person": "vera", "role": "analyst"},
    "/password": {"person": "vera", "password": "another long one"},
    "/disable": {"person": "vera"},
    "/second-factor/reset": {"person": "vera"},
    "/enable": {"person": "vera"},
    "/own-password": {"current": PASSWORD, "password": "another long one"},
    "/sessions/end": {"session": "999"},
    "/tokens": {"name": "script", "scope": "read"},
    "/tokens/revoke": {"token": "1"},
}


@pytest.mark.parametrize("login", ["vera", "ann", "ada"])
async def test_what_is_about_others_takes_an_admin(base: str, pool: Pool, login: str) -> None:
    role = {"vera": Role.VIEWER, "ann": Role.ANALYST, "ada": Role.ADMIN}[login]
    async with browser_of(base, login) as browser:
        for path, (least, *_) in PEOPLE_ACTIONS.items():
            async with transaction(pool) as conn:
                before = await people(conn)
            async with browser.post(
                f"{base}/api/people{path}", data=GIVEN[path], allow_redirects=False
            ) as answer:
                status, told = answer.status, await answer.text()
            if role.includes(least):
                assert status == (201 if path == "/tokens" else 200)
                assert path == "/tokens" or PEOPLE_ACTIONS[path][2] in told, "what was done is said"
                continue
            assert status == 403
            async with transaction(pool) as conn:
                assert await people(conn) == before


async def test_one_ends_only_ones_own_sessions_and_tokens(pool: Pool, now: datetime, base: str) -> None:
    await a_token(pool, "ada", Scope.READ, now)
    async with browser_of(base, "ada") as ada, browser_of(base, "vera") as vera:
        async with transaction(pool) as conn:
            adas = next(p.person_id for p in await people(conn) if p.login == "ada")
            (session,) = await open_sessions(conn, adas, now)
        given = {"session": str(session.session_id), "token": "1"}
        async with vera.post(f"{base}/api/people/sessions/end", data=given):
            pass
        async with vera.post(f"{base}/api/people/tokens/revoke", data=given) as answer:
            assert answer.status == 409
        async with ada.get(f"{base}/api/live") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("path", "given", "status", "sentence"),
    [
        pytest.param("/add", {"name": "ADA"}, 409, "There is already a user called 'ADA'.", id="taken"),
        pytest.param("/add", {"name": "command line"}, 409, "cannot be a login name", id="a name of the log"),
        pytest.param(
            "/add", {"name": "Dashboard"}, 409, "cannot be a login name", id="another name of the log"
        ),
        pytest.param("/add", {"name": "bob", "password": "short"}, 422, "at least 12", id="a short password"),
        pytest.param("/add", {"name": "bob", "password": "a" * 20}, 422, "easy to guess", id="one letter"),
        pytest.param("/add", {"name": "bob", "role": "boss"}, 422, "The role must be viewer", id="no role"),
        pytest.param("/role", {"person": "nobody-here"}, 409, "There is no user called", id="nobody"),
        pytest.param("/role", {"person": "ada"}, 409, "the last admin", id="the last admin's role"),
        pytest.param("/disable", {"person": "ada"}, 409, "the last admin", id="the last admin"),
        pytest.param(
            "/password",
            {"person": "Ada"},
            422,
            "with the current one",
            id="one's own, without the present one",
        ),
        pytest.param(
            "/own-password",
            {"current": "wrong"},
            422,
            "The current password is wrong",
            id="not the present one",
        ),
        pytest.param("/tokens", {"name": " "}, 422, "Token name is empty", id="a token without a name"),
        pytest.param("/tokens", {"scope": "all"}, 422, "The scope must be feeds", id="no scope"),
        pytest.param("/tokens", {"expires": "soon"}, 422, "a time span such as 90d", id="no span"),
        pytest.param("/tokens", {"expires": "99999d"}, 422, "ten years", id="too long a span"),
        pytest.param("/tokens/revoke", {"token": "x"}, 422, "not a number", id="no number"),
    ],
)
async def test_what_cannot_be_is_refused_in_one_sentence(
    gate: SharedGate, path: str, given: dict[str, str], status: int, sentence: str
) -> None:
    sent = {**GIVEN[path], **given}
    async with open_pool(gate.dsn, max_size=1) as pool, browser_of(gate.base, "ada") as ada:
        async with transaction(pool) as conn:
            before = await people(conn), await tokens(conn)
        async with ada.post(f"{gate.base}/api/people{path}", data=sent) as answer:
            assert (answer.status, sentence in (await answer.json())["error"]) == (status, True)
        async with transaction(pool) as conn:
            assert (await people(conn), await tokens(conn)) == before


@pytest.mark.slow
async def test_another_password_ends_the_other_sessions(base: str) -> None:
    async with browser_of(base, "vera") as here, browser_of(base, "vera") as there:
        async with here.post(f"{base}/api/people/own-password", data=GIVEN["/own-password"]) as answer:
            assert answer.status == 200  # of the page that it leads to
        async with here.get(f"{base}/api/live") as answer:
            assert answer.status == 200
        async with there.get(f"{base}/api/live") as answer:
            assert answer.status == 401
    async with aiohttp.ClientSession() as session:
        assert await log_in(session, base, "vera", PASSWORD) == 403
        assert await log_in(session, base, "vera", "another long one") == 303


async def test_where_there_is_no_login_nobody_does_anything_about_people(
    pool: Pool, dsn: str, now: datetime
) -> None:
    settings = replace(WITH_LOGIN, login=None)
    async with (
        served(pool, dsn, now, settings) as base,
        aiohttp.ClientSession(headers={"Origin": base}) as session,
    ):
        for path, given in GIVEN.items():
            async with session.post(f"{base}/api/people{path}", data=given) as answer:
                assert (answer.status, (await answer.json())["error"]) == (403, TAKES_LOGIN)
        async with session.get(f"{base}/login", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.slow
async def test_a_websocket_whose_session_ended_unheard_is_closed_by_and_by(
    pool: Pool, now: datetime, base: str
) -> None:
    sockets = Sockets()

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()

    async with (
        mounted(
            AuthenticationMiddleware(
                WebSocketMiddleware(waiting, sockets, lambda _: None), pool, lambda: now, WITH_LOGIN
            )
        ) as other,
        browser_of(base, "ann") as ann,
        browser_of(base, "vera") as vera,
    ):
        cookies = [next(c.value for c in who.cookie_jar if c.key == "blockline") for who in (ann, vera)]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(other, headers={"Cookie": f"blockline={cookies[0]}"}) as hers,
            session.ws_connect(other, headers={"Cookie": f"blockline={cookies[1]}"}) as others,
        ):
            async with transaction(pool) as conn:
                await conn.execute(
                    "update web_session set ended_at = $1 from person p where p.login = 'ann' "
                    "and p.person_id = web_session.person_id",
                    now,
                )
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(close_ended_sessions(pool, lambda: now, sockets, every_s=0.05))
                assert (await hers.receive()).type == aiohttp.WSMsgType.CLOSE
                await until(lambda: _is(len(sockets) == 1))
                watching.cancel()
            assert not others.closed


async def _is(value: bool) -> bool:
    return value


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.14.1", "curl/8.14.1"),
        ("", "unknown"),
    ],
)
def test_a_browser_is_called_as_people_call_it(said: str, name: str) -> None:
    assert browser_name(said) == name
