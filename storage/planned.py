"""What the adaptive planner takes up when it starts, and what it learned and leaves behind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db import Conn
from storage.model.accounts import AccountId, ListId, Platform


async def last_changes(conn: Conn, platform: Platform) -> dict[AccountId, datetime]:
    """When the last change of each watched account was seen first; of those that ever changed."""
    rows = await conn.fetch(
        """
        select c.account_id, max(c.first_seen_new) as at
        from standing_change c
        join account a on a.account_id = c.account_id and a.platform = c.source
        left join change_outcome o using (change_id)
        where a.platform = $1 and a.watched and c.kind <> 'baseline'
            and o.outcome is distinct from 'not_confirmed'
        group by c.account_id
        """,
        platform.value,
    )
    return {AccountId(r["account_id"]): r["at"] for r in rows}


async def promises(conn: Conn) -> dict[ListId, timedelta]:
    """How often the accounts of lists are promised to be read; of those lists that have a promise."""
    rows = await conn.fetch("select list_id, read_every from watch_list where read_every is not null")
    return {ListId(r["list_id"]): r["read_every"] for r in rows}


@dataclass(frozen=True, slots=True)
class Promised:
    """How much of what is read goes to promises."""

    watched: int
    """All accounts that are read."""
    lists: Mapping[str, tuple[int, timedelta]]
    """By name of the list: how many of its accounts are read, and how often that is promised."""

    def share(self, sweep_every: timedelta) -> float:
        """Of the readings of one sweep, the part that promises ask for; above 1 they ask for more."""
        asked = sum(accounts * (sweep_every / every) for accounts, every in self.lists.values())
        return asked / self.watched if self.watched else 0.0


async def promised(conn: Conn) -> Promised:
    watched = await conn.fetchval("select count(*) from account where watched")
    rows = await conn.fetch(
        """
        select l.name, l.read_every, count(*) filter (where a.watched) as accounts
        from watch_list l join watch_list_member m using (list_id) join account a using (account_id)
        where l.read_every is not null group by l.list_id
        """
    )
    return Promised(watched, {r["name"]: (r["accounts"], r["read_every"]) for r in rows})


async def load_learned(conn: Conn, platform: Platform) -> dict[str, object]:
    """What was learned, by place, as it was given to `save_learned`."""
    rows = await conn.fetch("select place, learned from planner_memory where platform = $1", platform.value)
    return {r["place"]: json.loads(r["learned"]) for r in rows}


async def save_learned(conn: Conn, platform: Platform, learned: Mapping[str, object], now: datetime) -> None:
    """Keep what was learned, by place; what stood there before is forgotten."""
    await conn.executemany(
        """
        insert into planner_memory (platform, place, learned, saved_at) values ($1, $2, $3, $4)
        on conflict (platform, place) do update set learned = excluded.learned, saved_at = excluded.saved_at
        """,
        [(platform.value, place, json.dumps(one), now) for place, one in learned.items()],
    )
