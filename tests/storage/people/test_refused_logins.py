"""Who is kept from guessing a password from many addresses, and what is recorded of those who tried."""

from datetime import datetime, timedelta

import pytest

from dashboard.auth.passwords import token_hash
from storage.model.core.people import Role
from storage.people.login_limits import KNOWN_FOR, PER_ADDRESS, PER_NAME, PER_NAME_ELSEWHERE, WINDOW, may_try
from storage.people.people import disable
from storage.people.refused_logins import (
    FAILED,
    LOCKED,
    MOST_LISTED,
    UNKNOWN_NAME,
    record_failed_login,
    record_locked_login,
)
from storage.people.sessions import begin_session, end_sessions_of
from storage.postgres.audit_log import ABOUT_PEOPLE, acts
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.seeds.people import a_person

HOME, AWAY = "192.0.2.1", "203.0.113.1"


async def guess_from_everywhere(conn: Conn, login: str, now: datetime) -> None:
    for n in range(PER_NAME_ELSEWHERE):
        assert await may_try(conn, login, f"198.51.100.{n}", now) is None


async def log_in_from(conn: Conn, person_id: int, address: str, now: datetime) -> None:
    await begin_session(conn, person_id, token_hash(f"{address} {now}"), address, "", now)


@pytest.mark.parametrize(
    ("login", "address", "later", "may"),
    [
        pytest.param("ada", AWAY, timedelta(), False, id="from an address that the name never came from"),
        pytest.param("ADA", AWAY, timedelta(), False, id="however the name is written"),
        pytest.param("ada", HOME, timedelta(), True, id="from where the user logged in, nobody is kept out"),
        pytest.param("ada", "::ffff:192.0.2.1", timedelta(), True, id="the same address in IPv6"),
        pytest.param("bob", AWAY, timedelta(), True, id="another name is not slowed"),
        pytest.param("bob", HOME, timedelta(), True, id="nor where the guessed one lives"),
        pytest.param("ada", AWAY, WINDOW, True, id="nobody is kept out for longer than the window"),
        pytest.param("ada", HOME, KNOWN_FOR, True, id="later the window is over"),
    ],
)
async def test_a_name_that_is_guessed_from_many_addresses_is_slowed_for_strangers(
    pool: Pool, now: datetime, login: str, address: str, later: timedelta, may: bool
) -> None:
    ada = await a_person(pool, "ada", Role.ADMIN, now)
    async with transaction(pool) as conn:
        await log_in_from(conn, ada, HOME, now - timedelta(days=1))
        await end_sessions_of(conn, ada, now)
        await guess_from_everywhere(conn, "ada", now)
        lock = await may_try(conn, login, address, now + later)
    assert (lock is None) is may
    assert lock is None or (lock.until, lock.is_new) == (now + WINDOW, True)


async def test_an_address_is_one_of_the_name_for_so_long_after_a_login(pool: Pool, now: datetime) -> None:
    ada = await a_person(pool, "ada", Role.ADMIN, now)
    async with transaction(pool) as conn:
        await log_in_from(conn, ada, HOME, now - KNOWN_FOR + timedelta(minutes=1))
        await guess_from_everywhere(conn, "ada", now)
        assert await may_try(conn, "ada", HOME, now) is None
        await guess_from_everywhere(conn, "ada", now + WINDOW)
        assert await may_try(conn, "ada", HOME, now + WINDOW) is not None


async def test_one_machine_cannot_keep_a_user_out_elsewhere(pool: Pool, now: datetime) -> None:
    """Its own limits stop it first, and what they refuse does not count against the name."""
    async with transaction(pool) as conn:
        for _ in range(PER_ADDRESS + PER_NAME_ELSEWHERE):
            await may_try(conn, "ada", AWAY, now)
        assert await may_try(conn, "ada", HOME, now) is None


async def test_a_lock_is_new_once_in_its_window(pool: Pool, now: datetime) -> None:
    async def locks(conn: Conn, at: datetime) -> list[bool]:
        found = [await may_try(conn, "ada", HOME, at) for _ in range(PER_NAME + 3)]
        return [lock.is_new for lock in found if lock is not None]

    async with transaction(pool) as conn:
        assert await locks(conn, now) == [True, False, False]
        assert await locks(conn, now + WINDOW) == [True, False, False]


async def test_a_failed_login_names_the_user_the_address_and_why(pool: Pool, now: datetime) -> None:
    await a_person(pool, "Ada", Role.ADMIN, now)
    await a_person(pool, "bob", Role.VIEWER, now)
    async with transaction(pool) as conn:
        await disable(conn, "bob", "test", now)
        await record_failed_login(conn, "aDA", HOME, None, now)
        await record_failed_login(conn, "bob", HOME, None, now)
        await record_locked_login(conn, "ada", "\x1b[2J" + HOME, now + WINDOW, now)
        newest = await acts(conn, 3)
        assert await acts(conn, 9, about_people=False) == []
    assert {FAILED, LOCKED} <= set(ABOUT_PEOPLE)
    until = f"{now + WINDOW:%H:%M}"
    assert [(a.actor, a.action, a.subject, dict(a.detail)) for a in reversed(newest)] == [
        ("nobody", FAILED, "Ada", {"address": HOME, "reason": "wrong password"}),
        ("nobody", FAILED, "bob", {"address": HOME, "reason": "the user is disabled"}),
        (
            "nobody",
            LOCKED,
            "Ada",
            {
                "address": "\ufffd[2J" + HOME,
                "reason": f"too many attempts; locked until {until} UTC",
            },
        ),
    ]


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
