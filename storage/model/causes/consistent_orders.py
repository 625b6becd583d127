"""Pure: orders that a change fits. That is a relation of dates and countries, and no cause."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.availability import EVERYWHERE, State


@dataclass(frozen=True, slots=True)
class NamingOrder:
    """An order that names an account or a post."""

    order_id: int
    reference: str
    country: str
    issued_from: datetime
    """It was not issued before this."""


def consistent_orders(
    old: State | None, new: State, first_seen_new: datetime, naming: Iterable[NamingOrder]
) -> Sequence[NamingOrder]:
    """Return the orders that a change is consistent with, the earliest first.

    The order names the account, the account is withheld in the order's country since the change, and it was
    seen so no earlier than the order can have been issued. No other change is consistent with an order: an
    account may be suspended or gone for other reasons.
    """
    before = () if old is None else old.withheld_in
    gained = set(new.withheld_in) - set(before)
    found = [o for o in naming if gained & {o.country, EVERYWHERE} and o.issued_from <= first_seen_new]
    return sorted(found, key=lambda o: (o.issued_from, o.order_id))
