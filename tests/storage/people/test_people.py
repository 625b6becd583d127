"""People in the database: what two who act at once cannot bring about, and what stays of a person."""

import asyncio
from datetime import datetime

from dashboard.auth.passwords import token_hash
from storage.model.core.people import Role, Scope
from storage.people.login_limits import PER_NAME, may_try, succeeded
from storage.people.people import admins, disable, enable, set_role
from storage.people.second_factor import (
    add_second_factor,
    use_recovery_code,
    use_step,
)
from storage.people.sessions import actor_with_session, begin_session
from storage.people.tokens import actor_with_token, add_token
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.seeds.people import a_person


async def test_two_admins_cannot_remove_each_other_at_once(pool: Pool, now: datetime) -> None:
    for login in ("ada", "eve"):
        await a_person(pool, login, Role.ADMIN, now)

    async def demote(login: str) -> str:
        try:
            async with transaction(pool) as conn:
                await set_role(conn, login, Role.VIEWER, "test", now)
                await asyncio.sleep(0.05)
        except Refused as error:
            return str(error)
        return ""

    said = await asyncio.gather(demote("ada"), demote("eve"))
    assert sorted(map(bool, said)) == [False, True]
    async with transaction(pool) as conn:
        assert await admins(conn) == 1


async def test_who_got_in_begins_anew_and_the_address_keeps_the_failures_of_others(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        for _ in range(PER_NAME - 1):
            assert await may_try(conn, "ada", "192.0.2.1", now) is None
        await may_try(conn, "ada", "192.0.2.1", now)
        await succeeded(conn, "ada", "192.0.2.1")
        kept = await conn.fetch("select failures from login_failure order by 1")
        assert kept == [(PER_NAME - 1,), (PER_NAME,)]  # of the address, and of the name elsewhere


async def test_of_two_who_show_the_same_code_at_once_one_is_let_in(pool: Pool, now: datetime) -> None:
    person = await a_person(pool, "ada", Role.ADMIN, now)
    async with transaction(pool) as conn:
        await add_second_factor(conn, person, "ada", "ABCDEFGH", 1, [token_hash("one")], now)

    async def code() -> bool:
        async with transaction(pool) as conn:
            return await use_step(conn, person, 2)

    async def recovery_code() -> bool:
        async with transaction(pool) as conn:
            return await use_recovery_code(conn, person, "ada", token_hash("one"), now)

    assert sum(await asyncio.gather(*(code() for _ in range(5)))) == 1
    assert sum(await asyncio.gather(*(recovery_code() for _ in range(5)))) == 1


async def test_who_was_disabled_and_comes_back_finds_tokens_but_no_sessions(
    pool: Pool, now: datetime
) -> None:
    person = await a_person(pool, "bob", Role.ANALYST, now)
    async with transaction(pool) as conn:
        await begin_session(conn, person, token_hash("session"), "192.0.2.1", "", now)
        await add_token(conn, person, token_hash("token"), "script", Scope.WRITE, None, "bob", now)
        await disable(conn, "bob", "ada", now)
        assert await actor_with_session(conn, token_hash("session"), now) is None
        assert await actor_with_token(conn, token_hash("token"), now) is None
        await enable(conn, "bob", "ada", now)
        assert await actor_with_session(conn, token_hash("session"), now) is None
        actor = await actor_with_token(conn, token_hash("token"), now)
    assert actor is not None
    assert (actor.name, actor.role) == ("bob (token script)", Role.ANALYST)
