"""People who may log in: what they may do, and what lets them in. Every edit is in the audit log."""

import re
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.core.people import Role
from storage.model.text.states import clean
from storage.people.sessions import end_sessions_of
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

LONGEST = 100
"""Characters of a name."""
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}", re.ASCII | re.IGNORECASE)
_RESERVED = frozenset({"dashboard", "settings", "nobody", "provider"})
"""Who acts in the audit log without being a person; the others have a space in their names."""


@dataclass(frozen=True, slots=True)
class Person:
    person_id: int
    login: str
    """Unique whatever its letters' case, and never given to somebody else."""
    display_name: str
    role: Role
    has_password: bool
    oidc_issuer: str | None
    """The provider that knows this person; None: nobody but us."""
    created_at: datetime
    disabled_at: datetime | None
    second_factor_since: datetime | None
    """Since when a login by password also asks for a code. None: it does not."""


async def add_person(
    conn: Conn,
    login: str,
    display_name: str,
    role: Role,
    password_hash: str | None,
    actor: str,
    now: datetime,
) -> int:
    """Put a person on file; returns the number. Raises Refused for a name that cannot be used or is taken."""
    person_id = await _insert(conn, login, display_name, role, password_hash, None, now)
    await log(conn, now, actor, "person added", login, {"role": role.value})
    return person_id


async def add_from_provider(
    conn: Conn, login: str, display_name: str, role: Role, issuer: str, subject: str, now: datetime
) -> int:
    """The same for whom a provider vouches for: it is the provider that acts."""
    person_id = await _insert(conn, login, display_name, role, None, (issuer, subject), now)
    await log(conn, now, "provider", "person added", login, {"role": role.value, "issuer": issuer})
    return person_id


async def people(conn: Conn) -> list[Person]:
    """All on file, by name, those who may not log in any more included."""
    rows = await conn.fetch(
        """
        select p.*, f.set_up_at as second_factor_since
        from person p left join second_factor f using (person_id)
        order by lower(p.login)
        """
    )
    return [_person(r) for r in rows]


async def person_called(conn: Conn, login: str) -> Person:
    """Raises Refused when there is nobody of that name."""
    row = None
    if _LOGIN.fullmatch(login):
        row = await conn.fetchrow(
            """
            select p.*, f.set_up_at as second_factor_since
            from person p left join second_factor f using (person_id)
            where lower(p.login) = lower($1)
            """,
            login,
        )
    if row is None:
        raise Refused(f"There is no user called {clean(login, LONGEST)!r}.")
    return _person(row)


async def person_of_provider(conn: Conn, issuer: str, subject: str) -> Person | None:
    """Whom a provider means; None when that one never was here."""
    if "\0" in subject:
        return None
    row = await conn.fetchrow(
        """
        select p.*, f.set_up_at as second_factor_since
        from person p left join second_factor f using (person_id)
        where p.oidc_issuer = $1 and p.oidc_subject = $2
        """,
        issuer,
        subject,
    )
    return None if row is None else _person(row)


async def password_of(conn: Conn, login: str) -> tuple[int, str] | None:
    """Number and hash of whoever may log in with a password under this name. Stays so until the transaction
    ends.
    """
    if not _LOGIN.fullmatch(login):
        return None
    row = await conn.fetchrow(
        """
        select person_id, password_hash from person
        where lower(login) = lower($1) and disabled_at is null and password_hash is not null
        for share
        """,
        login,
    )
    return None if row is None else (row["person_id"], row["password_hash"])


async def admins(conn: Conn) -> int:
    """How many may log in and say who may do what."""
    return await conn.fetchval("select count(*) from person where role = 'admin' and disabled_at is null")


async def set_role(conn: Conn, login: str, role: Role, actor: str, now: datetime) -> None:
    """What somebody may do from now on. Ends the sessions of that person, whose pages show what was allowed.

    Raises Refused when nobody has that name, and for the last admin.
    """
    person = await _locked(conn, login)
    if person.role is role:
        return
    await conn.execute("update person set role = $2 where person_id = $1", person.person_id, role.value)
    await _refuse_without_admin(conn, person)
    await end_sessions_of(conn, person.person_id, now)
    await log(
        conn, now, actor, "role changed", person.login, {"before": person.role.value, "role": role.value}
    )


