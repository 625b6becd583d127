"""The second factor of people who log in with a password: a secret for codes by time, and recovery codes.

Which code a secret gives at which time is decided elsewhere. Here is stored which were accepted, so that each
counts once, also for two who show it at the same moment.
"""

from collections.abc import Sequence
from datetime import datetime

from storage.people.people import person_called
from storage.people.sessions import end_sessions_of
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused


async def begin_second_factor(conn: Conn, person_id: int, secret: str, now: datetime) -> None:
    """Store a secret that has not been confirmed yet, in place of one that never was.

    Raises Refused for a person whose second factor is set up.
    """
    stored = await conn.fetchval(
        """
        insert into second_factor as f (person_id, secret, begun_at) values ($1, $2, $3)
        on conflict (person_id) do update set secret = $2, begun_at = $3 where f.confirmed_at is null
        returning person_id
        """,
        person_id,
        secret,
        now,
    )
    if stored is None:
        raise Refused("Your second factor is already set up. Turn it off first.")


async def unconfirmed_secret(conn: Conn, person_id: int) -> str | None:
    """The secret that waits for its first code. None: nothing was begun, or it is confirmed."""
    return await conn.fetchval(
        "select secret from second_factor where person_id = $1 and confirmed_at is null for update", person_id
    )


async def confirmed_secret(conn: Conn, person_id: int) -> str | None:
    """The secret whose codes a login asks for. None: it asks for none."""
    return await conn.fetchval(
        "select secret from second_factor where person_id = $1 and confirmed_at is not null", person_id
    )


async def confirm_second_factor(
    conn: Conn,
    person_id: int,
    login: str,
    step: int,
    recovery_codes: Sequence[bytes],
    now: datetime,
    stays: int | None = None,
) -> None:
    """Ask for a code from now on. `step` is the time step of the first code, `recovery_codes` are hashes.

    Ends the sessions of the person, which were begun without it, but for the one that stays.
    """
    await conn.execute(
        "update second_factor set confirmed_at = $2, last_step = $3 where person_id = $1",
        person_id,
        now,
        step,
    )
    await conn.executemany(
        "insert into recovery_code (person_id, digest) values ($1, $2)",
        [(person_id, digest) for digest in recovery_codes],
    )
    await end_sessions_of(conn, person_id, now, stays)
    await log(conn, now, login, "second factor set up", login)


async def use_step(conn: Conn, person_id: int, step: int) -> bool:
    """Accept the code of a time step; False when it, or that of a later step, was accepted before."""
    used = await conn.fetchval(
        "update second_factor set last_step = $2 where person_id = $1 and last_step < $2 returning true",
        person_id,
        step,
    )
    return used is not None


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
    left = await recovery_codes_left(conn, person_id)
    await log(conn, now, login, "recovery code used", login, {"left": left})
    return True


async def recovery_codes_left(conn: Conn, person_id: int) -> int:
    """How many recovery codes of a person were not used."""
    return await conn.fetchval(
        "select count(*) from recovery_code where person_id = $1 and used_at is null", person_id
    )


async def remove_second_factor(conn: Conn, person_id: int, login: str, now: datetime) -> None:
    """Ask for no code any more, as the person wishes, who showed one."""
    await conn.execute("delete from second_factor where person_id = $1", person_id)
    await log(conn, now, login, "second factor removed", login)


async def reset_second_factor(conn: Conn, login: str, actor: str, now: datetime) -> bool:
    """Ask a person for no code any more, as somebody else wishes; False when it was not asked for before.

    Ends the sessions of that person. Raises Refused when nobody has that name.
    """
    person = await person_called(conn, login)
    removed = await conn.fetchval(
        "delete from second_factor where person_id = $1 and confirmed_at is not null returning true",
        person.person_id,
    )
    if removed is None:
        return False
    await end_sessions_of(conn, person.person_id, now)
    await log(conn, now, actor, "second factor reset", person.login)
    return True
