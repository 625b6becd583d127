"""Edits of orders by people: each in the caller's transaction, with its entry in the audit log."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from storage.model.core.orders import NewOrder, NewOrderEvent, OrderName
from storage.model.orders.edits import differences, plain
from storage.model.orders.order_fields import (
    LONGEST_TEXT,
    OrderEdit,
    OrderFault,
    checked,
    checked_event,
    edited,
)
from storage.model.orders.outside_findings import count_names
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount
from storage.orders import documents, orders
from storage.orders.documents import NewDocument
from storage.orders.edit_history import log_edit
from storage.orders.name_edits import end_withdrawals, leave_list, put_on_list, start_withdrawals
from storage.orders.names import names_of
from storage.orders.orders import StoredOrder
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

LARGEST_DOCUMENT = 20 * 1024 * 1024
"""Bytes."""


class ReferenceTaken(Refused):
    """An order with the reference is already stored."""


async def file_order(conn: Conn, order: NewOrder, actor: str, now: datetime) -> StoredOrder:
    """Store an order and make its list. Raises OrderFault for an order that cannot be.

    Raises ReferenceTaken if one has its reference, Refused if its list belongs to another order.
    """
    order = checked(order)
    if await orders.number_of(conn, order.reference) is not None:
        raise ReferenceTaken(f"Order {clean(order.reference)} is already stored.")
    owner = await orders.owner_of(conn, order.list_name)
    if owner is not None:
        raise Refused(
            f"List {clean(order.list_name)!r} already belongs to order {clean(owner)}. Name another list."
        )
    archived = await orders.archived_list_called(conn, order.list_name)
    if not await orders.add_order(conn, order, now):  # somebody else stored it meanwhile
        raise ReferenceTaken(f"Order {clean(order.reference)} is already stored.")
    await log(conn, now, actor, "order added", f"order {order.reference}", plain(order))
    if archived is not None:
        detail = {"list": archived, "order": order.reference}
        await log(conn, now, actor, "list restored", f"list {order.list_name}", detail)
    return await orders.order_called(conn, order.reference)


async def change_order(
    conn: Conn, stored: StoredOrder, edit: OrderEdit, actor: str, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Change the given fields of an order; return those that changed, with their old and their new values.

    Raises OrderFault for an order that cannot be, Refused if another list has the name.
    """
    order = edited(stored.order, edit)
    before, after = differences(stored.order, order)
    if after:
        await log_edit(conn, now, actor, stored.order, order)
        await orders.edit_order(conn, stored, order)
    return before, after


async def add_event(conn: Conn, event: NewOrderEvent, actor: str, now: datetime) -> bool:
    """Store a notice, claim, statement or ruling; return whether it is new.

    Raises OrderFault, or Refused for an unknown order.
    """
    event = checked_event(event)
    if event.order_reference is not None:
        await orders.order_called(conn, event.order_reference)
    if not await orders.add_order_event(conn, event):
        return False
    claim = event.claim
    detail = {
        "kind": event.kind.value,
        "at": event.at.isoformat(),
        "text": event.text,
        "source": event.source,
        "claim": None if claim is None else f"{claim.count} of {claim.of}: {claim.what.value}",
    }
    of = "no order" if event.order_reference is None else f"order {event.order_reference}"
    await log(conn, now, actor, "order event added", of, detail)
    return True


async def attach_document(
    conn: Conn, stored: StoredOrder, document: NewDocument, actor: str, now: datetime
) -> str | None:
    """Attach a file to an order; return its hash. None means that it was already attached.

    Raises OrderFault for a file that is empty or too large, or has no source.
    """
    if not document.content:
        raise OrderFault("the file is empty.", "content")
    if len(document.content) > LARGEST_DOCUMENT:
        raise OrderFault("the file is larger than 20 MB.", "content")
    for name in ("name", "source"):
        text: str = getattr(document, name)
        if not text.strip():
            raise OrderFault(f"{{{name}}} is empty.", name)
        if "\0" in text or len(text) > LONGEST_TEXT:
            raise OrderFault(f"{{{name}}} is too long, or contains a character that is not allowed.", name)
    document = replace(document, source=document.source.strip())
    sha256 = await documents.attach(conn, stored.order_id, document, actor, now)
    if sha256 is not None:
        detail = {"name": document.name, "sha256": sha256, "source": document.source}
        await log(conn, now, actor, "document attached", f"order {stored.order.reference}", detail)
    return sha256


async def edit_keywords(
    conn: Conn,
    stored: StoredOrder,
    add: Collection[str],
    remove: Collection[str],
    actor: str,
    now: datetime,
) -> list[str]:
    """Change the keywords of an order; return those that it has now."""
    before = await orders.keywords_of(conn, stored.order_id)
    after = await orders.change_keywords(conn, stored.order_id, add, remove, now)
    if after != before:
        detail = {"before": before, "keywords": after}
        await log(conn, now, actor, "order keywords changed", f"order {stored.order.reference}", detail)
    return after


