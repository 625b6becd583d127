"""The second factor of people who log in with a password: a secret for codes by time, and recovery codes.

Which code a secret gives at which time is decided elsewhere. Here is stored which were accepted, so that each
counts once, also for two who show it at the same moment.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from storage.people.people import person_called
from storage.people.sessions import end_sessions_of
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

MOST_WRONG_CODES: Final = 100
"""Wrong codes in a row, after each of which the codes of the app are no longer accepted.

Each came after the right password, so somebody else knows that. Slowed guessing alone would try a thousand
codes a day, and find one within months (NIST SP 800-63B, 3.2.2, limits consecutive failures to 100).
"""


async def secret_of(conn: Conn, person_id: int) -> str | None:
    """The secret whose codes a login asks for; None means that it asks for none. Stays so until the
    transaction ends.
    """
    return await conn.fetchval("select secret from second_factor where person_id = $1 for update", person_id)


async def add_second_factor(
    conn: Conn,
    person_id: int,
    login: str,
    secret: str,
    step: int,
    recovery_codes: Sequence[bytes],
    now: datetime,
    stays: int | None = None,
) -> None:
    """Ask for a code from now on. `step` is the time step of the first code, `recovery_codes` are hashes.

    Ends the sessions of the person, which were begun without it, except the one that stays. Raises Refused if
    the person has a second factor already.
    """
    # A login that is under way holds the person, and begins its session before or learns of the factor.
    await conn.execute("select from person where person_id = $1 for no key update", person_id)
    added = await conn.fetchval(
        """
        insert into second_factor (person_id, secret, last_step, set_up_at) values ($1, $2, $3, $4)
        on conflict (person_id) do nothing returning true
        """,
        person_id,
        secret,
        step,
        now,
    )
    if added is None:
        raise Refused("Your second factor is already set up. Turn it off first.")
    await conn.executemany(
        "insert into recovery_code (person_id, digest) values ($1, $2)",
        [(person_id, digest) for digest in recovery_codes],
    )
    await end_sessions_of(conn, person_id, now, stays)
    await log(conn, now, login, "second factor set up", login)


async def use_step(conn: Conn, person_id: int, step: int) -> bool:
    """Accept the code of a time step; False when it, or that of a later step, was accepted before, and after
    too many wrong codes.
    """
    used = await conn.fetchval(
        """
        update second_factor set last_step = $2, wrong_codes = 0
        where person_id = $1 and last_step < $2 and wrong_codes < $3 returning true
        """,
        person_id,
        step,
        MOST_WRONG_CODES,
    )
    return used is not None


async def count_wrong_code(conn: Conn, person_id: int, login: str, now: datetime) -> None:
    """Count a code that was not accepted after a right password. The audit log has when codes are locked."""
    wrong = await conn.fetchval(
        "update second_factor set wrong_codes = wrong_codes + 1 where person_id = $1 returning wrong_codes",
        person_id,
    )
    if wrong == MOST_WRONG_CODES:
        await log(conn, now, "nobody", "second factor locked", login, {"wrong codes": wrong})


async def are_codes_locked(conn: Conn, person_id: int) -> bool:
    """Whether the codes of the app are no longer accepted, because too many were wrong."""
    wrong = await conn.fetchval("select wrong_codes from second_factor where person_id = $1", person_id)
    return (wrong or 0) >= MOST_WRONG_CODES


async def use_recovery_code(conn: Conn, person_id: int, login: str, digest: bytes, now: datetime) -> bool:
    """Accept a recovery code, by its hash; False when there is none such that was not used."""
    used = await conn.fetchval(
        """
        update recovery_code set used_at = $3 where person_id = $1 and digest = $2 and used_at is null
        returning true
        """,
        person_id,
        digest,
        now,
    )
    if used is None:
        return False
    await conn.execute("update second_factor set wrong_codes = 0 where person_id = $1", person_id)
    left = await recovery_codes_left(conn, person_id)
    await log(conn, now, login, "recovery code used", login, {"left": left})
    return True


async def recovery_codes_left(conn: Conn, person_id: int) -> int:
    """How many recovery codes of a person were not used."""
    return await conn.fetchval(
        "select count(*) from recovery_code where person_id = $1 and used_at is null", person_id
    )


async def remove_second_factor(conn: Conn, person_id: int, login: str, now: datetime) -> None:
    """Remove the person's own second factor."""
    await conn.execute("delete from second_factor where person_id = $1", person_id)
    await log(conn, now, login, "second factor removed", login)


async def reset_second_factor(conn: Conn, login: str, actor: str, now: datetime) -> bool:
    """Remove the second factor of a person, by somebody else. Return False if the person has none.

    Ends the sessions of that person. Raises Refused when nobody has that name.
    """
    person = await person_called(conn, login)
    removed = await conn.fetchval(
        "delete from second_factor where person_id = $1 returning true",
        person.person_id,
    )
    if removed is None:
        return False
    await end_sessions_of(conn, person.person_id, now)
    await log(conn, now, actor, "second factor reset", person.login)
    return True
