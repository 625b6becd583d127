"""Legal demands, their notices and claims, and the keywords of engagements about them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.core.accounts import ListId
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NewOrder,
    NewOrderEvent,
    Order,
    OrderEvent,
    OrderEventKind,
)
from storage.model.orders.similar_orders import OrderHead
from storage.model.text.states import clean
from storage.orders.edit_history import as_known
from storage.postgres.pool import Conn, Refused
from storage.postgres.recording_order import moment


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """A stored order, in the form for editing."""

    order_id: int
    list_id: ListId
    order: NewOrder


async def add_order(conn: Conn, order: NewOrder, now: datetime) -> bool:
    """Store an order and create its list. Return False, and store nothing, if its reference exists.

    A list of that name becomes its list; it is in use again if it was archived.
    """
    now, known_at = await moment(conn, lambda: now), await moment(conn, lambda: order.known_at)
    return bool(
        await conn.fetchval(
            """
            with made as (
                insert into watch_list (name, created_at)
                select $1, $2 where not exists (select from legal_order where reference = $3)
                on conflict (name) do update set archived_at = null returning list_id
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
            known_at,
        )
    )


async def order_called(conn: Conn, reference: str) -> StoredOrder:
    """Return the order with a reference, locked against edits until the transaction ends. Raises Refused."""
    order_id = await number_of(conn, reference)
    found = None if order_id is None else await order_numbered(conn, order_id)
    if found is None:
        raise Refused(f"There is no order {clean(reference)!r}; `blockline orders list` lists them.")
    return found


async def number_of(conn: Conn, reference: str) -> int | None:
    """Return our number of the order with a reference; None if there is none."""
    return await conn.fetchval("select order_id from legal_order where reference = $1", reference)


async def order_numbered(conn: Conn, order_id: int) -> StoredOrder | None:
    """Return an order by our number, locked against edits as in `order_called`; None if there is none."""
    row = await conn.fetchrow(
        """
        select o.*, l.name from legal_order o join watch_list l using (list_id)
        where o.order_id = $1 for update of o
        """,
        order_id,
    )
    if row is None:
        return None
    order = NewOrder(
        reference=row["reference"],
        title=row["title"],
        issuer=row["issuer"],
        country=row["country"],
        legal_basis=row["legal_basis"],
        issued_at=row["issued_at"],
        issued_from=row["issued_from"],
        issued_to=row["issued_to"],
        deadline_at=row["deadline_at"],
        named_count=row["named_count"],
        list_name=row["name"],
        known_at=row["known_at"],
    )
    return StoredOrder(row["order_id"], ListId(row["list_id"]), order)


async def head_called(conn: Conn, reference: str) -> OrderHead | None:
    """Return the order with a reference; None if there is none."""
    row = await conn.fetchrow(
        "select order_id, reference, title, issued_at from legal_order where reference = $1", reference
    )
    return None if row is None else OrderHead(**dict(row.items()))


async def orders_of_a_day(
    conn: Conn, country: str, first: datetime, last: datetime
) -> list[tuple[OrderHead, set[str]]]:
    """Return the orders of a country that may be issued from `first` to `last`, with the names of each.

    A name is a handle in lower case, or the words if they hold none.
    """
    rows = await conn.fetch(
        """
        select o.order_id, o.reference, o.title, o.issued_at, coalesce(lower(n.handle), n.said) as name
        from legal_order o left join order_name n using (order_id)
        where o.country = $1 and coalesce(o.issued_from, o.issued_at) <= $3
            and coalesce(o.issued_to, o.issued_at) >= $2
        order by o.order_id
        """,
        country,
        first,
        last,
    )
    names: dict[OrderHead, set[str]] = {}
    for r in rows:
        of = names.setdefault(OrderHead(r["order_id"], r["reference"], r["title"], r["issued_at"]), set())
        if r["name"] is not None:
            of.add(r["name"])
    return list(names.items())


async def owner_of(conn: Conn, list_name: str) -> str | None:
    """Return the reference of the order that a list belongs to; None if there is no such order or list."""
    return await conn.fetchval(
        "select reference from legal_order join watch_list using (list_id) where name = $1", list_name
    )


async def archived_list_called(conn: Conn, name: str) -> int | None:
    """Return the number of an archived list, locked; None if the list is in use or does not exist."""
    return await conn.fetchval(
        "select list_id from watch_list where name = $1 and archived_at is not null for update", name
    )


async def edit_order(conn: Conn, stored: StoredOrder, order: NewOrder) -> None:
    """Replace the values of a stored order with those of `order`, and rename its list if the name differs.

    Raises Refused if another list has that name.
    """
    if order.list_name != stored.order.list_name and await conn.fetchval(
        "select exists (select from watch_list where name = $1)", order.list_name
    ):
        raise Refused(f"The list {clean(order.list_name)!r} already exists.")
    await conn.execute("update watch_list set name = $2 where list_id = $1", stored.list_id, order.list_name)
    await conn.execute(
        """
        update legal_order
        set title = $2, issuer = $3, country = $4, legal_basis = $5, issued_at = $6, issued_from = $7,
            issued_to = $8, deadline_at = $9, named_count = $10
        where order_id = $1
        """,
        stored.order_id,
        order.title,
        order.issuer,
        order.country,
        order.legal_basis,
        order.issued_at,
        order.issued_from,
        order.issued_to,
        order.deadline_at,
        order.named_count,
    )


