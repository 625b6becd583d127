"""Which changes belong into the evidence packs of one account, or of one order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.core.accounts import Platform
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn


class PackSubjectKind(StrEnum):
    """Whose changes are collected."""

    ACCOUNT = "account"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class PackSubject:
    """An account or an order, and the time of which its changes are collected."""

    kind: PackSubjectKind
    number: int
    since: datetime | None = None
    """First seen at or after this time. None: no limit; of an order, its issue is one in any case."""
    until: datetime | None = None
    """First seen before this time. None: no limit."""


@dataclass(frozen=True, slots=True)
class PackSelection:
    """The changes of a subject, in the order in which they were first seen."""

    name: str
    """The subject in words."""
    change_ids: tuple[int, ...]
    synthetic: bool
    """Made by a simulation: its accounts do not exist."""


async def select_changes(conn: Conn, subject: PackSubject) -> PackSelection | None:
    """Return the changes of a subject that nothing supersedes; None if there is no such account or order.

    Provisional changes and those that were not confirmed are included: the pack of each says which it is.
    """
    if subject.kind is PackSubjectKind.ACCOUNT:
        account = await conn.fetchrow(
            "select platform, native_id, handle, is_post from account where account_id = $1", subject.number
        )
        if account is None:
            return None
        noun = "post" if account["is_post"] else "account"
        where = f"{PLATFORM_NAME[Platform(account['platform'])]}, id {clean(account['native_id'])}"
        name = f"the {noun} @{clean(account['handle'], 120)} ({where})"
        rows = await conn.fetch(
            """
            select change_id from standing_change
            where account_id = $1
                and first_seen_new >= coalesce($2::timestamptz, '-infinity')
                and first_seen_new < coalesce($3::timestamptz, 'infinity')
            order by first_seen_new, change_id
            """,
            subject.number,
            subject.since,
            subject.until,
        )
    else:
        order = await conn.fetchrow("select reference from legal_order where order_id = $1", subject.number)
        if order is None:
            return None
        name = f"the order {clean(order['reference'], 120)}"
        rows = await conn.fetch(
            """
            select c.change_id from legal_order o
            join watch_list_member m using (list_id)
            join standing_change c using (account_id)
            where o.order_id = $1
                and c.first_seen_new >= greatest(coalesce(o.issued_from, o.issued_at), $2::timestamptz)
                and c.first_seen_new < coalesce($3::timestamptz, 'infinity')
            order by c.first_seen_new, c.change_id
            """,
            subject.number,
            subject.since,
            subject.until,
        )
    return PackSelection(name, tuple(r["change_id"] for r in rows), await is_synthetic(conn))
