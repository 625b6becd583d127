"""Pure: count what others observed of the accounts that an order names."""

from collections.abc import Sequence
from typing import TypeAlias

from storage.model.core.accounts import Platform
from storage.model.core.availability import State
from storage.model.core.orders import OrderCheck, OrderName

_NO_AUTHOR = "i"
"""Stands for the author in addresses of X, where no account has this handle."""

Named: TypeAlias = tuple[Platform | None, str]
"""An account as an order names it: its platform and its handle in lower case."""


def accounts_named(names: Sequence[OrderName]) -> dict[Named, list[OrderName]]:
    """Group the names of an order by the account whose handle they contain: its own name, and its posts."""
    out: dict[Named, list[OrderName]] = {}
    for name in names:
        if (who := account_in(name)) is not None:
            out.setdefault(who, []).append(name)
    return out


def account_in(name: OrderName) -> Named | None:
    """The account whose handle a name contains: itself, or the author of the post. None: it contains none."""
    handle = name.handle
    if handle is not None and name.post_id is not None:
        handle = handle.removesuffix(f"/{name.post_id}")
        handle = None if handle == _NO_AUTHOR else handle
    return None if handle is None else (name.platform, handle.lower())


def accounts_seen(
    names: Sequence[OrderName], checks: Sequence[OrderCheck]
) -> dict[tuple[str, State | None], int]:
    """Count the accounts seen in each state, by place and state.

    An account with two states counts in both, so the sum can exceed the number of accounts. The state None
    counts accounts for which no check from that place found a state. Checks of posts are not included.
    """
    seen: dict[tuple[Named, str], set[State]] = {}
    whose = {n.order_name_id: who for who, some in accounts_named(names).items() for n in some}
    for check in checks:
        if not check.of_post and check.order_name_id in whose:
            states = seen.setdefault((whose[check.order_name_id], check.place), set())
            if check.state is not None:
                states.add(check.state)
    out: dict[tuple[str, State | None], int] = {}
    for (_, place), states in seen.items():
        for state in states or {None}:
            out[place, state] = out.get((place, state), 0) + 1
    return out
