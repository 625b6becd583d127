"""Read model of one account: everything that was ever seen of it, for its own page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db import Conn
from storage.model.timeline import NEVER, Seen
from storage.reports import LiveChange, LiveSpell, changes, spells
from storage.reports_coverage import live_coverage


@dataclass(frozen=True, slots=True)
class Renamed:
    old: str
    new: str
    last_seen_old: datetime | None
    first_seen_new: datetime


@dataclass(frozen=True, slots=True)
class AccountDetail:
    account_id: int
    platform: str
    native_id: str
    handle: str
    added_at: datetime
    lists: tuple[str, ...]
    spells: tuple[LiveSpell, ...]
    changes: tuple[LiveChange, ...]
    """Newest first, baseline included."""
    renames: tuple[Renamed, ...]
    """Newest first."""
    seen: Seen
    """Coverage since the first reading."""


async def account_detail(
    conn: Conn, account_id: int, now: datetime, gap_after: timedelta
) -> AccountDetail | None:
    """All that is known of one account at `now`, None when there is no such account."""
    head = await conn.fetchrow(
        """
        select a.account_id, a.platform, a.native_id, a.handle, a.added_at,
            array(
                select l.name from watch_list l join watch_list_member m using (list_id)
                where m.account_id = a.account_id order by l.list_id
            ) as lists,
            array(select c.change_id from change c where c.account_id = a.account_id) as change_ids
        from account a where a.account_id = $1
        """,
        account_id,
    )
    if head is None:
        return None
    changed = await changes(conn, None, head["change_ids"])
    first = changed[0].first_seen_new if changed else now
    coverage = await live_coverage(conn, first - gap_after, now, gap_after)
    return AccountDetail(
        account_id=account_id,
        platform=head["platform"],
        native_id=head["native_id"],
        handle=head["handle"],
        added_at=head["added_at"],
        lists=tuple(head["lists"]),
        spells=await spells(conn, None, (account_id,)),
        changes=tuple(reversed(changed)),
        renames=await _renames(conn, account_id),
        seen=coverage.seen.get(account_id, NEVER),
    )


async def _renames(conn: Conn, account_id: int) -> tuple[Renamed, ...]:
    rows = await conn.fetch(
        """
        select old_handle, new_handle, last_seen_old, first_seen_new from rename
        where account_id = $1 order by first_seen_new desc
        """,
        account_id,
    )
    return tuple(
        Renamed(r["old_handle"], r["new_handle"], r["last_seen_old"], r["first_seen_new"]) for r in rows
    )
