"""Answers to writes over the API, kept for a day by the Idempotency-Key of the request."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage.postgres.pool import Conn

KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A key is one program's own, and belongs to one address."""

    actor: str
    address: str
    key: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first request with a key, and its answer."""

    digest: bytes
    """SHA-256 of the request's query and body."""
    status: int | None
    """None: the first request is not answered yet, or its process ended before it was."""
    media_type: str
    body: bytes


async def begin_request(conn: Conn, key: RequestKey, digest: bytes, now: datetime) -> KeptAnswer | None:
    """Claim a key for a request; return what is kept of an earlier one with it. None: it is the first.

    Keys that are older than a day are removed.
    """
    await remove_old_answers(conn, now)
    is_first = await conn.fetchval(
        """
        insert into api_answer (actor, address, key, digest, at) values ($1, $2, $3, $4, $5)
        on conflict (actor, address, key) do nothing returning true
        """,
        key.actor,
        key.address,
        key.key,
        digest,
        now,
    )
    if is_first:
        return None
    row = await conn.fetchrow(
        """
        select digest, status, media_type, body from api_answer
        where actor = $1 and address = $2 and key = $3
        """,
        key.actor,
        key.address,
        key.key,
    )
    return None if row is None else KeptAnswer(row["digest"], row["status"], row["media_type"], row["body"])


async def remove_old_answers(conn: Conn, now: datetime) -> None:
    """Remove the answers that are older than a day: they name accounts."""
    await conn.execute("delete from api_answer where at < $1", now - KEPT)


async def empty_answers(conn: Conn, names: Collection[str]) -> None:
    """Empty the kept answers that have one of these names. Their requests are still not done twice."""
    await conn.execute(
        """
        update api_answer set body = '', media_type = ''
        where exists (
            select from unnest($1::text[]) as u (name)
            where strpos(lower(convert_from(body, 'UTF8')), lower(name)) > 0
        )
        """,
        list(names),
    )


async def keep_answer(conn: Conn, key: RequestKey, status: int, media_type: str, body: bytes) -> None:
    """Keep the answer to the request that claimed the key."""
    await conn.execute(
        """
        update api_answer set status = $4, media_type = $5, body = $6
        where actor = $1 and address = $2 and key = $3
        """,
        key.actor,
        key.address,
        key.key,
        status,
        media_type,
        body,
    )


async def release_key(conn: Conn, key: RequestKey) -> None:
    """Give a key back, because its request wrote nothing."""
    await conn.execute(
        "delete from api_answer where actor = $1 and address = $2 and key = $3",
        key.actor,
        key.address,
        key.key,
    )
