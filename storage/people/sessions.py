"""Which browsers people are logged in from. Of what a browser shows only a hash is kept.

When a session ends, every web process is notified, so that its open websockets are closed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.people import Actor, Role
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

LASTS = timedelta(days=30)
"""A session, however busy it is."""
IDLE = timedelta(hours=12)
"""Without a request it ends sooner. An open page asks for itself."""
KEPT = timedelta(days=30)
"""After its end."""
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session was last used."""

CHANNEL = "blockline"
"""The channel of all news: its payload is the id of an event, or this."""
_ENDED = "ended "


@dataclass(frozen=True, slots=True)
class WebSession:
    session_id: int
    address: str
    """From where it was begun."""
    browser: str
    """As the browser calls itself."""
    created_at: datetime
    seen_at: datetime


def key_of(session_id: int) -> str:
    """What websockets know a session by. It lets nobody in."""
    return f"session {session_id}"


async def begin_session(
    conn: Conn, person_id: int, digest: bytes, address: str, browser: str, now: datetime
) -> int:
    """Keep that a person logged in, with an entry in the log; returns the number of the session."""
    session_id = await conn.fetchval(
        """
        insert into web_session (person_id, digest, address, browser, created_at, seen_at, expires_at)
        values ($1, $2, $3, $4, $5, $5, $6)
        returning web_session_id
        """,
        person_id,
        digest,
        address,
        browser,
        now,
        now + LASTS,
    )
    login = await conn.fetchval("select login from person where person_id = $1", person_id)
    await log(conn, now, login, "logged in", login, {"session": session_id})
    # From where people logged in is kept no longer than somebody may want to know.
    await conn.execute("delete from web_session where coalesce(ended_at, expires_at) < $1", now - KEPT)
    return session_id


async def actor_with_session(conn: Conn, digest: bytes, now: datetime) -> Actor | None:
    """Who shows this hash, and that he was seen; None when the session is over or was none."""
    row = await conn.fetchrow(
        """
        select s.web_session_id, s.seen_at, p.person_id, p.login, p.role
        from web_session s join person p using (person_id)
        where s.digest = $1 and s.ended_at is null and s.expires_at > $2 and s.seen_at > $3
            and p.disabled_at is null
        """,
        digest,
        now,
        now - IDLE,
    )
    if row is None:
        return None
    if row["seen_at"] < now - SEEN_EVERY:
        await conn.execute(
            "update web_session set seen_at = $2 where web_session_id = $1", row["web_session_id"], now
        )
    return Actor(row["login"], Role(row["role"]), row["person_id"], row["web_session_id"])


async def open_sessions(conn: Conn, person_id: int, now: datetime) -> list[WebSession]:
    """Those of a person that are not over, the last used first."""
    rows = await conn.fetch(
        """
        select web_session_id, address, browser, created_at, seen_at from web_session
        where person_id = $1 and ended_at is null and expires_at > $2 and seen_at > $3
        order by seen_at desc, web_session_id desc
        """,
        person_id,
        now,
        now - IDLE,
    )
    return [
        WebSession(r["web_session_id"], r["address"], r["browser"], r["created_at"], r["seen_at"])
        for r in rows
    ]


async def end_session(conn: Conn, session_id: int, person_id: int, actor: str, now: datetime) -> None:
    """End one of a person's sessions, with its websockets. Raises Refused when that person has none such."""
    ended = await conn.fetchval(
        """
        update web_session set ended_at = $3
        where web_session_id = $1 and person_id = $2 and ended_at is null
        returning web_session_id
        """,
        session_id,
        person_id,
        now,
    )
    if ended is None:
        raise Refused("This session has already ended.")
    await announce_ended(conn, key_of(session_id))
    await log(conn, now, actor, "logged out", actor, {"session": session_id})


async def end_sessions_of(conn: Conn, person_id: int, now: datetime, stays: int | None = None) -> None:
    """End all sessions of a person with their websockets, but for the one that stays."""
    rows = await conn.fetch(
        """
        update web_session set ended_at = $2
        where person_id = $1 and ended_at is null and web_session_id is distinct from $3
        returning web_session_id
        """,
        person_id,
        now,
        stays,
    )
    for row in rows:
        await announce_ended(conn, key_of(row["web_session_id"]))


async def sessions_over(conn: Conn, keys: Collection[str], now: datetime) -> list[str]:
    """Which of these (as `key_of` names them) are over, or unknown. An open websocket counts as use."""
    ids = [int(key.removeprefix("session ")) for key in keys if key.startswith("session ")]
    alive = await conn.fetch(
        """
        update web_session s set seen_at = greatest(seen_at, $2)
        from person p
        where s.web_session_id = any($1) and s.ended_at is null and s.expires_at > $2
            and p.person_id = s.person_id and p.disabled_at is null
        returning s.web_session_id
        """,
        ids,
        now,
    )
    return sorted(set(keys) - {key_of(r["web_session_id"]) for r in alive})


async def last_seen(conn: Conn) -> dict[int, datetime]:
    """By person, when somebody was last seen in a session. Who was not for so long as `KEPT` is not in it."""
    rows = await conn.fetch("select person_id, max(seen_at) as at from web_session group by 1")
    return {r["person_id"]: r["at"] for r in rows}


async def announce_ended(conn: Conn, session: str) -> None:
    """Have the websockets of `session` closed when this transaction commits.

    `session` is what the login keeps under `dashboard.asgi.websockets.SESSION`; as everybody on the
    database may hear it, it must not be what lets its owner in.
    """
    await conn.execute("select pg_notify($1, $2 || $3)", CHANNEL, _ENDED, session)


def ended_session(payload: str) -> str | None:
    """The session that a payload of the channel is about; None when it is about an event."""
    return payload.removeprefix(_ENDED) if payload.startswith(_ENDED) else None
