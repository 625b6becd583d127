"""Who is kept from guessing a password from many addresses, and what is recorded of those who tried."""

from datetime import datetime

from storage.model.core.people import Role
from storage.people.login_limits import PER_ADDRESS, PER_NAME_ELSEWHERE, WINDOW, may_try
from storage.people.refused_logins import (
    MOST_LISTED,
    UNKNOWN_NAME,
    record_failed_login,
)
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.people import a_person

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
