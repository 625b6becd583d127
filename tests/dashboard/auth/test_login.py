"""Logging in and out over real sockets: whom the dashboard lets in, and for how long."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime, timedelta

import aiohttp
import pytest
from argon2 import PasswordHasher
from yarl import URL

from dashboard.asgi.settings import Login
from dashboard.auth.login import WRONG
from dashboard.auth.login_page import own_page
from dashboard.auth.middleware import LOGIN_FIRST
from dashboard.auth.passwords import DUMMY_HASH, Passwords, token_hash
from storage.model.core.people import Role
from storage.people.login_limits import PER_ADDRESS, PER_NAME, WINDOW, may_try
from storage.people.people import disable, password_of, set_password, set_role
from storage.people.refused_logins import FAILED, LOCKED, UNKNOWN_NAME
from storage.people.sessions import (
    IDLE,
    KEPT,
    LASTS,
    actor_with_session,
    begin_session,
    end_sessions_of,
    open_sessions,
)
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.support.clients.push import following
from tests.support.seeds.people import LOW_COST, PASSWORD, WITH_LOGIN, a_person, browser_of, log_in
from tests.support.servers.dashboard import served, until


@pytest.fixture
async def base(pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[str]:
    await a_person(pool, "ada", Role.ADMIN, now)
    await a_person(pool, "vera", Role.VIEWER, now)
    async with served(pool, dsn, now, WITH_LOGIN) as base:
        yield base


async def status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


@pytest.mark.slow
async def test_a_page_leads_to_the_login_and_from_there_to_where_it_was_asked_for(base: str) -> None:
    browser = {"Accept": "text/html", "Origin": base}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=browser) as session:
        async with session.get(f"{base}/orders/3?sort=latest", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (
                303,
                "/login?next=/orders/3%3Fsort%3Dlatest",
            )
            leads_to = answer.headers["Location"]
        async with session.get(base + leads_to) as answer:
            form = await answer.text()
            assert answer.status == 200
        action = form.partition('action="')[2].partition('"')[0]
        given = {"name": "ADA", "password": PASSWORD}
        async with session.post(base + action, data=given, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/orders/3?sort=latest")
        assert await status(session, f"{base}/api/live") == 200


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ada", "not her password", id="a wrong password"),
        pytest.param("nobody-here", PASSWORD, id="somebody who is not on file"),
        pytest.param("", PASSWORD, id="no name"),
        pytest.param("ada", "", id="no password"),
        pytest.param("a" * 5000, PASSWORD, id="a name that nobody can have"),
        pytest.param("ada", "x" * 5000, id="a password that nobody can have"),
        pytest.param("ada'; drop table person; --", PASSWORD, id="a name with SQL in it"),
    ],
)
async def test_whatever_is_wrong_is_answered_alike(base: str, name: str, password: str) -> None:
    async with aiohttp.ClientSession() as session:
        given = {"name": name, "password": password}
        async with session.post(f"{base}/login", data=given, headers={"Origin": base}) as answer:
            said = await answer.text()
    assert answer.status == 403
    assert WRONG in said
    assert "Set-Cookie" not in answer.headers


def test_where_there_is_nobody_the_same_work_is_done() -> None:
    assert Passwords(Login("https://b.example").hash_cost).has_current_cost(DUMMY_HASH)
    assert not PasswordHasher().check_needs_rehash(DUMMY_HASH), "the cost that the library proposes"


async def test_a_login_from_another_page_is_refused(base: str) -> None:
    for headers in ({}, {"Origin": "https://elsewhere.example"}):
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{base}/login", data={"name": "ada", "password": PASSWORD}, headers=headers
            ) as answer,
        ):
            assert answer.status == 403
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("url", "name", "secure"),
    [
        pytest.param("http://127.0.0.1:8050", "blockline", False, id="without TLS, on this machine"),
        pytest.param("https://watch.example.org", "__Host-blockline", True, id="behind a proxy with TLS"),
    ],
)
async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(
    pool: Pool, dsn: str, now: datetime, url: str, name: str, secure: bool
) -> None:
    await a_person(pool, "ada", Role.ADMIN, now)
    async with (
        served(pool, dsn, now, replace(WITH_LOGIN, login=Login(url, hash_cost=LOW_COST))) as base,
        aiohttp.ClientSession() as session,
        session.post(
            f"{base}/login",
            data={"name": "ada", "password": PASSWORD},
            headers={"Origin": base},
            allow_redirects=False,
        ) as answer,
    ):
        cookie = answer.cookies[name]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    assert (bool(cookie["secure"]), cookie["domain"]) == (secure, "")
    async with transaction(pool) as conn:
        actor = await actor_with_session(conn, token_hash(cookie.value), now)
        kept = await conn.fetch("select * from web_session")
    assert actor is not None
    assert (actor.name, actor.role) == ("ada", Role.ADMIN)
    assert cookie.value not in str(kept)


async def test_a_session_that_somebody_else_put_there_never_becomes_a_login(base: str) -> None:
    """Fixation: what the browser had before is worth nothing after."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        jar.update_cookies({"blockline": "chosen-by-somebody-else"}, URL(base))
        assert await log_in(session, base, "ada") == 303
        (cookie,) = [c.value for c in jar if c.key == "blockline"]
        assert cookie != "chosen-by-somebody-else"
        # And who logs in again leaves no session behind.
        assert await log_in(session, base, "vera") == 303
    async with aiohttp.ClientSession(headers={"Cookie": "blockline=chosen-by-somebody-else"}) as session:
        assert await status(session, f"{base}/api/live") == 401
    async with aiohttp.ClientSession(headers={"Cookie": f"blockline={cookie}"}) as session:
        assert await status(session, f"{base}/api/live") == 401


