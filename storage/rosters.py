"""Rosters: immutable sets of accounts asked together, deduplicated by content."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from storage.db import Conn
from storage.model.accounts import AccountId, Platform
from storage.model.coverage import Roster


def content_hash(account_ids: Sequence[AccountId], canary_ids: Sequence[AccountId], *, base: bool) -> bytes:
    """The identity of a roster: the same accounts in the same order, for the same purpose, are one roster."""
    text = f"{','.join(map(str, account_ids))}|{','.join(map(str, canary_ids))}|{'base' if base else 'adhoc'}"
    return hashlib.sha256(text.encode()).digest()


async def get_or_make(
    conn: Conn,
    platform: Platform,
    account_ids: Sequence[AccountId],
    canary_ids: Sequence[AccountId],
    now: datetime,
    *,
    base: bool,
) -> Roster:
    """The roster with this content, made when there is none yet."""
    roster_id = await conn.fetchval(
        """
        with made as (
            insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (content_hash) do update set retired_at = null
                where roster.retired_at is not null
            returning roster_id
        )
        select roster_id from made union all select roster_id from roster where content_hash = $2 limit 1
        """,
        platform.value,
        content_hash(account_ids, canary_ids, base=base),
        list(account_ids),
        list(canary_ids),
        base,
        now,
    )
    return Roster(roster_id, platform, tuple(account_ids), tuple(canary_ids))


async def base_rosters(conn: Conn, platform: Platform) -> list[Roster]:
    """The rosters of the regular sweep, oldest first."""
    rows = await conn.fetch(
        """
        select roster_id, account_ids, canary_ids from roster
        where platform = $1 and base and retired_at is null order by roster_id
        """,
        platform.value,
    )
    return [
        Roster(
            r["roster_id"],
            platform,
            tuple(AccountId(i) for i in r["account_ids"]),
            tuple(AccountId(i) for i in r["canary_ids"]),
        )
        for r in rows
    ]


async def retire(conn: Conn, roster_ids: Sequence[int], now: datetime) -> None:
    """Take rosters out of the regular sweep. Their coverage stays."""
    await conn.execute(
        "update roster set retired_at = $2 where roster_id = any($1::int[]) and retired_at is null",
        list(roster_ids),
        now,
    )
