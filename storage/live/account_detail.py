"""Read model of one account: everything that was ever seen of it, for its own page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.live.snapshot import LiveChange, LiveSpell, changes, spells
from storage.model.core.coverage_gaps import NEVER, Seen
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived
from storage.readings.coverage_report import live_coverage


@dataclass(frozen=True, slots=True)
class Renamed:
    old: str
    new: str
    last_seen_old: datetime | None
    first_seen_new: datetime


@dataclass(frozen=True, slots=True)
class LastLook:
    """The newest time that anybody asked about an account."""

    at: datetime
    told: bool
    """Whether it gave a reading."""


@dataclass(frozen=True, slots=True)
class AccountHistory:
    account_id: int
    platform: str
    native_id: str
    handle: str
    is_post: bool
    added_at: datetime
    watched: bool
    """False for an account that is only on file: imported, or no longer watched. Nobody reads it."""
    lists: tuple[str, ...]
    spells: tuple[LiveSpell, ...]
    changes: tuple[LiveChange, ...]
    """Those that stand, newest first, baseline included."""
    superseded: tuple[LiveChange, ...]
    """What was recorded before it was corrected, newest first."""
    sources: tuple[str, ...]
    """Where its changes come from: a platform's name for our own monitor, `import:<name>` for a record."""
    renames: tuple[Renamed, ...]
    """Newest first."""
    seen: Seen
    """Coverage since the first reading."""
    last_look: LastLook | None

    @property
    def noun(self) -> str:
        """What a page calls it: "account" or "post"."""
        return "post" if self.is_post else "account"


async def account_detail(
    conn: Conn, account_id: int, now: datetime, gap_after: timedelta
) -> AccountHistory | None:
    """All that is known of one account at `now`, None when there is no such account."""
    head = await conn.fetchrow(
        """
        select a.account_id, a.platform, a.native_id, a.handle, a.is_post, a.added_at, a.watched,
            array(
                select l.name from watch_list l join watch_list_member m using (list_id)
                where m.account_id = a.account_id order by l.list_id
            ) as lists,
            array(select c.change_id from change c where c.account_id = a.account_id) as change_ids,
            array(
                select distinct c.source from standing_change c
                where c.account_id = a.account_id order by c.source
            ) as sources
        from account a where a.account_id = $1
        """,
        account_id,
    )
    if head is None:
        return None
    changed = await changes(conn, None, head["change_ids"])
    first = changed[0].first_seen_new if changed else now
    coverage = await live_coverage(conn, first - gap_after, now, gap_after, account_id)
    return AccountHistory(
        account_id=account_id,
        platform=head["platform"],
        native_id=head["native_id"],
        handle=head["handle"],
        is_post=head["is_post"],
        added_at=head["added_at"],
        watched=head["watched"],
        lists=tuple(head["lists"]),
        spells=await spells(conn, None, (account_id,)),
        changes=tuple(c for c in reversed(changed) if c.superseded_at is None),
        superseded=tuple(c for c in reversed(changed) if c.superseded_at is not None),
        sources=tuple(head["sources"]),
        renames=await renames_of(conn, account_id),
        seen=coverage.seen.get(account_id, NEVER),
        last_look=await _last_look(conn, account_id, now),
    )


async def _last_look(conn: Conn, account_id: int, now: datetime) -> LastLook | None:
    await with_archived(conn, now, now, [account_id])
    row = await conn.fetchrow(
        """
        select c.observed_at,
            c.outcome = 0 and answered_at(c.answered, r.position) as told
        from (
            select roster_id, array_position(account_ids, $1::int) as position from roster
            where vantage = '' and account_ids @> array[$1::int]
        ) r
        cross join lateral (
            select observed_at, attempt, outcome, answered from coverage
            where roster_id = r.roster_id and observed_at <= $2
            order by observed_at desc, attempt desc limit 1
        ) c
        order by c.observed_at desc, c.attempt desc limit 1
        """,
        account_id,
        now,
    )
    return None if row is None else LastLook(row["observed_at"], row["told"])


async def renames_of(conn: Conn, account_id: int) -> tuple[Renamed, ...]:
    """The handles under which an account answered one after the other, newest first."""
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
