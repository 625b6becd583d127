"""Edits of orders by hand. The audit log records each one with the earlier values."""

from collections.abc import Collection
from datetime import datetime

from jobs.base.errors import CommandError
from jobs.base.wording import number
from jobs.imports.order_fields import Edit, checked, edited
from storage.model.core.orders import NewOrder, NewOrderEvent
from storage.model.orders.edits import differences, plain
from storage.model.tables.csv_cells import CellError
from storage.model.text.states import clean
from storage.orders import documents, orders
from storage.orders.documents import NewDocument
from storage.orders.edit_history import log_edit
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn


async def create(conn: Conn, order: NewOrder, actor: str, now: datetime) -> str:
    """Store an order; return a confirmation. Raises CommandError for an order that is invalid or stored."""
    try:
        order = checked(order)
    except CellError as fault:
        raise CommandError(str(fault)) from fault
    owner = await orders.owner_of(conn, order.list_name)
    if owner not in {None, order.reference}:
        raise CommandError(
            f"List {clean(order.list_name)!r} already belongs to order {clean(owner or '')}. "
            "Name another list."
        )
    if not await orders.add_order(conn, order, now):
        raise CommandError(
            f"Order {clean(order.reference)} is already stored. To change it, use `blockline orders edit`."
        )
    await log(conn, now, actor, "order added", f"order {order.reference}", plain(order))
    return f"Order {clean(order.reference)} is stored, with the list {clean(order.list_name)}."


async def change(conn: Conn, reference: str, edit: Edit, actor: str, now: datetime) -> str:
    """Change the given fields of an order; return what changed. Raises CommandError, or Refused."""
    stored = await orders.order_called(conn, reference)
    try:
        order = edited(stored.order, edit)
    except CellError as fault:
        raise CommandError(str(fault)) from fault
    before, after = differences(stored.order, order)
    if not after:
        return f"Order {clean(reference)} already has these values."
    await log_edit(conn, now, actor, stored.order, order)
    await orders.edit_order(conn, stored, order)
    changed = "; ".join(
        f"{name} is {_words(value)} (it was {_words(before[name])})" for name, value in after.items()
    )
    return f"Order {clean(reference)}: {changed}."


def _words(value: object) -> str:
    return "none" if value is None else clean(str(value), 200)


async def say(conn: Conn, event: NewOrderEvent, actor: str, now: datetime) -> str:
    """Store a notice, claim, statement or ruling; return a confirmation. Raises Refused for no such order."""
    if event.order_reference is not None:
        await orders.order_called(conn, event.order_reference)
    of = "no order" if event.order_reference is None else f"order {event.order_reference}"
    if not await orders.add_order_event(conn, event):
        return f"The {event.kind.value} of {event.at.isoformat()} is already stored."
    claim = event.claim
    detail = {
        "kind": event.kind.value,
        "at": event.at.isoformat(),
        "text": event.text,
        "source": event.source,
        "claim": None if claim is None else f"{claim.count} of {claim.of}: {claim.what.value}",
    }
    await log(conn, now, actor, "order event added", of, detail)
    return f"The {event.kind.value} of {event.at.isoformat()} is stored for {clean(of)}."


async def attach(conn: Conn, reference: str, document: NewDocument, actor: str, now: datetime) -> str:
    """Attach a file to an order; return a confirmation with its hash. Raises Refused for an unknown order."""
    stored = await orders.order_called(conn, reference)
    sha256 = await documents.attach(conn, stored.order_id, document, actor, now)
    name = clean(document.name)
    if sha256 is None:
        return f"{name} is already attached to order {clean(reference)}; nothing was stored."
    detail = {"name": document.name, "sha256": sha256, "source": document.source}
    await log(conn, now, actor, "document attached", f"order {reference}", detail)
    size = number(len(document.content), "byte")
    return f"{name} ({size}) is attached to order {clean(reference)}. Its SHA-256 is {sha256}."


async def change_keywords(
    conn: Conn, reference: str, add: Collection[str], remove: Collection[str], actor: str, now: datetime
) -> list[str]:
    """Change the keywords of an order; return them. Raises Refused for an unknown order."""
    stored = await orders.order_called(conn, reference)
    before = await orders.keywords_of(conn, stored.order_id)
    after = await orders.change_keywords(conn, stored.order_id, add, remove, now)
    if after != before:
        detail = {"before": before, "keywords": after}
        await log(conn, now, actor, "order keywords changed", f"order {reference}", detail)
    return after