@pytest.mark.parametrize(
    ("used", "after", "alive"),
    [
        pytest.param([], IDLE - timedelta(minutes=1), True, id="used within the day"),
        pytest.param([], IDLE + timedelta(minutes=1), False, id="not used for too long"),
        pytest.param([IDLE * 0.9, IDLE * 1.8], IDLE * 2.7, True, id="used again and again"),
        pytest.param([IDLE * 0.9 * n for n in range(1, 67)], LASTS, False, id="however busy it is, it ends"),
    ],
)
async def test_a_session_ends_by_itself(
    pool: Pool, now: datetime, used: list[timedelta], after: timedelta, alive: bool
) -> None:
    person = await a_person(pool, "ada", Role.ADMIN, now)
    async with transaction(pool) as conn:
        await begin_session(conn, person, token_hash("secret"), "192.0.2.1", "Browser", now)
        for later in used:
            assert await actor_with_session(conn, token_hash("secret"), now + later) is not None
        actor = await actor_with_session(conn, token_hash("secret"), now + after)
        assert (actor is not None) is alive
        assert bool(await open_sessions(conn, person, now + after)) is alive


async def test_from_where_people_logged_in_is_forgotten_after_a_while(pool: Pool, now: datetime) -> None:
    person = await a_person(pool, "ada", Role.ADMIN, now)
    async with transaction(pool) as conn:
        for secret in ("one", "two"):
            await begin_session(conn, person, token_hash(secret), "192.0.2.1", "Browser", now)
        await end_sessions_of(conn, person, now)
        await begin_session(conn, person, token_hash("three"), "", "", now + KEPT)
        assert await conn.fetchval("select count(*) from web_session") == 3
        await begin_session(conn, person, token_hash("four"), "", "", now + KEPT + timedelta(seconds=1))
        assert await conn.fetchval("select count(*) from web_session") == 2


