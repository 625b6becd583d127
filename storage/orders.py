"""Legal demands, their notices and claims."""

from datetime import datetime

from storage.db import Conn
from storage.model.orders import NewOrder, NewOrderEvent


async def add_order(conn: Conn, order: NewOrder, now: datetime) -> bool:
    """Store an order and make its list. False, and nothing stored, when its reference is known."""
    return bool(
        await conn.fetchval(
            """
            with made as (
                insert into watch_list (name, created_at)
                select $1, $2 where not exists (select from legal_order where reference = $3)
                on conflict (name) do update set name = excluded.name returning list_id
            )
            insert into legal_order (
                reference, title, issuer, country, legal_basis, issued_at, issued_from, issued_to,
                deadline_at, named_count, list_id, known_at
            )
            select $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, list_id, $13 from made
            on conflict (reference) do nothing
            returning true
            """,
            order.list_name,
            now,
            order.reference,
            order.title,
            order.issuer,
            order.country,
            order.legal_basis,
            order.issued_at,
            order.issued_from,
            order.issued_to,
            order.deadline_at,
            order.named_count,
            order.known_at,
        )
    )


async def add_order_event(conn: Conn, event: NewOrderEvent) -> None:
    """Store a notice, claim, statement or ruling. One that is already there is left alone."""
    await conn.execute(
        """
        insert into order_event (
            order_id, kind, at, at_from, at_to, text, source, known_at,
            claimed, claimed_of, claimed_what, claimed_at_least
        )
        select (select order_id from legal_order where reference = $1), $2, $3, $4, $5, $6, $7, $8,
            $9, $10, $11, $12
        where not exists (select from order_event where at = $3 and text = $6)
        """,
        event.order_reference,
        event.kind.value,
        event.at,
        event.at_from,
        event.at_to,
        event.text,
        event.source,
        event.known_at,
        event.claim and event.claim.count,
        event.claim and event.claim.of,
        event.claim and event.claim.what.value,
        event.claim is not None and event.claim.at_least,
    )
