"""Pure: what the fields of an order must be, and what an edit changes."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from storage.model.core.orders import NewOrder
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError

NONE = "none"
"""Written for a time, it takes the time away."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be changed. None: it stays."""

    title: str | None = None
    issuer: str | None = None
    country: str | None = None
    legal_basis: str | None = None
    issued_at: datetime | None = None
    issued_from: datetime | str | None = None
    issued_to: datetime | str | None = None
    deadline_at: datetime | str | None = None
    named_count: int | None = None
    list_name: str | None = None


def checked(order: NewOrder) -> NewOrder:
    """The order, if it can be one. Raises CellError."""
    for name in ("reference", "title", "issuer", "legal_basis", "list_name"):
        csv_cells.text(getattr(order, name), name)
    csv_cells.country(order.country)
    if order.named_count < 0:
        raise CellError(f"named_count is {order.named_count}, but must not be negative.")
    if order.deadline_at is not None and order.deadline_at < order.issued_at:
        raise CellError("deadline_at is before issued_at.")
    first, last = order.issued_from or order.issued_at, order.issued_to or order.issued_at
    if not first <= order.issued_at <= last:
        raise CellError("issued_at is not between issued_from and issued_to.")
    return order


def edited(order: NewOrder, edit: Edit) -> NewOrder:
    """The order with what the edit changes. Raises CellError when it can be no order."""
    given = {f.name: getattr(edit, f.name) for f in fields(edit)}
    changes = {name: None if value == NONE else value for name, value in given.items() if value is not None}
    return checked(replace(order, **changes))
