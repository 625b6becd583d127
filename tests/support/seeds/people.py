"""People for tests, and browsers and programs that are let in as them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache

import aiohttp

from dashboard.asgi.settings import DashboardSettings, Login
from dashboard.auth.passwords import hash_of, new_token, token_hash
from storage.model.core.people import Role, Scope
from storage.people.people import add_person, person_called
from storage.people.tokens import add_token
from storage.postgres.pool import Pool, transaction
from tests.support.servers.dashboard import SETTINGS

PASSWORD = "correct horse battery"
WITH_LOGIN: DashboardSettings = replace(SETTINGS, login=Login("http://127.0.0.1:8050"))


@cache
def _hash() -> str:
    return hash_of(PASSWORD, "")


async def a_person(pool: Pool, login: str, role: Role, now: datetime) -> int:
    """Somebody who logs in with `PASSWORD`."""
    async with transaction(pool) as conn:
        return await add_person(conn, login, login.title(), role, _hash(), "test", now)


async def a_token(pool: Pool, login: str, scope: Scope, now: datetime) -> str:
    secret = new_token()
    async with transaction(pool) as conn:
        person = await person_called(conn, login)
        await add_token(conn, person.person_id, token_hash(secret), "script", scope, None, login, now)
    return secret


async def log_in(session: aiohttp.ClientSession, base: str, name: str, password: str = PASSWORD) -> int:
    """Send the form of the login; returns the status of the answer."""
    async with session.post(
        f"{base}/login",
        data={"name": name, "password": password},
        headers={"Origin": base},
        allow_redirects=False,
    ) as answer:
        return answer.status


@asynccontextmanager
async def browser_of(base: str, name: str) -> AsyncGenerator[aiohttp.ClientSession]:
    """A browser in which this person is logged in."""
    jar = aiohttp.CookieJar(unsafe=True)  # also of an address that is a number
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Origin": base}) as session:
        assert await log_in(session, base, name) == 303
        yield session
