"""Handles as a platform's own public record has them (Bluesky: the audit log of PLC), with its dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Account, AccountId, Platform
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class HandleEntry:
    """The account took this handle at `since`, says `source`, and kept it until the next row of it."""

    handle: str
    since: datetime
    """The date in the record, not a time of observation."""
    source: str
    first_seen_at: datetime
    """When Blockline first read it there."""


async def record_handles(
    conn: Conn, account_id: int, handles: Sequence[tuple[str, datetime]], source: str, now: datetime
) -> int:
    """Take over (handle, since) of a record; returns how many were new. What is there already stays."""
    rows = await conn.fetch(
        """
        insert into handle_record (account_id, source, since, handle, first_seen_at)
        select $1, $2, since, handle, $3 from unnest($4::text[], $5::timestamptz[]) as u (handle, since)
        on conflict (account_id, source, since) do nothing
        returning 1
        """,
        account_id,
        source,
        now,
        [handle for handle, _ in handles],
        [since for _, since in handles],
    )
    return len(rows)


async def handles_of(conn: Conn, account_id: int) -> list[HandleEntry]:
    """All handles of an account in the records that were read, newest first."""
    rows = await conn.fetch(
        """
        select handle, since, source, first_seen_at from handle_record
        where account_id = $1 order by since desc, source
        """,
        account_id,
    )
    return [HandleEntry(r["handle"], r["since"], r["source"], r["first_seen_at"]) for r in rows]


async def wanting(conn: Conn, platform: Platform, limit: int) -> list[Account]:
    """Watched accounts whose handles were never looked up, or that answered under a new one since."""
    rows = await conn.fetch(
        """
        select a.account_id, a.native_id, a.handle from account a
        left join lateral (
            select max(h.first_seen_at) as at from handle_record h where h.account_id = a.account_id
        ) looked on true
        where a.platform = $1 and a.watched and (
            looked.at is null
            or exists (select from rename r where r.account_id = a.account_id and r.recorded_at > looked.at)
        )
        order by a.account_id limit $2
        """,
        platform.value,
        limit,
    )
    return [Account(AccountId(r["account_id"]), platform, r["native_id"], r["handle"]) for r in rows]
