"""Pure: count what others observed of the accounts that an order names."""

from collections.abc import Sequence
from typing import TypeAlias

from storage.model.core.accounts import Platform
from storage.model.core.availability import State
from storage.model.core.orders import OrderCheck, OrderName
from storage.model.platforms.registry import DECLARED

Named: TypeAlias = tuple[Platform | None, str]
"""An account as an order names it: its platform and its handle in lower case."""


def account_in(name: OrderName) -> Named | None:
    """The account whose handle a name contains: itself, or the author of the post. None: it contains none."""
    handle = name.handle
    if handle is not None and name.post_id is not None and name.platform is not None:
        handle = DECLARED[name.platform].author_handle(handle)
    return (name.platform, handle.lower()) if handle else None


def accounts_seen(
    names: Sequence[OrderName], checks: Sequence[OrderCheck]
) -> dict[tuple[str, State | None], int]:
    """Count the accounts seen in each state, by place and state.

    An account with two states counts in both, so the sum can exceed the number of accounts. The state None
    counts accounts for which no check from that place found a state. Checks of posts are not included.
    """
    seen: dict[tuple[Named, str], set[State]] = {}
    accounts = {name.order_name_id: account_in(name) for name in names}
    for check in checks:
        account = accounts.get(check.order_name_id)
        if account is not None and not check.of_post:
            states = seen.setdefault((account, check.place), set())
            if check.state is not None:
                states.add(check.state)
    out: dict[tuple[str, State | None], int] = {}
    for (_, place), states in seen.items():
        for state in states or {None}:
            out[place, state] = out.get((place, state), 0) + 1
    return out
