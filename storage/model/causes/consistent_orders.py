"""Pure: orders that a change fits. That is a relation of dates and countries, and no cause."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from storage.model.core.availability import EVERYWHERE, State
from storage.model.core.orders import Order


def consistent_orders(
    old: State | None, new: State, first_seen_new: datetime, naming: Iterable[Order]
) -> Sequence[Order]:
    """Return which of the orders that name an account or a post a change is consistent with, the earliest
    first.

    The order names the account, the account is withheld in the order's country since the change, and it was
    seen so no earlier than the order can have been issued. No other change is consistent with an order: an
    account may be suspended or gone for other reasons.
    """
    before = () if old is None else old.withheld_in
    gained = set(new.withheld_in) - set(before)
    found = [o for o in naming if gained & {o.country, EVERYWHERE} and o.earliest_issue <= first_seen_new]
    return sorted(found, key=lambda o: (o.earliest_issue, o.order_id))
