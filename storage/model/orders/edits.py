"""Pure: the changes that an edit of an order made, for the audit log, and the order before the edit."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from storage.model.core.orders import NewOrder, Order

_TIMES = {"issued_at", "issued_from", "issued_to", "deadline_at"}
_OTHERS = {"title", "issuer", "country", "legal_basis", "named_count"}


def plain(order: NewOrder) -> dict[str, Any]:
    """Return all fields of an order, with times as text."""
    values = ((f.name, getattr(order, f.name)) for f in fields(NewOrder))
    return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in values}


def differences(before: NewOrder, after: NewOrder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields that differ, with their old and their new values."""
    old, new = plain(before), plain(after)
    names = [name for name in new if old[name] != new[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}


def undone(order: Order, before: Mapping[str, Any]) -> Order:
    """Return the order before the edit that stored `before`, but with the present name of its list."""
    times = {
        name: None if value is None else datetime.fromisoformat(value)
        for name, value in before.items()
        if name in _TIMES
    }
    others = {name: value for name, value in before.items() if name in _OTHERS}
    return replace(order, **times, **others)
