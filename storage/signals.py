"""Engagement of executives, stored once each together with the cursor that says how far we have read."""

from collections.abc import Sequence
from datetime import datetime

from storage.accounts import announce_watch
from storage.db import Conn, StaleState
from storage.model.accounts import Account, AccountId, Executive, Platform
from storage.model.signals import Signal


async def add_executive(
    conn: Conn, platform: Platform, native_id: str, handle: str, name: str, title: str, now: datetime
) -> bool:
    """Collect somebody's engagement. False when they are known already (name and title are updated)."""
    account_id = await conn.fetchval(
        """
        insert into account (platform, native_id, handle, watched, added_at) values ($1, $2, $3, false, $4)
        on conflict (platform, native_id) do update set native_id = excluded.native_id
        returning account_id
        """,
        platform.value,
        native_id,
        handle,
        now,
    )
    is_new = await conn.fetchval(
        """
        insert into executive (account_id, name, title) values ($1, $2, $3)
        on conflict (account_id) do update set name = excluded.name, title = excluded.title
        returning xmax = 0
        """,
        account_id,
        name,
        title,
    )
    await announce_watch(conn)
    return is_new


async def executives(conn: Conn, platform: Platform) -> list[Executive]:
    rows = await conn.fetch(
        """
        select a.account_id, a.native_id, a.handle, e.name, e.title, e.cursor, e.last_polled_at
        from executive e join account a using (account_id) where a.platform = $1 order by a.account_id
        """,
        platform.value,
    )
    return [
        Executive(
            Account(AccountId(r["account_id"]), platform, r["native_id"], r["handle"]),
            r["name"],
            r["title"],
            r["cursor"],
            r["last_polled_at"],
        )
        for r in rows
    ]


async def record_signals(
    conn: Conn, executive: Executive, signals: Sequence[Signal], cursor: str | None, now: datetime
) -> int:
    """Store acts and the cursor inside the caller's transaction; returns how many acts were new.

    Raises `StaleState` when another writer moved the cursor first.
    """
    moved = await conn.fetchval(
        """
        update executive set cursor = $3, last_polled_at = $4
        where account_id = $1 and cursor is not distinct from $2
        returning true
        """,
        executive.account.account_id,
        executive.cursor,
        cursor,
        now,
    )
    if not moved:
        raise StaleState(f"Another writer has read the engagement of {executive.name} meanwhile.")
    return await add_signals(conn, executive.account.account_id, signals, now)


async def add_signals(conn: Conn, account_id: AccountId, signals: Sequence[Signal], now: datetime) -> int:
    """Store acts of an executive that were seen at `now`; returns how many were new."""
    rows = await conn.fetch(
        """
        insert into signal (account_id, kind, native_id, made_at, first_seen_at, target_id, target_author_id)
        select $1, kind, native_id, made_at, $2, target_id, target_author_id
        from unnest($3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[])
            as u (kind, native_id, made_at, target_id, target_author_id)
        on conflict (account_id, kind, native_id) do nothing
        returning signal_id
        """,
        account_id,
        now,
        [s.kind.value for s in signals],
        [s.native_id for s in signals],
        [s.made_at for s in signals],
        [s.target_id for s in signals],
        [s.target_author_id for s in signals],
    )
    return len(rows)
