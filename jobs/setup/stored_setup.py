"""What is stored of everything that a setup file can declare."""

from collections import defaultdict
from collections.abc import Collection

from jobs.setup.declared import DeclaredSetup
from jobs.setup.state import SetUpList, SetUpOrder, StoredSetup, names_in
from storage.accounts.evidence_retention import ORDER_DAYS, list_rules
from storage.accounts.list_thresholds import thresholds_by_list
from storage.accounts.listing import set_up_accounts
from storage.accounts.name_checks import newest_lines
from storage.accounts.name_matching import stored_accounts
from storage.alerts.rules import load_rules, unreadable_rules
from storage.executives import signals
from storage.live.lists_and_executives import lists
from storage.model.core.accounts import ListId, Platform
from storage.model.core.orders import OrderEvent
from storage.orders.names import names_of, orders_naming
from storage.orders.orders import keywords_of, order_events, order_numbered, orders
from storage.postgres.pool import Conn
from storage.work.planner_state import guaranteed_intervals


async def stored_setup(conn: Conn, setup: DeclaredSetup | None = None) -> StoredSetup:
    """Read what is stored, with what the names of a file mean. Orders are locked until the transaction ends.

    None means no file.
    """
    said = [] if setup is None else names_in(setup)
    called = await stored_accounts(conn, said)
    handles = {(one.platform, one.handle.lower()) for one in said if one.platform and one.handle}
    checked = await newest_lines(conn, handles)
    meant = {(one.platform, one.native_id) for one in said if one.platform and one.native_id}
    meant |= {(platform, c.native_id) for (platform, _), some in called.items() for c in some}
    meant |= {(p, line.found.native_id) for (p, _), line in checked.items() if line.found is not None}
    events = await order_events(conn, None)
    return StoredSetup(
        lists=await _lists(conn),
        accounts=await set_up_accounts(conn, sorted(meant)),
        executives={
            (platform, one.account.native_id): one
            for platform in Platform
            for one in await signals.executives(conn, platform)
        },
        rules=await load_rules(conn),
        unreadable_rules=frozenset(rule.name for rule in await unreadable_rules(conn)),
        orders=await _orders(conn, events) if setup is None or "orders" in setup.sections else {},
        events={(event.at, event.text.strip()): event for event in events},
        naming=await orders_naming(conn),
        called=called,
        checked=checked,
    )


async def _lists(conn: Conn) -> dict[str, SetUpList]:
    every = await guaranteed_intervals(conn)
    own = await thresholds_by_list(conn)
    archived = {one.list_id for one in await lists(conn) if one.is_archived}
    return {
        rule.name: SetUpList(
            rule.name,
            rule.order_reference,
            every.get(ListId(rule.list_id)),
            rule.keep_days,
            0 if rule.order_reference is None else ORDER_DAYS,
            rule.list_id in archived,
            own.get(ListId(rule.list_id)),
        )
        for rule in await list_rules(conn)
    }


async def _orders(conn: Conn, events: Collection[OrderEvent]) -> dict[str, SetUpOrder]:
    found: dict[str, SetUpOrder] = {}
    of_order: defaultdict[int | None, list[OrderEvent]] = defaultdict(list)
    for event in events:
        of_order[event.order_id].append(event)
    for order in await orders(conn):
        stored = await order_numbered(conn, order.order_id)
        if stored is not None:
            found[order.reference] = SetUpOrder(
                stored.order_id,
                stored.list_id,
                stored.order,
                tuple(await names_of(conn, order.order_id)),
                tuple(await keywords_of(conn, order.order_id)),
                tuple(of_order[order.order_id]),
            )
    return found
