"""Edits of orders: the audit log has what was before each, so that an order is told as it was known."""

import json
from collections.abc import Sequence
from datetime import datetime

from storage.audit_log import log
from storage.db import Conn
from storage.model.order_edits import differences, undone
from storage.model.orders import NewOrder, Order

_EDITED = "order edited"


async def log_edit(conn: Conn, now: datetime, actor: str, before: NewOrder, after: NewOrder) -> None:
    """Put an edit on record, inside the transaction that makes it."""
    was, is_now = differences(before, after)
    await log(conn, now, actor, _EDITED, _subject(after.reference), {"before": was, "after": is_now})


async def as_known(conn: Conn, orders: Sequence[Order], known_at: datetime) -> tuple[Order, ...]:
    """The orders as they stood at that time, what was edited later being undone, by the date they carried."""
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


def _subject(reference: str) -> str:
    return f"order {reference}"
