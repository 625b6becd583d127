"""People for tests, and browsers and programs that are let in as them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache

import aiohttp
from argon2 import PasswordHasher

from dashboard.asgi.settings import DashboardSettings, HashCost, Login
from dashboard.auth.passwords import new_token, token_hash
from storage.model.core.people import Role, Scope
from storage.people.people import add_person, person_called
from storage.people.tokens import add_token
from storage.postgres.pool import Pool, transaction
from tests.support.servers.dashboard import SETTINGS

PASSWORD = "correct horse battery"
LOW_COST = HashCost(passes=1, memory_kib=16, lanes=1)
"""A login takes a quarter of a second at the usual cost, and hundreds of tests log in."""
WITH_LOGIN: DashboardSettings = replace(SETTINGS, login=Login("http://127.0.0.1:8050", hash_cost=LOW_COST))


@cache
def _hash() -> str:
    hasher = PasswordHasher(LOW_COST.passes, LOW_COST.memory_kib, LOW_COST.lanes)
    return hasher.hash(PASSWORD)


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
