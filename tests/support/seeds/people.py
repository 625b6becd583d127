"""People, browsers and programs that are let in as them, and their acts in the audit log."""

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
from storage.postgres.audit_log import log
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import minutes
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


async def logged(pool: Pool, acts: int = 6) -> None:
    """Acts 1, 2, 3 …, each in a transaction of its own."""
    for n in range(1, acts + 1):
        async with transaction(pool) as conn:
            await log(conn, minutes(n), "ada", "tags changed", f"account {n}", {"before": [], "tags": ["a"]})


async def as_owner(pool: Pool, *commands: str) -> None:
    """What whoever owns the tables can do: no trigger fires."""
    async with transaction(pool) as conn:
        for table in ("audit_log", "audit_chain", "chain"):
            await conn.execute(f"alter table {table} disable trigger user")
        for command in commands:
            await conn.execute(command)
        for table in ("audit_log", "audit_chain", "chain"):
            await conn.execute(f"alter table {table} enable trigger user")


AUDIT_CHAIN_MADE_AGAIN = """
    do $$
    declare
        a audit_log;
        head bytea := decode(repeat('00', 32), 'hex');
        n bigint := 0;
    begin
        truncate audit_chain;
        for a in select * from audit_log order by audit_id loop
            head := sha256(head || chain_leaf(chain_statement(a)));
            n := n + 1;
            insert into audit_chain values (n, a.audit_id, chain_leaf(chain_statement(a)), head);
        end loop;
    end
    $$
"""
"""The whole chain over what the audit log now holds, as if that had always stood there."""


CHAIN_HEAD_MADE_AGAIN = """
    alter table chain_anchor drop constraint chain_anchor_seq_fkey;
    delete from chain where audit_seq is not null;
    select chain_audit_head('2021-02-01 01:00Z')
"""
"""The head of the audit log in the chain of changes too, where it was the last entry."""
