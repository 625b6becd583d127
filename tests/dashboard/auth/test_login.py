"""Logging in and out over real sockets: whom the dashboard lets in, and for how long."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import aiohttp
import pytest
from argon2 import PasswordHasher

from dashboard.auth.passwords import Passwords, token_hash
from storage.model.core.people import Role
from storage.people.login_limits import PER_NAME, may_try
from storage.people.people import disable, password_of, set_password, set_role
from storage.people.refused_logins import FAILED, UNKNOWN_NAME
from storage.people.sessions import (
    IDLE,
    LASTS,
    actor_with_session,
    begin_session,
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


async def test_one_network_of_ipv6_is_one_address(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        for n in range(PER_NAME):
            await may_try(conn, "ada", f"2001:db8::{n:x}:1", now)
        assert await may_try(conn, "ada", "2001:db8::ffff", now) is not None
        assert await may_try(conn, "ada", "2001:db8:0:1::1", now) is None
