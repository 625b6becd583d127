"""What the adaptive planner takes up when it starts, and what it learned and leaves behind."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from storage.model.core.accounts import AccountId, ListId, Platform
from storage.postgres.pool import Conn


async def last_changes(
    conn: Conn, platform: Platform, only: Collection[AccountId] | None = None
) -> dict[AccountId, datetime]:
    """When the last change of each watched account was seen first; of those that ever changed. `only` limits
    the accounts; None means all.
    """
    rows = await conn.fetch(
        """
        select c.account_id, max(c.first_seen_new) as at
        from standing_change c
        join account a on a.account_id = c.account_id and a.platform = c.source
        left join change_outcome o using (change_id)
        where a.platform = $1 and a.watched and c.kind <> 'baseline'
            and o.outcome is distinct from 'not_confirmed'
            and ($2::bigint[] is null or c.account_id = any($2))
        group by c.account_id
        """,
        platform.value,
        None if only is None else [*only],
    )
    return {AccountId(r["account_id"]): r["at"] for r in rows}


async def guaranteed_intervals(conn: Conn) -> dict[ListId, timedelta]:
    """How often the accounts of lists are promised to be read; of those lists that have a promise."""
    rows = await conn.fetch("select list_id, read_every from watch_list where read_every is not null")
    return {ListId(r["list_id"]): r["read_every"] for r in rows}


async def watched_on(conn: Conn, list_id: int) -> int:
    """How many accounts of a list are read."""
    return await conn.fetchval(
        """
        select count(*) from watch_list_member m join account a using (account_id)
        where m.list_id = $1 and a.watched
        """,
        list_id,
    )


async def load_learned(conn: Conn, platform: Platform) -> tuple[dict[str, object], datetime | None]:
    """What was learned, by place, as it was given to `save_learned`, and when that was last."""
    rows = await conn.fetch(
        "select place, learned, saved_at from planner_memory where platform = $1", platform.value
    )
    learned = {r["place"]: json.loads(r["learned"]) for r in rows}
    return learned, max((r["saved_at"] for r in rows), default=None)


async def save_learned(conn: Conn, platform: Platform, learned: Mapping[str, object], now: datetime) -> None:
    """Keep what was learned, by place; what stood there before is forgotten."""
    await conn.executemany(
        """
        insert into planner_memory (platform, place, learned, saved_at) values ($1, $2, $3, $4)
        on conflict (platform, place) do update set learned = excluded.learned, saved_at = excluded.saved_at
        """,
        [(platform.value, place, json.dumps(one), now) for place, one in learned.items()],
    )
