"""Read model of a first run: whether anything was read yet, and how far the newest watched accounts are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.live.snapshot import LiveSpell, spells
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, State, Status
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

FIRST_READINGS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class FirstReading:
    """What is known of one watched account at the beginning."""

    account_id: int
    platform: Platform
    handle: str
    asked_at: datetime | None
    """The newest request that names it, answered or not. None: no request yet."""
    first_at: datetime | None
    """The first reading of this installation that is stored with a change. None: no such reading."""
    last_at: datetime | None
    """The newest conclusive answer. None: none yet."""
    state: State | None
    """The newest status that was seen. None: no status is stored."""
    flags: frozenset[Flag] = frozenset()
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class FirstReadings:
    watched: int
    accounts: Sequence[FirstReading]
    """The newest watched accounts and posts, `FIRST_READINGS_SHOWN` at most."""
    watched_posts: int = 0
    """How many of `watched` are posts."""

    @property
    def is_waiting(self) -> bool:
        """Whether one of the shown accounts was not read yet."""
        return any(one.last_at is None for one in self.accounts)


async def is_first_run(conn: Conn) -> bool:
    """Whether no account was ever read, watched now or earlier. Control accounts do not count."""
    # First, so that an installation with control accounts alone does not search its whole history.
    if not await conn.fetchval("select exists (select from ordinary_accounts())"):
        return True
    return not await conn.fetchval(
        """
        select exists (
            select from ordinary_accounts() a join change c using (account_id)
            where c.source = a.platform
        ) or exists (
            select from roster r join coverage c using (roster_id)
            cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            join ordinary_accounts() a on a.account_id = m.account_id
            where r.vantage = '' and c.outcome = 0 and answered_at(c.answered, m.position)
        )
        """
    )


async def first_readings(conn: Conn, now: datetime) -> FirstReadings:
    """Read how many accounts and posts are watched, and how far the newest of them are at `now`."""
    await with_archived(conn, now, now)
    watched = await conn.fetchrow(
        """
        select count(*) as n, count(*) filter (where is_post) as posts
        from ordinary_accounts() where watched
        """
    )
    assert watched is not None  # noqa: S101 - aggregates without grouping give one row
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.handle, first.at as first_at, answer.at as last_at,
            asked.at as asked_at, seen.status, seen.withheld_in, seen.flags
        from (
            select * from ordinary_accounts() where watched
            order by added_at desc, account_id desc limit $2
        ) a
        left join lateral (
            select min(c.first_seen_new) as at from change c
            where c.account_id = a.account_id and c.source = a.platform
        ) first on true
        left join lateral last_answer(a.account_id, $1, $1) answer on true
        left join lateral (
            select max(c.observed_at) as at
            from roster r cross join lateral (
                select observed_at from coverage
                where roster_id = r.roster_id and observed_at <= $1 order by observed_at desc limit 1
            ) c
            where r.vantage = '' and r.account_ids @> array[a.account_id::int]
        ) asked on true
        left join pending_change p on p.account_id = a.account_id
        left join change seen on seen.change_id = p.change_id
        order by a.added_at desc, a.account_id desc
        """,
        now,
        FIRST_READINGS_SHOWN,
    )
    confirmed = {s.account_id: s for s in await spells(conn, now, [r["account_id"] for r in rows])}
    newest = tuple(_first_reading(r, confirmed.get(r["account_id"])) for r in rows)
    return FirstReadings(watched["n"], newest, watched["posts"])


def _first_reading(row: Record, spell: LiveSpell | None) -> FirstReading:
    """A status that is not confirmed yet stands before the confirmed one, because it is newer."""
    pending = row["status"] is not None
    state, flags = (None, frozenset[Flag]()) if spell is None else (spell.state, spell.flags)
    if pending:
        state = State(Status(row["status"]), tuple(row["withheld_in"]))
        flags = frozenset(Flag(flag) for flag in row["flags"])
    return FirstReading(
        row["account_id"],
        Platform(row["platform"]),
        row["handle"],
        row["asked_at"],
        row["first_at"],
        row["last_at"],
        state,
        flags,
        is_confirmed=not pending,
    )
