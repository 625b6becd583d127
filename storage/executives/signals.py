"""Engagement of executives, stored once each together with the cursor that says how far we have read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.accounts.accounts import announce_watch
from storage.model.core.accounts import Account, AccountId, Executive, Platform
from storage.model.core.signals import Counters, Signal
from storage.model.platforms.registry import DECLARED
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, StaleState
from storage.postgres.recording_order import moment


async def add_executive(
    conn: Conn,
    platform: Platform,
    native_id: str,
    handle: str,
    name: str,
    title: str,
    now: datetime,
    actor: str = "command line",
) -> bool:
    """Collect somebody's engagement. False when they are known already (name and title are updated).

    The audit log has it, unless they had this name and title already.
    """
    await conn.execute(
        "select from account where platform = $1 and native_id = $2 for no key update",
        platform.value,
        native_id,
    )
    now = await moment(conn, lambda: now)
    account_id = await conn.fetchval(
        """
        insert into account (platform, native_id, handle, is_post, watched, added_at)
        values ($1, $2, $3, $4, false, $5)
        on conflict (platform, native_id) do update set native_id = excluded.native_id
        returning account_id
        """,
        platform.value,
        native_id,
        handle,
        DECLARED[platform].is_post(native_id),
        now,
    )
    before = await conn.fetchrow("select name, title from executive where account_id = $1", account_id)
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
    if before is None or (before["name"], before["title"]) != (name, title):
        # The number and no name: the log keeps its entries after a purge of the account.
        action = "executive added" if before is None else "executive changed"
        await log(conn, now, actor, action, f"account {account_id}")
    await announce_watch(conn, ())
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
        raise StaleState(f"Another process has read the engagement of {executive.name} in the meantime.")
    return await add_signals(conn, executive.account.account_id, signals, now)


async def add_signals(
    conn: Conn, account_id: AccountId, signals: Sequence[Signal], now: datetime, source: str = ""
) -> int:
    """Store acts of an executive, seen at `now` where they do not say when; returns how many were new.

    `source` is empty for what our own collectors saw.
    """
    if not signals:
        return 0
    recorded_at = await moment(conn, lambda: now)
    rows = await conn.fetch(
        """
        insert into signal (
            account_id, kind, native_id, made_at, first_seen_at, made_after, target_id, target_author_id,
            doubts, source, recorded_at
        )
        select $1, kind, native_id, made_at, coalesce(seen_at, $2), made_after, target_id, target_author_id,
            string_to_array(doubts, ','), $11, $12
        from unnest(
            $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::text[],
            $9::text[], $10::text[]
        ) as u (kind, native_id, made_at, seen_at, made_after, target_id, target_author_id, doubts)
        on conflict (account_id, kind, native_id) do nothing
        returning signal_id, kind, native_id
        """,
        account_id,
        now,
        [s.kind.value for s in signals],
        [s.native_id for s in signals],
        [s.made_at for s in signals],
        [s.first_seen_at for s in signals],
        [s.made_after for s in signals],
        [s.target_id for s in signals],
        [s.target_author_id for s in signals],
        [",".join(s.doubts) for s in signals],
        source,
        recorded_at,
    )
    said = {(s.kind.value, s.native_id): s.words for s in signals if s.words}
    if said:
        await _add_words(conn, {r["signal_id"]: said.get((r["kind"], r["native_id"])) for r in rows})
    return len(rows)


async def _add_words(conn: Conn, said: Mapping[int, frozenset[str] | None]) -> None:
    """Store those words of acts that are keywords of an order; all others are forgotten here."""
    wanted = {r["word"] for r in await conn.fetch("select distinct word from order_keyword")}
    found = [(signal_id, word) for signal_id, words in said.items() for word in wanted & (words or set())]
    await conn.execute(
        """
        insert into signal_word (signal_id, word) select * from unnest($1::bigint[], $2::text[])
        on conflict do nothing
        """,
        [signal_id for signal_id, _ in found],
        [word for _, word in found],
    )


async def name_targets(conn: Conn, account_id: AccountId) -> int:
    """Put the native id where a record names a target by a handle that one account on file has.

    Returns of how many acts. Those of whom nobody is on file stay as they are: a later import asks again.
    """
    return await conn.fetchval(
        """
        with known as (
            select '@' || lower(t.handle) as name, min(t.native_id) as native_id
            from account t join account e on e.account_id = $1 and e.platform = t.platform
            group by 1 having count(*) = 1
        ),
        named as (
            update signal s
            set target_author_id = k.native_id,
                target_id = case when s.target_id = k.name then k.native_id else s.target_id end
            from known k where s.account_id = $1 and s.target_author_id = k.name
            returning 1
        )
        select count(*) from named
        """,
        account_id,
    )


async def add_counters(conn: Conn, account_id: AccountId, counters: Sequence[Counters], source: str) -> int:
    """Store what a profile counted, failed polls included; returns how many times were new."""
    rows = await conn.fetch(
        """
        insert into engagement_counter (account_id, at, source, statuses, following, followers, likes)
        select $1, u.at, $2, u.statuses, u.following, u.followers, u.likes
        from unnest($3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
            as u (at, statuses, following, followers, likes)
        on conflict (account_id, source, at) do nothing
        returning 1
        """,
        account_id,
        source,
        [c.at for c in counters],
        [c.statuses for c in counters],
        [c.following for c in counters],
        [c.followers for c in counters],
        [c.likes for c in counters],
    )
    return len(rows)
