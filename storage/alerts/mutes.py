"""Mutes and maintenance windows, made and listed: of what nobody is told for a time, who said so and why."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.alerts.rules import Mute
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.text.near_names import meant, unknown_name
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused


async def running(conn: Conn, now: datetime) -> list[Mute]:
    """The mutes that have begun; one that was ended by hand runs until then.

    Those whose time is over are among them for a month: they still cover what came before their end.
    """
    rows = await conn.fetch(
        """
        select mute_id, account_id, list_id, since, least(until, ended_at) as until, note, made_by
        from mute
        where since <= $1 and coalesce(least(until, ended_at), 'infinity') > $1 - interval '31 days'
        order by mute_id
        """,
        now,
    )
    return [_mute(r) for r in rows]


async def all_mutes(conn: Conn, now: datetime) -> list[Mute]:
    """Those that run or are still to come, newest first."""
    rows = await conn.fetch(
        """
        select mute_id, account_id, list_id, since, until, note, made_by
        from mute where ended_at is null and (until is null or until > $1) order by mute_id desc
        """,
        now,
    )
    return [_mute(r) for r in rows]


async def mute_account(
    conn: Conn, account_id: int, since: datetime, until: datetime | None, note: str, actor: str, now: datetime
) -> int:
    """Tell nobody of an account. Returns the number of the mute. Raises Refused for an unknown account."""
    if await conn.fetchval("select account_id from account where account_id = $1", account_id) is None:
        raise Refused(f"There is no account {account_id}.")
    # By its number: a purge takes handles away, and the log is only ever added to.
    return await _add(conn, (account_id, None), f"account {account_id}", since, until, note, actor, now)


async def mute_list(
    conn: Conn, list_name: str, since: datetime, until: datetime | None, note: str, actor: str, now: datetime
) -> int:
    """Tell nobody of any account of a list, or of the order that the list belongs to. Raises Refused."""
    rows = await conn.fetch(
        "select list_id, name, reference from watch_list left join legal_order using (list_id) order by name"
    )
    names = {r["reference"]: r["list_id"] for r in rows if r["reference"] is not None}
    names |= {r["name"]: r["list_id"] for r in rows}
    name = meant(list_name, names)
    if name is None:
        raise Refused(unknown_name("list or order", list_name, names))
    return await _add(conn, (None, names[name]), f"list {name}", since, until, note, actor, now)


async def maintenance(
    conn: Conn, since: datetime, until: datetime, note: str, actor: str, now: datetime
) -> int:
    """Tell nobody of anything, from one time to another."""
    return await _add(conn, (None, None), "everything", since, until, note, actor, now)


async def end_mute(conn: Conn, mute_id: int, actor: str, now: datetime) -> None:
    """Tell again of what comes from now on. Raises Refused when no such mute runs."""
    ended = await conn.fetchval(
        """
        update mute set ended_at = $2, ended_by = $3 where mute_id = $1 and ended_at is null returning note
        """,
        mute_id,
        now,
        actor,
    )
    if ended is None:
        raise Refused(f"There is no running mute {mute_id}.")
    await log(conn, now, actor, "mute ended", f"mute {mute_id}", {"note": ended})


async def _add(
    conn: Conn,
    of: tuple[int | None, int | None],
    subject: str,
    since: datetime,
    until: datetime | None,
    note: str,
    actor: str,
    now: datetime,
) -> int:
    account_id, list_id = of
    is_maintenance = account_id is None and list_id is None
    if until is not None and until <= max(since, now):
        what = "a maintenance window" if is_maintenance else "a mute"
        raise Refused(f"The end of {what} must be in the future and after its beginning.")
    mute_id = await conn.fetchval(
        """
        insert into mute (account_id, list_id, since, until, note, made_by, made_at)
        values ($1, $2, $3, $4, $5, $6, $7) returning mute_id
        """,
        account_id,
        list_id,
        since,
        until,
        note,
        actor,
        now,
    )
    detail = {
        "mute": mute_id,
        "since": since.isoformat(),
        "until": until.isoformat() if until is not None else None,
        "note": note,
    }
    action = "maintenance planned" if is_maintenance else "muted"
    await log(conn, now, actor, action, subject, detail)
    return mute_id


def _mute(r: Record) -> Mute:
    return Mute(
        mute_id=r["mute_id"],
        account_id=None if r["account_id"] is None else AccountId(r["account_id"]),
        list_id=None if r["list_id"] is None else ListId(r["list_id"]),
        since=r["since"],
        until=r["until"],
        note=r["note"],
        made_by=r["made_by"],
    )


@dataclass(frozen=True, slots=True)
class MuteLine:
    """One mute that runs or is still to come. It is of an account, of a list, or of everything."""

    mute_id: int
    account_id: int | None
    platform: Platform | None
    handle: str | None
    list_name: str | None
    since: datetime
    until: datetime | None
    note: str
    made_by: str
    made_at: datetime

    @property
    def is_maintenance(self) -> bool:
        """It is about everything."""
        return self.account_id is None and self.list_name is None


async def mute_lines(conn: Conn, now: datetime) -> list[MuteLine]:
    """Those whose time is not over and that nobody ended, newest first."""
    rows = await conn.fetch(
        """
        select m.mute_id, m.account_id, a.platform, a.handle, l.name as list_name, m.since, m.until, m.note,
            m.made_by, m.made_at
        from mute m left join account a using (account_id) left join watch_list l using (list_id)
        where m.ended_at is null and (m.until is null or m.until > $1) order by m.mute_id desc
        """,
        now,
    )
    return [
        MuteLine(
            r["mute_id"],
            r["account_id"],
            None if r["platform"] is None else Platform(r["platform"]),
            r["handle"],
            r["list_name"],
            r["since"],
            r["until"],
            r["note"],
            r["made_by"],
            r["made_at"],
        )
        for r in rows
    ]
