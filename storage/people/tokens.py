"""Tokens that programs show instead of logging in. Only a hash of each is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.people import Actor, Role, Scope
from storage.model.text.states import clean
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

LONGEST = 80
"""Characters of a name."""
MOST = 50
"""Of one person that work."""
USED_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a token was last used."""


@dataclass(frozen=True, slots=True)
class Token:
    token_id: int
    person_id: int
    login: str
    """Whose it is: it reaches no further than that person does."""
    name: str
    """What it is for, as its person says."""
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    """None: never."""
    used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


async def add_token(
    conn: Conn,
    person_id: int,
    digest: bytes,
    name: str,
    scope: Scope,
    expires_at: datetime | None,
    actor: str,
    now: datetime,
) -> int:
    """Keep a token; returns its number. Raises Refused without a name, and when there are too many."""
    name = " ".join(name.split())
    if not name:
        raise Refused("Give the token a name that says what it is for.")
    if expires_at is not None and expires_at <= now:
        raise Refused("The token would already be expired. Give a later end.")
    login = await conn.fetchval("select login from person where person_id = $1 for update", person_id)
    working = await conn.fetchval(
        """
        select count(*) from api_token
        where person_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)
        """,
        person_id,
        now,
    )
    if working >= MOST:
        raise Refused(f"{login} already has {MOST} tokens. Revoke one first.")
    token_id = await conn.fetchval(
        """
        insert into api_token (person_id, digest, name, scope, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        returning api_token_id
        """,
        person_id,
        digest,
        clean(name, LONGEST),
        scope.value,
        now,
        expires_at,
    )
    detail = {
        "name": clean(name, LONGEST),
        "scope": scope.value,
        "expires_at": expires_at and expires_at.isoformat(),
    }
    await log(conn, now, actor, "token made", f"token {token_id} of {login}", detail)
    return token_id


async def tokens(conn: Conn, person_id: int | None = None) -> list[Token]:
    """Those of a person, or all; the newest first, those that do not work any more included."""
    rows = await conn.fetch(
        """
        select t.api_token_id, t.person_id, p.login, t.name, t.scope, t.created_at, t.expires_at, t.used_at,
            t.revoked_at, t.revoked_by
        from api_token t join person p using (person_id)
        where $1::bigint is null or t.person_id = $1
        order by t.api_token_id desc
        """,
        person_id,
    )
    return [
        Token(
            r["api_token_id"],
            r["person_id"],
            r["login"],
            r["name"],
            Scope(r["scope"]),
            r["created_at"],
            r["expires_at"],
            r["used_at"],
            r["revoked_at"],
            r["revoked_by"],
        )
        for r in rows
    ]


async def revoke_token(conn: Conn, token_id: int, person_id: int | None, actor: str, now: datetime) -> None:
    """Let nobody in with it any more. With `person_id`, only one of that person.

    Raises Refused when there is none such that works.
    """
    login = await conn.fetchval(
        """
        update api_token t set revoked_at = $3, revoked_by = $4
        from person p
        where t.api_token_id = $1 and p.person_id = t.person_id and ($2::bigint is null or t.person_id = $2)
            and t.revoked_at is null
        returning p.login
        """,
        token_id,
        person_id,
        now,
        actor,
    )
    if login is None:
        raise Refused(f"There is no active token {token_id}.")
    await log(conn, now, actor, "token revoked", f"token {token_id} of {login}")


async def actor_with_token(conn: Conn, digest: bytes, now: datetime) -> Actor | None:
    """Who shows this hash, and that it was used; None when the token does not work, or was none."""
    row = await conn.fetchrow(
        """
        select t.api_token_id, t.name, t.scope, t.used_at, p.person_id, p.login, p.role
        from api_token t join person p using (person_id)
        where t.digest = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2)
            and p.disabled_at is null
        """,
        digest,
        now,
    )
    if row is None:
        return None
    if row["used_at"] is None or row["used_at"] < now - USED_EVERY:
        await conn.execute(
            "update api_token set used_at = $2 where api_token_id = $1", row["api_token_id"], now
        )
    scope, role = Scope(row["scope"]), Role(row["role"])
    lesser = role if scope.role.includes(role) else scope.role
    return Actor(f"{row['login']} (token {row['name']})", lesser, row["person_id"], scope=scope)
