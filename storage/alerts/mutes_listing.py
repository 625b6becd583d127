"""Mutes as they are listed: of whom or what nobody is told."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn


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