async def test_who_logs_out_is_out_and_so_are_his_open_pages(base: str, pool: Pool) -> None:
    async with browser_of(base, "ada") as ada, browser_of(base, "vera") as vera:
        async with following(ada, base) as hers, following(vera, base) as others:
            await hers.next_with("now")
            async with ada.post(f"{base}/logout", allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/login")
                assert answer.cookies["blockline"].value == ""
            with pytest.raises(EOFError):
                await hers.next_with("never")
            assert hers.socket.close_code == 4001
            await others.next_with("now")
        assert await status(ada, f"{base}/api/live") == 401
    async with transaction(pool) as conn:
        (act,) = await acts(conn, 1)
    assert (act.actor, act.action) == ("ada", "logged out")


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["disabled", "another role"])
async def test_who_may_do_less_is_out_at_once(base: str, pool: Pool, now: datetime, deed: str) -> None:
    async with browser_of(base, "vera") as vera, following(vera, base) as pages:
        await pages.next_with("now")
        async with transaction(pool) as conn:
            if deed == "disabled":
                await disable(conn, "vera", "ada", now)
            else:
                await set_role(conn, "vera", Role.ANALYST, "ada", now)
        with pytest.raises(EOFError):
            await pages.next_with("never")

        async def is_out() -> bool:
            return await status(vera, f"{base}/api/live") == 401

        await until(is_out)
    async with aiohttp.ClientSession() as session:
        assert await log_in(session, base, "vera") == (403 if deed == "disabled" else 303)


