"""The second factor over real sockets: whom it keeps out, that each code counts once, who may remove it."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import aiohttp
import pytest
from pyotp.totp import TOTP

from dashboard.asgi.settings import Login
from dashboard.auth.passwords import hash_of
from dashboard.auth.second_factor import (
    RECOVERY_CODES,
    new_recovery_codes,
    new_secret,
    recovery_hash,
)
from dashboard.auth.second_step import TOO_LATE, WRONG_CODE
from dashboard.people.second_factor_pages import NOTHING_BEGUN, WRONG_PASSWORD
from storage.model.core.people import Role, Scope
from storage.people.people import person_called, set_password
from storage.people.refused_logins import FAILED
from storage.people.second_factor import (
    add_second_factor,
    reset_second_factor,
)
from storage.postgres.audit_log import ABOUT_PEOPLE, acts
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.people import LOW_COST, PASSWORD, WITH_LOGIN, a_person, a_token, browser_of, log_in
from tests.support.servers.dashboard import served

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


@pytest.fixture
async def base(pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[str]:
    await a_person(pool, "ada", Role.ADMIN, now)
    await a_person(pool, "vera", Role.VIEWER, now)
    async with served(pool, dsn, now, WITH_LOGIN) as base:
        yield base


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
