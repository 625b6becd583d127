"""Reading the names in orders, the accounts matched to them, and what others saw of them."""

from datetime import datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import State, Status
from storage.model.core.orders import NameOutcome, OrderCheck, OrderName, Withdrawal
from storage.postgres.pool import Conn


async def names_of(conn: Conn, order_id: int, known_at: datetime | None = None) -> list[OrderName]:
    """Return the names of an order known at a time (None: all), in the order in which they were added.

    Each has its outcome at that time: a name that was resolved later is not resolved here, and one that was
    withdrawn later is not withdrawn.
    """
    rows = await conn.fetch(
        """
        select n.order_name_id, n.said, n.platform, n.handle, n.post_id, n.source, n.known_at,
            coalesce(before.outcome, n.outcome) as outcome, coalesce(before.note, n.note) as note,
            case when before.outcome is null then n.account_id end as account_id,
            case when before.outcome is null then n.resolved_at end as resolved_at,
            w.since as withdrawn_at, w.withdrawn_by, w.reason
        from order_name n
        left join order_name_withdrawal w on w.order_name_id = n.order_name_id
            and w.since <= coalesce($2::timestamptz, 'infinity') and (w.until is null or w.until > $2)
        left join lateral (
            select p.outcome, p.note from order_name_past p
            where p.order_name_id = n.order_name_id and p.until > $2 order by p.until limit 1
        ) before on true
        where n.order_id = $1 and ($2::timestamptz is null or n.known_at <= $2)
        order by n.order_name_id
        """,
        order_id,
        known_at,
    )
    return [
        OrderName(
            order_name_id=r["order_name_id"],
            said=r["said"],
            platform=None if r["platform"] is None else Platform(r["platform"]),
            handle=r["handle"],
            post_id=r["post_id"],
            outcome=NameOutcome(r["outcome"]),
            account_id=None if r["account_id"] is None else AccountId(r["account_id"]),
            note=r["note"],
            source=r["source"],
            known_at=r["known_at"],
            resolved_at=r["resolved_at"],
            withdrawal=None
            if r["withdrawn_at"] is None
            else Withdrawal(r["withdrawn_at"], r["withdrawn_by"], r["reason"]),
        )
        for r in rows
    ]


async def waiting_names(conn: Conn, order_id: int) -> int:
    """How many names of an order wait for their platform."""
    return await conn.fetchval(
        """
        select count(*) from order_name n where n.order_id = $1 and n.outcome = $2 and not exists (
            select from order_name_withdrawal w where w.order_name_id = n.order_name_id and w.until is null
        )
        """,
        order_id,
        NameOutcome.NOT_TRIED.value,
    )


async def checks_of(conn: Conn, order_id: int, known_at: datetime | None = None) -> list[OrderCheck]:
    """Return what others saw of the names of an order, as known at a time (None: all), by name and place."""
    rows = await conn.fetch(
        """
        select c.order_name_id, c.source, c.place, c.of_post, c.answer, c.status, c.withheld_in,
            c.at_from, c.at_to, c.known_at
        from order_check c join order_name n using (order_name_id)
        where n.order_id = $1 and ($2::timestamptz is null or greatest(c.known_at, n.known_at) <= $2)
        order by c.order_name_id, c.place, c.of_post, c.source
        """,
        order_id,
        known_at,
    )
    return [
        OrderCheck(
            order_name_id=r["order_name_id"],
            source=r["source"],
            place=r["place"],
            of_post=r["of_post"],
            answer=r["answer"],
            state=None if r["status"] is None else State(Status(r["status"]), tuple(r["withheld_in"])),
            at_from=r["at_from"],
            at_to=r["at_to"],
            known_at=r["known_at"],
        )
        for r in rows
    ]


async def orders_naming(conn: Conn) -> dict[AccountId, frozenset[str]]:
    """Return the references of the orders that name each account now; accounts without one are left out."""
    rows = await conn.fetch(
        """
        select n.account_id, array_agg(distinct o.reference) as orders
        from order_name n join legal_order o using (order_id)
        where n.account_id is not null and not exists (
            select from order_name_withdrawal w
            where w.order_name_id = n.order_name_id and w.until is null
        )
        group by n.account_id
        """
    )
    return {AccountId(r["account_id"]): frozenset(r["orders"]) for r in rows}