async def set_password(
    conn: Conn, login: str, password_hash: str, actor: str, now: datetime, stays: int | None = None
) -> None:
    """Let somebody in with another password. Ends the sessions of that person, but for the one that stays."""
    person = await _locked(conn, login)
    await conn.execute(
        "update person set password_hash = $2 where person_id = $1", person.person_id, password_hash
    )
    # Whoever tried codes knew the old password.
    await conn.execute("update second_factor set wrong_codes = 0 where person_id = $1", person.person_id)
    await end_sessions_of(conn, person.person_id, now, stays)
    await log(conn, now, actor, "password set", person.login)


async def set_display_name(conn: Conn, person_id: int, display_name: str) -> None:
    """As a provider calls a person now. Of no weight, so that no log tells it."""
    name = _display_name(display_name)
    await conn.execute(
        "update person set display_name = $2 where person_id = $1 and display_name <> $2", person_id, name
    )


async def disable(conn: Conn, login: str, actor: str, now: datetime) -> None:
    """Let somebody in no more, and end the sessions and tokens of that person. Raises Refused for the last
    admin.
    """
    person = await _locked(conn, login)
    if person.disabled_at is not None:
        return
    await conn.execute("update person set disabled_at = $2 where person_id = $1", person.person_id, now)
    await _refuse_without_admin(conn, person)
    await end_sessions_of(conn, person.person_id, now)
    await log(conn, now, actor, "person disabled", person.login)


async def enable(conn: Conn, login: str, actor: str, now: datetime) -> None:
    """Let somebody in again, with the password and the tokens of before."""
    person = await _locked(conn, login)
    if person.disabled_at is None:
        return
    await conn.execute("update person set disabled_at = null where person_id = $1", person.person_id)
    await log(conn, now, actor, "person enabled", person.login)


async def rehash(conn: Conn, person_id: int, before: str, after: str) -> None:
    """Keep the same password in the form of today, unless it was changed meanwhile."""
    await conn.execute(
        "update person set password_hash = $3 where person_id = $1 and password_hash = $2",
        person_id,
        before,
        after,
    )


async def _insert(
    conn: Conn,
    login: str,
    display_name: str,
    role: Role,
    password_hash: str | None,
    provider: tuple[str, str] | None,
    now: datetime,
) -> int:
    if not is_login(login):
        raise Refused(
            f"{clean(login, LONGEST)!r} cannot be a login name. Use at most {LONGEST} characters of a-z, 0-9 "
            "and ._@+-, beginning with a letter or digit, and not a name that the audit log reserves."
        )
    issuer, subject = provider or (None, None)
    person_id = await conn.fetchval(
        """
        insert into person (login, display_name, role, password_hash, oidc_issuer, oidc_subject, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (lower(login)) do nothing
        returning person_id
        """,
        login,
        _display_name(display_name) or login,
        role.value,
        password_hash,
        issuer,
        subject,
        now,
    )
    if person_id is None:
        raise Refused(f"There is already a user called {login!r}.")
    return person_id


def is_login(name: str) -> bool:
    """Whether somebody may be called so."""
    return _LOGIN.fullmatch(name) is not None and name.lower() not in _RESERVED


def _display_name(name: str) -> str:
    name = " ".join(name.split())
    return clean(name, LONGEST) if name else ""


async def _locked(conn: Conn, login: str) -> Person:
    """The person, when nobody else is at work on people: two admins must not remove each other."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('blockline people', 0))")
    return await person_called(conn, login)


async def _refuse_without_admin(conn: Conn, changed: Person) -> None:
    if changed.role is Role.ADMIN and changed.disabled_at is None and not await admins(conn):
        raise Refused(f"{changed.login} is the last admin. Make another user an admin first.")


def _person(r: Record) -> Person:
    return Person(
        person_id=r["person_id"],
        login=r["login"],
        display_name=r["display_name"],
        role=Role(r["role"]),
        has_password=r["password_hash"] is not None,
        oidc_issuer=r["oidc_issuer"],
        created_at=r["created_at"],
        disabled_at=r["disabled_at"],
        second_factor_since=r["second_factor_since"],
    )
