"""Edits of orders. The audit log has the values before each, to restore an order as it was known."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Record

from storage.model.core.orders import NewOrder, Order
from storage.model.orders.edits import differences, undone
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment

_EDITED = "order edited"


async def log_edit(conn: Conn, now: datetime, actor: str, before: NewOrder, after: NewOrder) -> None:
    """Record an edit, inside the transaction that makes it afterwards."""
    now = await moment(conn, lambda: now)
    was, is_now = differences(before, after)
    await log(conn, now, actor, _EDITED, _subject(after.reference), {"before": was, "after": is_now})


async def as_known(conn: Conn, orders: Sequence[Order], known_at: datetime) -> tuple[Order, ...]:
    """Return the orders as they were at a time, without later edits, by the date that they had then."""
    rows = await conn.fetch(
        """
        select subject, detail::text as detail from audit_log
        where action = $1 and at > $2 order by audit_id desc
        """,
        _EDITED,
        known_at,
    )
    found = {_subject(order.reference): order for order in orders}
    for r in rows:
        if r["subject"] in found:
            found[r["subject"]] = undone(found[r["subject"]], json.loads(r["detail"])["before"])
    return tuple(sorted(found.values(), key=lambda order: (order.issued_at, order.order_id)))


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of a stored order."""

    order: Order
    since: datetime | None
    """Time of the edit that made this version; None for the first version."""
    until: datetime | None
    """Time of the next edit; None for the present version."""


async def editions(conn: Conn, orders: Sequence[Order]) -> tuple[Edition, ...]:
    """Return the present and all earlier versions of each order, the newest first."""
    rows = await conn.fetch(
        "select at, subject, detail::text as detail from audit_log where action = $1 order by audit_id desc",
        _EDITED,
    )
    edits: dict[str, list[Record]] = {}
    for r in rows:
        edits.setdefault(r["subject"], []).append(r)
    out: list[Edition] = []
    for order in orders:
        until: datetime | None = None
        for r in edits.get(_subject(order.reference), ()):
            out.append(Edition(order, r["at"], until))
            order, until = undone(order, json.loads(r["detail"])["before"]), r["at"]
        out.append(Edition(order, None, until))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class OrderAct:
    """What a person, or the command line, did to an order."""

    at: datetime
    actor: str
    action: str
    """As in the audit log, such as "order edited"."""
    detail: Mapping[str, Any]
    """As in the audit log. Where that has the numbers of names, the words that they have now."""


async def acts_on(conn: Conn, reference: str, known_at: datetime | None = None) -> list[OrderAct]:
    """Return what was done to an order up to a time (None: all), the newest first."""
    rows = await conn.fetch(
        """
        select at, actor, action, detail::text as detail from audit_log
        where subject = $1 and ($2::timestamptz is null or at <= $2) order by audit_id desc
        """,
        _subject(reference),
        known_at,
    )
    details: list[dict[str, Any]] = [json.loads(r["detail"]) for r in rows]
    # The audit log cannot be changed, so it has no words that a purge of an account would have to remove.
    of_names = [detail for detail in details if isinstance(detail.get("names"), list)]
    said = {
        r["order_name_id"]: r["said"]
        for r in await conn.fetch(
            "select order_name_id, said from order_name where order_name_id = any($1::bigint[])",
            [number for detail in of_names for number in detail["names"]],
        )
    }
    for detail in of_names:
        detail["names"] = [said.get(number, "a removed name") for number in detail["names"]]
    return [
        OrderAct(r["at"], r["actor"], r["action"], detail) for r, detail in zip(rows, details, strict=True)
    ]


def _subject(reference: str) -> str:
    return f"order {reference}"
