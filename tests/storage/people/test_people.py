"""People in the database: what two who act at once cannot bring about, and what stays of a person."""

import asyncio
from datetime import datetime

import pytest

from collectors.x.declaration import X
from dashboard.auth.passwords import token_hash
from storage.model.core.people import Role, Scope
from storage.people.api_answers import (
    KeptAnswer,
    RequestKey,
    begin_request,
    keep_answer,
)
from storage.people.login_limits import PER_ADDRESS, PER_NAME, PER_NAME_ELSEWHERE, WINDOW, may_try, succeeded
from storage.people.people import admins, disable, enable, set_role
from storage.people.refused_logins import (
    MOST_LISTED,
    UNKNOWN_NAME,
    record_failed_login,
)
from storage.people.second_factor import (
    add_second_factor,
    use_recovery_code,
    use_step,
)
from storage.people.sessions import actor_with_session, begin_session
from storage.people.tokens import actor_with_token, add_token
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist
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


KEY = RequestKey("ada", "/api/v1/accounts", "one")
DIGEST = bytes(32)


async def answered(conn: Conn, body: str) -> None:
    assert await begin_request(conn, KEY, DIGEST, T0) is None
    await keep_answer(conn, KEY, 200, "application/json", body.encode())


@pytest.mark.parametrize(
    ("body", "left"),
    [
        pytest.param('{"account": "x @H1"}', b"", id="an answer that names the account"),
        pytest.param('{"account": "x @h2"}', b'{"account": "x @h2"}', id="an answer that names another"),
    ],
)
async def test_a_purge_empties_the_answers_and_no_request_is_done_twice(
    pool: Pool, body: str, left: bytes
) -> None:
    async with transaction(pool) as conn:
        one, _ = await enlist(conn, X, ["1", "2"])
        await answered(conn, body)
        await purge_account(conn, one.account_id, minutes(1))
        kept = await begin_request(conn, KEY, DIGEST, minutes(2))
    assert isinstance(kept, KeptAnswer)
    assert (kept.status, kept.body) == (200, left)


HOME, AWAY = "192.0.2.1", "203.0.113.1"


async def test_one_machine_cannot_keep_a_user_out_elsewhere(pool: Pool, now: datetime) -> None:
    """Its own limits stop it first, and what they refuse does not count against the name."""
    async with transaction(pool) as conn:
        for _ in range(PER_ADDRESS + PER_NAME_ELSEWHERE):
            await may_try(conn, "ada", AWAY, now)
        assert await may_try(conn, "ada", HOME, now) is None


async def test_a_name_that_no_user_has_may_be_a_password_and_is_not_recorded(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        for typed in ("hunter2-hunter2", "", "x" * 5000, "zwölf Boxkämpfer"):
            await record_failed_login(conn, typed, HOME, None, now)
        entries = await acts(conn, 9)
    assert len(entries) == 4
    assert {(a.subject, a.detail["reason"], len(a.detail)) for a in entries} == {
        (UNKNOWN_NAME, "no such user", 2)
    }
    assert "hunter2" not in str(entries)


async def test_a_flood_ends_in_an_entry_that_says_so_and_hides_no_attack_on_a_user(
    pool: Pool, now: datetime
) -> None:
    await a_person(pool, "ada", Role.ADMIN, now)
    async with transaction(pool) as conn:
        for n in range(3 * MOST_LISTED):
            await record_failed_login(conn, f"name{n}", f"198.51.100.{n}", None, now)
        flood = await acts(conn, 3 * MOST_LISTED, of=UNKNOWN_NAME)
        assert len(flood) == MOST_LISTED
        newest, *before = [a.detail.get("note") for a in flood]
        assert newest == f"further entries are left out until {now + WINDOW:%H:%M} UTC"
        assert not any(before)
        assert await record_failed_login(conn, "ada", HOME, None, now) is not None
        assert await record_failed_login(conn, "name", HOME, None, now) is None
        assert await record_failed_login(conn, "name", HOME, None, now + WINDOW) is not None
