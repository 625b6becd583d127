"""Edits of orders on the command line, each with a sentence about what was done."""

from collections.abc import Collection, Sequence
from datetime import datetime

from jobs.base.errors import CommandError
from jobs.base.wording import number
from storage.model.core.orders import NewOrder, NewOrderEvent
from storage.model.orders.order_fields import OrderEdit, OrderFault
from storage.model.text.states import clean
from storage.orders import order_edits
from storage.orders.documents import NewDocument
from storage.orders.order_edits import ReferenceTaken
from storage.orders.orders import order_called
from storage.postgres.pool import Conn


async def create(conn: Conn, order: NewOrder, actor: str, now: datetime) -> str:
    """Store an order; return a confirmation. Raises CommandError for an order that is invalid or stored."""
    try:
        await order_edits.file_order(conn, order, actor, now)
    except OrderFault as fault:
        raise CommandError(str(fault)) from fault
    except ReferenceTaken as fault:
        raise CommandError(f"{fault} To change it, use `blockline orders edit`.") from fault
    return f"Order {clean(order.reference)} is stored, with the list {clean(order.list_name)}."


async def change(conn: Conn, reference: str, edit: OrderEdit, actor: str, now: datetime) -> str:
    """Change the given fields of an order; return what changed. Raises CommandError, or Refused."""
    stored = await order_called(conn, reference)
    try:
        before, after = await order_edits.change_order(conn, stored, edit, actor, now)
    except OrderFault as fault:
        raise CommandError(str(fault)) from fault
    if not after:
        return f"Order {clean(reference)} already has these values."
    changed = "; ".join(
        f"{name} is {_words(value)} (it was {_words(before[name])})" for name, value in after.items()
    )
    return f"Order {clean(reference)}: {changed}."


def _words(value: object) -> str:
    return "none" if value is None else clean(str(value), 200)


_EVENT_OPTIONS = {
    "at": "--at",
    "at_from": "--at-from",
    "at_to": "--at-to",
    "text": "--text",
    "source": "--source",
}


async def say(conn: Conn, event: NewOrderEvent, actor: str, now: datetime) -> str:
    """Store a notice, claim, statement or ruling; return a confirmation. Raises Refused for no such order."""
    try:
        is_new = await order_edits.add_event(conn, event, actor, now)
    except OrderFault as fault:
        raise CommandError(fault.with_labels(_EVENT_OPTIONS)) from fault
    if not is_new:
        return f"The {event.kind.value} of {event.at.isoformat()} is already stored."
    of = "no order" if event.order_reference is None else f"order {event.order_reference}"
    return f"The {event.kind.value} of {event.at.isoformat()} is stored for {clean(of)}."


async def attach(conn: Conn, reference: str, document: NewDocument, actor: str, now: datetime) -> str:
    """Attach a file to an order; return a confirmation with its hash. Raises Refused for an unknown order."""
    stored = await order_called(conn, reference)
    try:
        sha256 = await order_edits.attach_document(conn, stored, document, actor, now)
    except OrderFault as fault:
        raise CommandError(f"{clean(document.name)}: {fault}") from fault
    name = clean(document.name)
    if sha256 is None:
        return f"{name} is already attached to order {clean(reference)}; nothing was stored."
    size = number(len(document.content), "byte")
    return f"{name} ({size}) is attached to order {clean(reference)}. Its SHA-256 is {sha256}."


async def change_keywords(
    conn: Conn, reference: str, add: Collection[str], remove: Collection[str], actor: str, now: datetime
) -> list[str]:
    """Change the keywords of an order; return them. Raises Refused for an unknown order."""
    stored = await order_called(conn, reference)
    return await order_edits.edit_keywords(conn, stored, add, remove, actor, now)


async def withdraw(
    conn: Conn, reference: str, said: Sequence[str], reason: str, actor: str, now: datetime
) -> str:
    """Withdraw names from an order; return a confirmation. Raises Refused for an unknown order or name."""
    stored = await order_called(conn, reference)
    try:
        done = await order_edits.withdraw_names(conn, stored, said, reason, actor, now)
    except OrderFault as fault:
        raise CommandError(fault.with_labels({"reason": "--reason"})) from fault
    if not done.withdrawn:
        return f"Nothing was changed: {number(len(done.already), 'name')} withdrawn before."
    left = done.left_words("its")
    return (
        f"{number(len(done.withdrawn), 'name')} withdrawn from order {clean(reference)}.{left} The order now "
        f"names {number(done.named_count, 'account')}."
    )