@dataclass(frozen=True, slots=True)
class WithdrawnNames:
    """The outcome of a withdrawal."""

    withdrawn: tuple[str, ...]
    """The names, word for word."""
    already: tuple[str, ...]
    """Names that were withdrawn before; nothing was changed for them."""
    left_list: int
    """Accounts that left the order's list: no other name of the order means them. They stay watched."""
    posts_left_list: int
    """The same of posts, which are not among the accounts."""
    named_count: int
    """How many accounts the order names now. It is lower if it was the number of names that are stored."""

    def left_words(self, whose: str) -> str:
        """How many left its list, as a sentence that follows others; empty if none did. `whose`: "the"."""
        left = TargetCount(self.left_list, self.posts_left_list)
        return f" {left.words()} left {whose} list and stayed watched." if left else ""


async def withdraw_names(
    conn: Conn, stored: StoredOrder, said: Sequence[str], reason: str, actor: str, now: datetime
) -> WithdrawnNames:
    """Withdraw names from an order. They stay visible with the reason, and their accounts stay watched.

    Raises OrderFault without a reason, Refused for a name that the order has not; then nothing is changed.
    """
    reason = reason.strip()
    if not reason:
        raise OrderFault("{reason} is empty.", "reason")
    if "\0" in reason or len(reason) > LONGEST_TEXT:
        raise OrderFault("{reason} is too long, or contains a character that is not allowed.", "reason")
    names = {name.said: name for name in await names_of(conn, stored.order_id)}
    wanted = list(dict.fromkeys(said))
    if unknown := [one for one in wanted if one not in names]:
        raise Refused(f"The order has no name {clean(unknown[0], 120)!r}. Nothing was changed.")
    leaving = [names[one] for one in wanted if names[one].withdrawal is None]
    already = tuple(one for one in wanted if names[one].withdrawal is not None)
    if not leaving:
        return WithdrawnNames((), already, 0, 0, stored.order.named_count)
    await start_withdrawals(conn, [name.order_name_id for name in leaving], reason, actor, now)
    gone = {name.said for name in leaving}
    staying = [name for name in names.values() if name.withdrawal is None and name.said not in gone]
    kept = {name.account_id for name in staying}
    accounts = {n.account_id for n in leaving if n.account_id is not None} - kept
    posts = accounts & {n.account_id for n in leaving if n.post_id is not None}
    left = await leave_list(conn, stored.list_id, sorted(accounts - posts), now)
    posts_left = await leave_list(conn, stored.list_id, sorted(posts), now)
    counted = await _count_again(conn, stored, [*staying, *leaving], staying, actor, now)
    numbers = [name.order_name_id for name in leaving]
    detail = {"names": numbers, "reason": reason, "accounts": sorted(accounts)}
    await log(conn, now, actor, "order names withdrawn", f"order {stored.order.reference}", detail)
    return WithdrawnNames(tuple(n.said for n in leaving), already, left, posts_left, counted)


async def _count_again(
    conn: Conn,
    stored: StoredOrder,
    before: Sequence[OrderName],
    after: Sequence[OrderName],
    actor: str,
    now: datetime,
) -> int:
    """Lower the number of accounts that the order names, if it was the number of those stored; return it."""
    if stored.order.named_count != count_names(before).accounts.named:
        return stored.order.named_count
    order = replace(stored.order, named_count=count_names(after).accounts.named)
    if order != stored.order:
        await log_edit(conn, now, actor, stored.order, order)
        await orders.edit_order(conn, stored, order)
    return order.named_count


async def count_more(
    conn: Conn, stored: StoredOrder, names: Sequence[OrderName], actor: str, now: datetime
) -> int | None:
    """Raise the number of accounts that the order names to the number of those stored, and return it.

    None means that its number was not lower.
    """
    there = count_names(names).accounts.named
    if there <= stored.order.named_count:
        return None
    order = replace(stored.order, named_count=there)
    await log_edit(conn, now, actor, stored.order, order)
    await orders.edit_order(conn, stored, order)
    return there


async def name_again(
    conn: Conn, stored: StoredOrder, names: Sequence[OrderName], actor: str, now: datetime
) -> int:
    """End the withdrawal of names that were added again; return how many were withdrawn.

    Their accounts are put back on the order's list.
    """
    back = [name for name in names if name.withdrawal is not None]
    if not back:
        return 0
    await end_withdrawals(conn, [name.order_name_id for name in back], now)
    accounts = [name.account_id for name in back if name.account_id is not None]
    await put_on_list(conn, stored.list_id, accounts, now)
    detail = {"names": [name.order_name_id for name in back]}
    await log(conn, now, actor, "order names added again", f"order {stored.order.reference}", detail)
    return len(back)
