"""Read models of the rows of the page of accounts: the status of each account, and, apart, what was before.

Both are read for the accounts on a screen only; `storage.live.account_listings` says which those are.

The monitor's own control accounts are left out, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.live.snapshot import LiveSpell, spells
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.core.coverage_gaps import Seen
from storage.postgres.pool import Conn
from storage.readings.coverage_report import seen_of


class AccountScope(StrEnum):
    WATCHED = "watched"
    FILE = "file"
    """Stored only: imported, or no longer watched. They are not read."""
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
    accounts: tuple[AccountLine, ...]
    spells: tuple[LiveSpell, ...]
    """The confirmed state of each now."""
    provisional: tuple[ProvisionalState, ...]
    seen: dict[int, Seen]
    """Coverage since the time asked for. An account that is not in it was not read."""


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
    conn: Conn, account_ids: Sequence[int], since: datetime, now: datetime, gap_after: timedelta
) -> AccountsShot:
    """These accounts at `now`, in this order, with when they were read since `since`. Those that do not exist
    or are control accounts are left out.
    """
    lines = await _lines(conn, account_ids)
    ids = [line.account_id for line in lines]
    return AccountsShot(
        accounts=tuple(lines),
        spells=await spells(conn, now, ids),
        provisional=tuple(await _provisional(conn, ids)),
        seen=await seen_of(conn, ids, since, now, gap_after),
    )


async def _lines(conn: Conn, account_ids: Sequence[int]) -> list[AccountLine]:
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.native_id, a.handle, a.is_post, a.watched, a.tags,
            array(
                select list_id from watch_list_member m where m.account_id = a.account_id order by list_id
            ) as list_ids
        from unnest($1::bigint[]) with ordinality as u (account_id, place)
        join ordinary_accounts() a using (account_id)
        order by u.place
        """,
        account_ids,
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
        )
        for r in rows
    ]


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
