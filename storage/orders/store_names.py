"""Storing the names of an order with what was decided of each, and adding accounts to the order's list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.accounts import listing
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import NewName, OrderName
from storage.model.tables.name_matching import ResolvedName, UnresolvedName, as_name, is_same
from storage.model.tables.said_names import ParsedName
from storage.orders import name_edits
from storage.orders.orders import StoredOrder
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class Filed:
    """The outcome of a name, and whether it is new."""

    said: ParsedName
    what: ResolvedName | UnresolvedName
    name: NewName
    is_new: bool


async def file_names(
    conn: Conn,
    stored: StoredOrder,
    known: Sequence[OrderName],
    decided: Sequence[tuple[ParsedName, ResolvedName | UnresolvedName]],
    source: str,
    now: datetime,
    *,
    watch: bool,
) -> list[Filed]:
    """Store what was decided of names of an order, and put the accounts that were found on its list.

    With `watch` they are watched from now on; without, one that is new is not, and any other stays as it is.
    A name that is resolved is left alone: no name in `decided` may be one.
    """
    account_ids = await _accounts(conn, stored, decided, now, watch=watch)
    before = {name.said: name for name in known}
    filed: list[Filed] = []
    for said, what in decided:
        name = as_name(said, source, what, account_ids)
        old = before.get(said.words)
        filed.append(Filed(said, what, name, old is None or not is_same(name, old)))
    changed = [one.name for one in filed if one.is_new]
    added = [name for name in changed if name.said not in before]
    await name_edits.add_names(conn, stored.order_id, added, now)
    await name_edits.change_names(conn, stored.order_id, [n for n in changed if n.said in before], now)
    return filed


async def _accounts(
    conn: Conn,
    stored: StoredOrder,
    decided: Sequence[tuple[ParsedName, ResolvedName | UnresolvedName]],
    now: datetime,
    *,
    watch: bool,
) -> Mapping[tuple[Platform, str], AccountId]:
    found = {
        (said.platform, what.native_id): what.handle
        for said, what in decided
        if said.platform is not None and isinstance(what, ResolvedName)
    }
    accounts = [
        NewAccount(platform, native_id, handle, (stored.order.list_name,))
        for (platform, native_id), handle in found.items()
    ]
    if watch:
        await add_accounts(conn, accounts, now)
    else:
        for one in accounts:
            await name_edits.add_unwatched(conn, one.platform, one.native_id, one.handle, now)
    out: dict[tuple[Platform, str], AccountId] = {}
    for platform in Platform:
        ids = [native_id for where, native_id in found if where is platform]
        known = await listing.on_file(conn, platform, ids) if ids else {}
        out |= {(platform, native_id): account.account_id for native_id, account in known.items()}
    if not watch:
        await name_edits.put_on_list(conn, stored.list_id, list(out.values()), now)
    return out