async def add_order_event(conn: Conn, event: NewOrderEvent) -> bool:
    """Store a notice, claim, statement or ruling. Return False if it is already stored."""
    known_at = await moment(conn, lambda: event.known_at)
    done = await conn.fetchval(
        """
        insert into order_event (
            order_id, kind, at, at_from, at_to, text, source, known_at,
            claimed, claimed_of, claimed_what, claimed_at_least, claimed_targets
        )
        select (select order_id from legal_order where reference = $1), $2, $3, $4, $5, $6, $7, $8,
            $9, $10, $11, $12, $13
        where not exists (select from order_event where at = $3 and text = $6)
        returning true
        """,
        event.order_reference,
        event.kind.value,
        event.at,
        event.at_from,
        event.at_to,
        event.text,
        event.source,
        known_at,
        event.claim and event.claim.count,
        event.claim and event.claim.of,
        event.claim and event.claim.what.value,
        event.claim is not None and event.claim.at_least,
        event.claim and event.claim.targets and event.claim.targets.value,
    )
    return bool(done)


async def keywords_of(conn: Conn, order_id: int) -> list[str]:
    """Return the keywords of an order, sorted."""
    rows = await conn.fetch("select word from order_keyword where order_id = $1 order by word", order_id)
    return [r["word"] for r in rows]


async def change_keywords(
    conn: Conn, order_id: int, add: Collection[str], remove: Collection[str], now: datetime
) -> list[str]:
    """Add and remove keywords of an order, and return those that it has now."""
    now = await moment(conn, lambda: now)
    await conn.execute(
        "delete from order_keyword where order_id = $1 and word = any($2::text[])", order_id, list(remove)
    )
    await conn.execute(
        """
        insert into order_keyword (order_id, word, known_at)
        select $1, word, $3 from unnest($2::text[]) as u (word) on conflict do nothing
        """,
        order_id,
        list(add),
        now,
    )
    return await keywords_of(conn, order_id)


async def orders(conn: Conn, known_at: datetime | None = None) -> tuple[Order, ...]:
    """Return the orders known at a time (None: all), as they were then, by their date."""
    rows = await conn.fetch(
        """
        select order_id, reference, title, issuer, country, legal_basis, issued_at, issued_from, issued_to,
            deadline_at, named_count, list_id, known_at
        from legal_order where $1::timestamptz is null or known_at <= $1 order by issued_at, order_id
        """,
        known_at,
    )
    found = tuple(
        Order(
            order_id=r["order_id"],
            reference=r["reference"],
            title=r["title"],
            issuer=r["issuer"],
            country=r["country"],
            legal_basis=r["legal_basis"],
            issued_at=r["issued_at"],
            issued_from=r["issued_from"],
            issued_to=r["issued_to"],
            deadline_at=r["deadline_at"],
            named_count=r["named_count"],
            list_id=ListId(r["list_id"]),
            known_at=r["known_at"],
        )
        for r in rows
    )
    return found if known_at is None else await as_known(conn, found, known_at)


async def orders_of_account(conn: Conn, account_id: int, known_at: datetime) -> tuple[Order, ...]:
    """Return the orders on whose lists an account or a post is or was, as known at a time, by their date."""
    rows = await conn.fetch(
        "select distinct list_id from membership where account_id = $1 and added_at <= $2",
        account_id,
        known_at,
    )
    lists = {r["list_id"] for r in rows}
    return tuple(o for o in await orders(conn, known_at) if o.list_id in lists)


async def order_events(conn: Conn, known_at: datetime | None) -> tuple[OrderEvent, ...]:
    """Return notices, claims, statements and rulings known at a time (None: all), by event date."""
    rows = await conn.fetch(
        """
        select order_event_id, order_id, kind, at, at_from, at_to, text, source, known_at,
            claimed, claimed_of, claimed_what, claimed_at_least, claimed_targets
        from order_event where $1::timestamptz is null or known_at <= $1 order by at, order_event_id
        """,
        known_at,
    )
    return tuple(
        OrderEvent(
            order_event_id=r["order_event_id"],
            order_id=r["order_id"],
            kind=OrderEventKind(r["kind"]),
            at=r["at"],
            at_from=r["at_from"],
            at_to=r["at_to"],
            text=r["text"],
            source=r["source"],
            known_at=r["known_at"],
            claim=_claim(r),
        )
        for r in rows
    )


def _claim(r: Record) -> Claim | None:
    if r["claimed"] is None:
        return None
    return Claim(
        r["claimed"],
        r["claimed_of"],
        ClaimedWhat(r["claimed_what"]),
        r["claimed_at_least"],
        None if r["claimed_targets"] is None else ClaimedTargets(r["claimed_targets"]),
    )
