"""Logging in and out over real sockets: whom the dashboard lets in, and for how long."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import aiohttp
import pytest
from argon2 import PasswordHasher
from pyotp.totp import TOTP

from dashboard.asgi.settings import Login
from dashboard.auth.passwords import Passwords, WrongPassword, hash_of, refuse_weak, token_hash
from dashboard.auth.second_factor import (
    RECOVERY_CODES,
    new_recovery_codes,
    new_secret,
    recovery_hash,
)
from dashboard.auth.second_step import TOO_LATE, WRONG_CODE
from dashboard.people.second_factor_pages import NOTHING_BEGUN, WRONG_PASSWORD
from storage.model.core.people import Role, Scope
from storage.people.login_limits import PER_NAME, may_try
from storage.people.people import disable, password_of, person_called, set_password, set_role
from storage.people.refused_logins import FAILED, UNKNOWN_NAME
from storage.people.second_factor import (
    add_second_factor,
    reset_second_factor,
)
from storage.people.sessions import (
    IDLE,
    LASTS,
    actor_with_session,
    begin_session,
    open_sessions,
)
from storage.postgres.audit_log import ABOUT_PEOPLE, acts
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import following
from tests.support.seeds.people import LOW_COST, PASSWORD, WITH_LOGIN, a_person, a_token, browser_of, log_in
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


SHORT, LONG, NAME, COMMON = "at least 12", "at most 200", "login name", "easy to guess"


@pytest.mark.parametrize(
    ("password", "login", "why"),
    [
        pytest.param("Tr7-vLq8Zr2", "ada", SHORT, id="eleven characters"),
        pytest.param("Tr7-vLq8Zr2n" * 20, "ada", LONG, id="more than anybody types"),
        pytest.param("password1234", "ada", COMMON, id="a common one with figures"),
        pytest.param("P@ssw0rd1234", "ada", COMMON, id="with signs that look like its letters"),
        pytest.param("PASSWORDpassword", "ada", COMMON, id="twice"),
        pytest.param("drowssap4321", "ada", COMMON, id="backwards"),
        pytest.param("1qaz2wsx3edc", "ada", COMMON, id="the keys as they lie"),
        pytest.param("aaaaaaaaaaaaaaaaaaaa", "ada", COMMON, id="one character"),
        pytest.param("a" * 150, "ada", COMMON, id="one character, more often than is estimated at once"),
        pytest.param("123456789012", "ada", COMMON, id="counted"),
        pytest.param("x-lovelace-vLq8Zr2n", "Lovelace", NAME, id="with the login name in it"),
        pytest.param("ada@example.org", "ada@example.org", NAME, id="the login name itself"),
    ],
)
def test_a_password_that_others_guess_is_refused_in_one_sentence(password: str, login: str, why: str) -> None:
    with pytest.raises(WrongPassword, match=why) as refused:
        refuse_weak(password, login)
    assert str(refused.value).count(".") == 1


@pytest.mark.parametrize(
    ("password", "login"),
    [
        pytest.param("correct horse battery", "ada", id="three words"),
        pytest.param("vLq8Zr2nWw5c", "ada", id="twelve that nobody thought of"),
        pytest.param("zwölf Boxkämpfer jagen", "ada", id="in another language"),
        pytest.param("a readable sentence", "ada", id="a short name is in many words"),
        pytest.param("vLq8Zr2nWw5c" * 16, "ada", id="longer than what is estimated"),
        pytest.param("a" * 80 + "vLq8Zr2nWw5c", "ada", id="hard to guess only at its end"),
    ],
)
def test_others_may_be_set(password: str, login: str) -> None:
    refuse_weak(password, login)


STEP = timedelta(seconds=30)


@dataclass
class Phone:
    """What a person has beside the password."""

    secret: str
    recovery: list[str]

    def code(self, at: datetime) -> str:
        return TOTP(self.secret).at(at)


async def a_phone(pool: Pool, login: str, now: datetime) -> Phone:
    """Set up the second factor of somebody, by a code of a while ago."""
    phone = Phone(new_secret(), new_recovery_codes())
    async with transaction(pool) as conn:
        person = await person_called(conn, login)
        step = int(now.timestamp()) // 30 - 10
        hashes = [recovery_hash(code) for code in phone.recovery]
        await add_second_factor(conn, person.person_id, person.login, phone.secret, step, hashes, now)
    return phone


@asynccontextmanager
async def browser(base: str) -> AsyncGenerator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Origin": base}) as session:
        yield session


async def send(session: aiohttp.ClientSession, url: str, **given: str) -> tuple[int, str]:
    async with session.post(url, data=given, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def ticket_of(session: aiohttp.ClientSession, base: str, name: str) -> str:
    """The first page of the login; the ticket for the second."""
    status, page = await send(session, f"{base}/login", name=name, password=PASSWORD)
    assert status == 200
    return ticket_in(page)


def ticket_in(page: str) -> str:
    return page.partition('name="ticket" value="')[2].partition('"')[0]


async def is_in(session: aiohttp.ClientSession, base: str) -> bool:
    async with session.get(f"{base}/api/people/me") as answer:
        return answer.status == 200


async def actions(pool: Pool, most: int = 50) -> list[tuple[str, str, str]]:
    """Who did what to whom about second factors and logins, the oldest first."""
    async with transaction(pool) as conn:
        found = reversed(await acts(conn, most))
    return [(a.actor, a.action, a.subject) for a in found if a.action not in {"person added", "logged in"}]


async def test_a_code_counts_once_and_none_before_it_counts_any_more(
    base: str, pool: Pool, now: datetime
) -> None:
    phone = await a_phone(pool, "ada", now)
    async with browser(base) as session:
        for code, status in (
            (phone.code(now), 303),
            (phone.code(now), 403),
            (phone.code(now + STEP), 303),
            (phone.code(now), 403),
        ):
            ticket = await ticket_of(session, base, "ada")
            assert (await send(session, f"{base}/login/code", ticket=ticket, code=code))[0] == status


@pytest.mark.parametrize("meanwhile", ["another password", "a made-up ticket", "the second factor was reset"])
async def test_a_ticket_is_void_when_it_is_not_about_how_things_are(
    base: str, pool: Pool, now: datetime, meanwhile: str
) -> None:
    phone = await a_phone(pool, "ada", now)
    async with browser(base) as session:
        ticket = await ticket_of(session, base, "ada")
        async with transaction(pool) as conn:
            if meanwhile == "another password":
                await set_password(conn, "ada", hash_of("another good one", ""), "eve", now)
            elif meanwhile == "the second factor was reset":
                await reset_second_factor(conn, "ada", "eve", now)
            else:
                ticket = ticket.swapcase()
        assert (await send(session, f"{base}/login/code", ticket=ticket, code=phone.code(now)))[0] == 403
        assert (await send(session, f"{base}/login/set-up", ticket=ticket, code=phone.code(now)))[0] == 403
        assert not await is_in(session, base)


async def set_up_on_the_own_page(session: aiohttp.ClientSession, base: str, now: datetime) -> Phone:
    status, page = await send(session, f"{base}/second-factor/begin", password=PASSWORD)
    assert (status, page.count("data:image/svg+xml")) == (200, 1)
    found = re.search(r'class="secret">([A-Z2-7]{32})<', page)
    assert found is not None
    phone = Phone(found[1], [])
    ticket = ticket_in(page)
    wrong = phone.code(now + 10 * STEP)
    assert (await send(session, f"{base}/second-factor/confirm", ticket=ticket, code=wrong))[0] == 403
    status, page = await send(session, f"{base}/second-factor/confirm", ticket=ticket, code=phone.code(now))
    phone.recovery = re.findall(r"<li><code>([a-z2-7-]{19})</code>", page)
    assert (status, len(set(phone.recovery))) == (200, RECOVERY_CODES)
    return phone


async def test_a_person_sets_it_up_logs_in_with_it_and_turns_it_off(
    base: str, pool: Pool, now: datetime
) -> None:
    async with browser_of(base, "ada") as ada, browser_of(base, "ada") as elsewhere:
        phone = await set_up_on_the_own_page(ada, base, now)
        assert await is_in(ada, base)
        assert not await is_in(elsewhere, base)  # begun without it
        assert await log_in(elsewhere, base, "ada") == 200  # the page that asks for the code
        assert (await send(ada, f"{base}/second-factor/begin", password=PASSWORD))[0] == 409
        status, page = await send(ada, f"{base}/second-factor/remove", code=phone.code(now))
        assert (status, WRONG_CODE in page) == (403, True)  # it confirmed the set-up
        assert (await send(ada, f"{base}/second-factor/remove", code=phone.recovery[3]))[0] == 200
        assert await log_in(elsewhere, base, "ada") == 303
    said = [entry for entry in await actions(pool) if entry[1] != FAILED]
    assert said == [
        ("ada", "second factor set up", "ada"),
        ("ada", "recovery code used", "ada"),
        ("ada", "second factor removed", "ada"),
    ]
    assert {action for _, action, _ in said} <= set(ABOUT_PEOPLE)


async def test_an_open_page_of_somebody_else_is_not_enough(base: str, pool: Pool, now: datetime) -> None:
    async with browser_of(base, "ada") as ada:
        status, page = await send(ada, f"{base}/second-factor/begin", password="not hers")
        assert (status, WRONG_PASSWORD in page, 'class="secret"' in page) == (403, True, False)
        assert (await send(ada, f"{base}/second-factor/begin", password=PASSWORD))[0] == 200
        status, page = await send(ada, f"{base}/second-factor/confirm", ticket="", code="000000")
        assert (status, NOTHING_BEGUN in page, 'class="secret"' in page) == (409, True, False)
    token = {"Authorization": f"Bearer {await a_token(pool, 'ada', Scope.ADMIN, now)}", "Origin": base}
    async with aiohttp.ClientSession(headers=token) as program:
        assert (await send(program, f"{base}/second-factor/begin", password=PASSWORD))[0] == 403
        assert await is_in(program, base)  # a token is not affected


async def test_two_who_set_up_at_once_do_not_see_each_others_secret(
    pool: Pool, dsn: str, now: datetime
) -> None:
    await a_person(pool, "ada", Role.ADMIN, now)
    login = Login("http://127.0.0.1:8050", second_factor_role=Role.ADMIN, hash_cost=LOW_COST)
    required = replace(WITH_LOGIN, login=login)
    async with served(pool, dsn, now, required) as base, browser(base) as one, browser(base) as other:
        pages = [await send(s, f"{base}/login", name="ada", password=PASSWORD) for s in (one, other)]
        first, second = (re.findall(r'class="secret">([A-Z2-7]{32})<', page)[0] for _, page in pages)
        assert first != second
        tickets = [ticket_in(page) for _, page in pages]
        phone = Phone(first, [])
        status, page = await send(one, f"{base}/login/set-up", ticket=tickets[0], code=TOTP(second).at(now))
        assert (status, first in page, second in page) == (403, True, False)
        assert (await send(one, f"{base}/login/set-up", ticket=tickets[0], code=phone.code(now)))[0] == 200
        late = await send(other, f"{base}/login/set-up", ticket=tickets[1], code=TOTP(second).at(now))
        assert (late[0], TOO_LATE in late[1], second in late[1]) == (403, True, False)
        assert not await is_in(other, base)
