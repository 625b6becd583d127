"""Pure: what an edit of an order changed, as the audit log keeps it, and the order as it was before."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from storage.model.core.orders import NewOrder, Order

_TIMES = {"issued_at", "issued_from", "issued_to", "deadline_at"}
_OTHERS = {"title", "issuer", "country", "legal_basis", "named_count"}


def plain(order: NewOrder) -> dict[str, Any]:
    """All fields of an order, times as text."""
    values = ((f.name, getattr(order, f.name)) for f in fields(NewOrder))
    return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in values}


def differences(before: NewOrder, after: NewOrder) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was and what is, of the fields that are not the same."""
    old, new = plain(before), plain(after)
    names = [name for name in new if old[name] != new[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}


def undone(order: Order, before: Mapping[str, Any]) -> Order:
    """The order as it was before the edit that kept `before`, but for the name of its list."""
    times = {
        name: None if value is None else datetime.fromisoformat(value)
        for name, value in before.items()
        if name in _TIMES
    }
    others = {name: value for name, value in before.items() if name in _OTHERS}
    return replace(order, **times, **others)
