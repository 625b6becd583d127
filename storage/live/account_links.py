"""What an account belongs to: its tags, its lists, the orders that name it, and the incidents about it."""

from dataclasses import dataclass

from storage.alerts.incidents import IncidentLine, incident_line
from storage.postgres.pool import Conn

MOST_INCIDENTS = 5


@dataclass(frozen=True, slots=True)
class ListMembership:
    """A list that the account is on."""

    list_id: int
    name: str
    is_archived: bool
    order_id: int | None
    """The order that the list belongs to; None if it is no order's."""
    order_title: str | None


@dataclass(frozen=True, slots=True)
class AccountLinks:
    tags: tuple[str, ...]
    memberships: tuple[ListMembership, ...]
    incidents: tuple[IncidentLine, ...]
    """The newest, newest first."""
    incident_count: int
    """How many there are in all."""


async def account_links(conn: Conn, account_id: int) -> AccountLinks:
    """Read what an account belongs to; empty for an unknown one."""
    tags = await conn.fetchval("select tags from account where account_id = $1", account_id)
    rows = await conn.fetch(
        """
        select l.list_id, l.name, l.archived_at is not null as is_archived, o.order_id, o.title
        from watch_list_member m join watch_list l using (list_id) left join legal_order o using (list_id)
        where m.account_id = $1 order by l.list_id
        """,
        account_id,
    )
    keys = await conn.fetch(
        """
        select distinct s.story_id, s.story_key from change c
        join alert a using (change_id)
        join alert_decision d using (alert_id)
        join story s using (story_id)
        where c.account_id = $1 order by s.story_id desc
        """,
        account_id,
    )
    found = [await incident_line(conn, r["story_key"]) for r in keys[:MOST_INCIDENTS]]
    return AccountLinks(
        tuple(tags or ()),
        tuple(
            ListMembership(r["list_id"], r["name"], r["is_archived"], r["order_id"], r["title"]) for r in rows
        ),
        tuple(line for line in found if line is not None),
        len(keys),
    )
