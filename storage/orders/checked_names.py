"""The names of an order from a name check: stored at once, and joined by what is found of them later.

A name whose platform has not answered yet is stored as not tried. The process that looks it up calls
`join_orders` when the answer is there.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from storage.accounts.name_checks import lines_of, name_check
from storage.model.core.orders import NameOutcome, NewOrder, OrderName
from storage.model.orders.similar_orders import SimilarOrder, similar_orders
from storage.model.tables.name_check import CheckedLine
from storage.model.tables.name_matching import ResolvedName, UnresolvedName
from storage.model.tables.said_names import ParsedName
from storage.orders.names import names_of
from storage.orders.order_edits import count_more, name_again
from storage.orders.orders import StoredOrder, order_numbered, orders_of_a_day
from storage.orders.store_names import file_names
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

Decided = tuple[ParsedName, ResolvedName | UnresolvedName]


@dataclass(frozen=True, slots=True)
class AddedNames:
    """The outcome of adding the names of a check to an order."""

    new: int
    """Names that the order did not have."""
    again: int
    """Withdrawn names that it has again."""
    before: int
    """Other names that it had before."""
    open: int
    """Of all names of the check, those whose platform has not answered yet."""


async def add_checked_names(
    conn: Conn, stored: StoredOrder, check_id: int, actor: str, now: datetime
) -> AddedNames:
    """Store all names of a check as names of an order, each with its outcome.

    Accounts that were found are put on the order's list and watched from now on. Raises Refused for an
    unknown check, or one whose names belong to another order.
    """
    check = await name_check(conn, check_id)
    owner: int | None = await conn.fetchval(
        "select order_id from name_check where name_check_id = $1 for update", check_id
    )
    if check is None:
        raise Refused("There is no such check of names; it may be older than 30 days. Check the names again.")
    if owner not in {None, stored.order_id}:
        raise Refused("The names of this check belong to another order. Check them again.")
    lines = await lines_of(conn, check_id)
    decided = list({line.said.words: _decided(line) for line in lines}.values())
    known = {name.said: name for name in await names_of(conn, stored.order_id)}
    again = await name_again(
        conn, stored, [known[said.words] for said, _ in decided if said.words in known], actor, now
    )
    open_names = [one for one in decided if not _is_resolved(known.get(one[0].words))]
    await file_names(conn, stored, list(known.values()), open_names, check.source, now, watch=True)
    await conn.execute(
        "update name_check set order_id = $2 where name_check_id = $1", check_id, stored.order_id
    )
    await count_more(conn, stored, await names_of(conn, stored.order_id), actor, now)
    new = sum(said.words not in known for said, _ in decided)
    if new:
        detail = {"source": check.source, "names": new}
        await log(conn, now, actor, "order named", f"order {stored.order.reference}", detail)
    return AddedNames(new, again, len(decided) - new - again, sum(line.is_open for line in lines))


async def join_orders(conn: Conn, check_ids: Collection[int], now: datetime) -> None:
    """Store what became of names of orders that waited for an answer to one of these checks."""
    rows = await conn.fetch(
        """
        select name_check_id, order_id from name_check
        where name_check_id = any($1::bigint[]) and order_id is not null order by order_id, name_check_id
        """,
        list(check_ids),
    )
    for row in rows:
        stored = await order_numbered(conn, row["order_id"])
        if stored is not None:
            await _join(conn, stored, row["name_check_id"], now)


async def _join(conn: Conn, stored: StoredOrder, check_id: int, now: datetime) -> None:
    check = await name_check(conn, check_id)
    known = await names_of(conn, stored.order_id)
    waiting = {n.said for n in known if n.outcome is NameOutcome.NOT_TRIED and n.withdrawal is None}
    decided = [_decided(line) for line in await lines_of(conn, check_id) if line.said.words in waiting]
    if check is None or not decided:
        return
    filed = await file_names(conn, stored, known, decided, check.source, now, watch=True)
    found = {one.name.said for one in filed if isinstance(one.what, ResolvedName)}
    if found:
        names = await names_of(conn, stored.order_id)
        await count_more(conn, stored, names, check.made_by, now)
        numbers = [name.order_name_id for name in names if name.said in found]
        detail = {"source": check.source, "names": numbers}
        await log(conn, now, check.made_by, "order names found", f"order {stored.order.reference}", detail)


def _decided(line: CheckedLine) -> Decided:
    """A line as the name of an order. Words that are not a name stay visible, with the reason."""
    if line.found is not None:
        return line.said, line.found
    outcome = NameOutcome.UNRESOLVABLE if line.outcome is None else line.outcome
    # The note of the line says already what was cut from its words.
    return replace(line.said, note=""), UnresolvedName(outcome, line.words)


def _is_resolved(name: OrderName | None) -> bool:
    return name is not None and name.account_id is not None


async def similar_to_check(conn: Conn, order: NewOrder, check_id: int) -> tuple[SimilarOrder, ...]:
    """Return the stored orders of the same country and day that have mostly the names of a check."""
    first, last = order.issued_from or order.issued_at, order.issued_to or order.issued_at
    begin = datetime.combine(first.astimezone(UTC).date(), time(), UTC)
    end = datetime.combine(last.astimezone(UTC).date(), time(), UTC) + timedelta(days=1)
    stored = await orders_of_a_day(conn, order.country, begin, end)
    lines = await lines_of(conn, check_id)
    names = {line.said.handle.lower() if line.said.handle else line.said.words for line in lines}
    return similar_orders(names, stored)
