"""Read models of the page of accounts: who is on file and how each stands; and, apart, what was before.

How each stands takes a fraction of the time that a month of everybody's coverage takes, so that what was
before is read of those accounts alone that somebody looks at.

The monitor's own control accounts are left out, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.live.snapshot import LiveSpell, last_event_id, spells
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.core.coverage_gaps import Seen
from storage.postgres.pool import Conn
from storage.readings.coverage_report import live_coverage, seen_of, watched_coverage

MOST = 50_000
"""Accounts in one answer."""


class AccountScope(StrEnum):
    WATCHED = "watched"
    FILE = "file"
    """On file only: imported, or no longer watched. Nobody reads them."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class AccountLine:
    account_id: int
    platform: Platform
    native_id: str
    handle: str
    watched: bool
    list_ids: tuple[int, ...]
    tags: tuple[str, ...]
    is_post: bool = False
    is_repeatedly_blocked: bool = False
    """It has two or more block periods."""


@dataclass(frozen=True, slots=True)
class ProvisionalState:
    """A first contrary reading that nothing has confirmed yet."""

    account_id: int
    state: State
    flags: frozenset[Flag]
    last_seen_old: datetime | None
    first_seen_new: datetime


@dataclass(frozen=True, slots=True)
class AccountsShot:
    live_event_id: int
    total: int
    """How many there are; `accounts` are at most `MOST` of them, the oldest on file first."""
    accounts: tuple[AccountLine, ...]
    spells: tuple[LiveSpell, ...]
    """The confirmed state of each now."""
    provisional: tuple[ProvisionalState, ...]
    seen: dict[int, Seen]
    """Coverage since the time asked for: of who is not in it there was no reading."""


@dataclass(frozen=True, slots=True)
class PastSpells:
    """What was seen of the accounts in a stretch of time up to now."""

    platforms: dict[int, Platform]
    """By account."""
    spells: tuple[LiveSpell, ...]
    """Those that reach into it, the present ones too."""
    seen: dict[int, Seen]


async def past_of(
    conn: Conn, account_ids: Sequence[int], since: datetime, now: datetime, gap_after: timedelta
) -> PastSpells:
    """Spells and coverage of these accounts since `since`; those that do not exist are left out."""
    rows = await conn.fetch(
        """
        select account_id, platform from ordinary_accounts() where account_id = any($1::bigint[])
        order by account_id
        """,
        account_ids,
    )
    platforms = {r["account_id"]: Platform(r["platform"]) for r in rows}
    seen = await seen_of(conn, list(platforms), since, now, gap_after)
    return PastSpells(platforms, await spells(conn, since, list(platforms)), seen)


async def accounts_shot(
    conn: Conn, whom: AccountScope, since: datetime, now: datetime, gap_after: timedelta, most: int = MOST
) -> AccountsShot:
    """The accounts asked for, at `now`, with when they were read since `since`."""
    event_id = await last_event_id(conn)
    lines = await _lines(conn, whom, most)
    ids = [line.account_id for line in lines]
    only_watched = whom is AccountScope.WATCHED
    read = watched_coverage if only_watched else live_coverage
    coverage = await read(conn, since, now, gap_after)
    return AccountsShot(
        live_event_id=event_id,
        total=len(lines) if len(lines) < most else await _count(conn, whom),
        accounts=tuple(lines),
        spells=await spells(conn, now, ids),
        provisional=tuple(await _provisional(conn, ids)),
        seen=coverage.seen,
    )


async def _lines(conn: Conn, whom: AccountScope, most: int) -> list[AccountLine]:
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.native_id, a.handle, a.is_post, a.watched, a.tags,
            coalesce(m.list_ids, '{}') as list_ids,
            a.account_id in (select repeatedly_blocked('infinity', null)) as is_repeatedly_blocked
        from ordinary_accounts() a
        left join (
            select account_id, array_agg(list_id order by list_id) as list_ids
            from watch_list_member group by account_id
        ) m using (account_id)
        where $1 = 'all' or a.watched = ($1 = 'watched')
        order by a.account_id limit $2
        """,
        whom.value,
        most,
    )
    return [
        AccountLine(
            r["account_id"],
            Platform(r["platform"]),
            r["native_id"],
            r["handle"],
            r["watched"],
            tuple(r["list_ids"]),
            tuple(r["tags"]),
            r["is_post"],
            r["is_repeatedly_blocked"],
        )
        for r in rows
    ]


async def _count(conn: Conn, whom: AccountScope) -> int:
    return await conn.fetchval(
        """
        select count(*) from ordinary_accounts() a
        where $1 = 'all' or a.watched = ($1 = 'watched')
        """,
        whom.value,
    )


async def _provisional(conn: Conn, account_ids: Sequence[int]) -> list[ProvisionalState]:
    rows = await conn.fetch(
        """
        select p.account_id, c.status, c.withheld_in, c.flags, c.last_seen_old, c.first_seen_new
        from pending_change p join change c using (change_id)
        where c.kind <> 'baseline' and p.account_id = any($1::bigint[])
        """,
        account_ids,
    )
    return [
        ProvisionalState(
            r["account_id"],
            State(Status(r["status"]), tuple(r["withheld_in"])),
            frozenset(Flag(f) for f in r["flags"]),
            r["last_seen_old"],
            r["first_seen_new"],
        )
        for r in rows
    ]