async def test_a_failed_login_is_in_the_audit_log_and_in_the_log_without_what_was_typed(
    base: str, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    typed = "her password in the wrong field"
    async with aiohttp.ClientSession() as session:
        assert await log_in(session, base, "ADA", typed) == 403
        assert await log_in(session, base, typed, "ada") == 403
    async with transaction(pool) as conn:
        entries = await acts(conn, 2)
    assert [(a.action, a.subject, dict(a.detail)) for a in reversed(entries)] == [
        (FAILED, "ada", {"address": "127.0.0.1", "reason": "wrong password"}),
        (FAILED, UNKNOWN_NAME, {"address": "127.0.0.1", "reason": "no such user"}),
    ]
    lines = [r.getMessage() for r in caplog.records if r.name == "dashboard.auth.login_refusals"]
    assert lines == [
        "login failed: ada from 127.0.0.1: wrong password",
        "login failed: unknown name from 127.0.0.1: no such user",
    ]
    assert typed not in caplog.text


async def test_a_flood_of_attempts_is_one_entry_that_says_until_when(
    base: str, pool: Pool, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    async with transaction(pool) as conn:
        for _ in range(PER_NAME):
            await may_try(conn, "ada", "127.0.0.1", now)
    async with aiohttp.ClientSession() as session:
        for _ in range(5):
            assert await log_in(session, base, "ada", "wrong") == 429
    async with transaction(pool) as conn:
        (entry,) = [a for a in await acts(conn, 20) if a.subject == "ada" and a.action != "person added"]
    assert (entry.action, entry.detail["address"]) == (LOCKED, "127.0.0.1")
    assert f"locked until {now + WINDOW:%H:%M} UTC" in entry.detail["reason"]
    assert len([r for r in caplog.records if r.name == "dashboard.auth.login_refusals"]) == 1


async def test_a_wrong_current_password_is_a_failed_login(base: str, pool: Pool) -> None:
    async with browser_of(base, "ada") as ada:
        given = {"current": "not hers at all", "password": "another good one"}
        async with ada.post(f"{base}/api/people/own-password", data=given) as answer:
            assert answer.status == 422
    async with transaction(pool) as conn:
        (entry,) = await acts(conn, 1)
    assert (entry.action, entry.subject) == (FAILED, "ada")


async def test_a_new_password_that_is_refused_is_not_counted_as_a_guess(base: str) -> None:
    """Who looks for a good enough one would else be locked out."""
    async with browser_of(base, "ada") as ada:
        for _ in range(PER_NAME):
            given = {"current": PASSWORD, "password": "short"}
            async with ada.post(f"{base}/api/people/own-password", data=given) as answer:
                assert "at least 12" in (await answer.json())["error"]
        assert await log_in(ada, base, "ada", PASSWORD) == 303


async def test_a_password_of_before_lets_in_although_it_could_not_be_set_today(
    base: str, pool: Pool, now: datetime
) -> None:
    """And its hash is renewed all the same: `password1234` was allowed once."""
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("password1234")
    async with transaction(pool) as conn:
        await set_password(conn, "vera", weak, "test", now)
    async with aiohttp.ClientSession() as session:
        assert await log_in(session, base, "vera", "password1234") == 303
    async with transaction(pool) as conn:
        _, kept = await password_of(conn, "vera") or (0, "")
    assert Passwords(LOW_COST).has_current_cost(kept)


@pytest.mark.slow
async def test_attempts_are_counted_and_then_nothing_is_tried_any_more(base: str) -> None:
    async with aiohttp.ClientSession() as session:
        assert [await log_in(session, base, "ada", "wrong") for _ in range(PER_NAME)] == [403] * PER_NAME
        assert await log_in(session, base, "ada", "wrong") == 429
        assert await log_in(session, base, "ADA", PASSWORD) == 429
        assert await log_in(session, base, "vera", PASSWORD) == 303


@pytest.mark.parametrize(
    ("tries", "may"),
    [
        pytest.param([("ada", "192.0.2.1", 0)] * PER_NAME, False, id="one name from one address"),
        pytest.param([("ada", "192.0.2.2", 0)] * PER_NAME, True, id="from elsewhere it is somebody else"),
        pytest.param([("bob", "192.0.2.1", 0)] * PER_NAME, True, id="another name may be tried"),
        pytest.param(
            [(f"name{n}", "192.0.2.1", 0) for n in range(PER_ADDRESS)],
            False,
            id="many names from one address",
        ),
        pytest.param([("ada", "192.0.2.1", -16)] * PER_NAME, True, id="a while ago"),
        pytest.param([("ada", "::ffff:192.0.2.1", 0)] * PER_NAME, False, id="the same address in IPv6"),
    ],
)
async def test_who_may_try_again(
    pool: Pool, now: datetime, tries: list[tuple[str, str, int]], may: bool
) -> None:
    async with transaction(pool) as conn:
        for login, address, minutes in tries:
            await may_try(conn, login, address, now + timedelta(minutes=minutes))
        lock = await may_try(conn, "ada", "192.0.2.1", now)
    assert (lock and lock.until) == (None if may else now + WINDOW)


async def test_one_network_of_ipv6_is_one_address(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        for n in range(PER_NAME):
            await may_try(conn, "ada", f"2001:db8::{n:x}:1", now)
        assert await may_try(conn, "ada", "2001:db8::ffff", now) is not None
        assert await may_try(conn, "ada", "2001:db8:0:1::1", now) is None


async def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(
    base: str, pool: Pool, now: datetime
) -> None:
    async def tried() -> bool:
        async with transaction(pool) as conn:
            return await conn.fetchval("select exists (select from login_failure)")

    async def waits() -> bool:
        async with transaction(pool) as conn:
            return entering.done() or await conn.fetchval(
                """
                select exists (
                    select from pg_locks where relation = 'login_failure'::regclass and not granted
                )
                """
            )

    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with asyncio.TaskGroup() as tasks:
            entering = tasks.create_task(log_in(session, base, "ada"))
            await until(tried)
            async with transaction(pool) as conn:
                # The login comes by here again. It holds the person then, and is the one that gives up.
                await conn.execute("set local deadlock_timeout = '1min'")
                await conn.execute("lock table login_failure in share mode")
                await until(waits)
                await set_password(conn, "ada", DUMMY_HASH, "eve", now)
        assert await status(session, f"{base}/api/live") == 401


async def test_old_attempts_are_forgotten(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        for n in range(50):
            await may_try(conn, f"name{n}", f"192.0.2.{n}", now)
        await may_try(conn, "ada", "192.0.2.99", now + WINDOW)
        assert await conn.fetchval("select count(*) from login_failure") == 3


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/orders/3?sort=latest", "/orders/3?sort=latest"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example/", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("/logout", "/"),
        ("", "/"),
    ],
)
def test_a_login_leads_to_our_own_pages_only(asked: str, leads_to: str) -> None:
    assert own_page(asked) == leads_to


async def test_a_program_is_told_to_log_in_as_json(base: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{base}/api/live") as answer:
        assert (answer.status, await answer.json()) == (401, {"error": LOGIN_FIRST})
