"""Pure: stored orders that a new one may be a copy of."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OrderHead:
    """An order as others refer to it."""

    order_id: int
    reference: str
    title: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class SimilarOrder:
    """A stored order that has mostly the names of another."""

    head: OrderHead
    shared: int
    """How many of its names the other has as well."""
    names: int
    """How many it has."""


def similar_orders(names: Set[str], stored: Sequence[tuple[OrderHead, Set[str]]]) -> tuple[SimilarOrder, ...]:
    """Return the stored orders that share more than half of the names, of the shorter of both lists.

    A name is a handle in lower case, or the words if they hold none. An order without names is like none.
    """
    found: list[SimilarOrder] = []
    for head, theirs in stored:
        shared = len(names & theirs)
        if shared * 2 > min(len(names), len(theirs)) > 0:
            found.append(SimilarOrder(head, shared, len(theirs)))
    return tuple(found)
