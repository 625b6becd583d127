"""Writes of the forms about orders: the role is checked, and what cannot be done becomes a sentence."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.orders.feature import WRITE_ORDERS
from dashboard.ui.inputs import FieldFault
from storage.model.core.people import Actor, Scope
from storage.model.orders.order_fields import OrderFault
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import TableError
from storage.model.text.states import capital
from storage.orders.orders import StoredOrder, order_numbered
from storage.postgres.pool import Conn, Refused, StorageError, transaction

T = TypeVar("T")


class NotWritten(Exception):
    """Nothing was written. The message is one sentence for the form."""


async def written(
    process: WebProcess,
    labels: Mapping[str, str],
    act: Callable[[Conn, str, datetime], Awaitable[T]],
) -> T:
    """Do a write in one transaction as the present user, who has to be an analyst.

    `act` gets the connection, the name for the audit log and the time. It should be short, because it
    holds a connection that all pages share. `labels` are what the form calls its fields. Raises NotWritten.
    """
    with writer(labels) as actor:
        async with transaction(process.pool) as conn:
            return await act(conn, actor.name, process.clock())


@contextmanager
def writer(labels: Mapping[str, str]) -> Generator[Actor]:
    """Give the present user, who has to be an analyst. Refusals and faults inside it become NotWritten."""
    actor = access.acting()
    try:
        access.require(actor, WRITE_ORDERS)
        access.require_scope(actor, Scope.WRITE)
        yield actor
    except OrderFault as fault:
        raise NotWritten(capital(fault.with_labels(labels))) from fault
    except (access.Forbidden, CellError, FieldFault, Refused, StorageError, TableError) as fault:
        raise NotWritten(capital(str(fault))) from fault


async def stored_order(conn: Conn, order_id: object) -> StoredOrder:
    """Return the order that a form belongs to, locked against edits. Raises Refused if there is none."""
    found = await order_numbered(conn, order_id) if isinstance(order_id, int) else None
    if found is None:
        raise Refused("There is no such order.")
    return found
