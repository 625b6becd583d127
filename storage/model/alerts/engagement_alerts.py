"""Acts of executives toward accounts that an order names: what an alert tells of them."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.signals import SignalKind


@dataclass(frozen=True, slots=True)
class NamedBy:
    """An order that names an account."""

    reference: str
    title: str
    country: str
    list_id: ListId
    list_name: str


@dataclass(frozen=True, slots=True)
class NamedAct:
    """One act, its target, and the orders that name the target."""

    signal_id: int
    act_key: str
    """The same in every database that holds the act."""
    executive: str
    executive_id: AccountId
    platform: Platform
    kind: SignalKind
    made_at: datetime | None
    """By the platform's own time; None where it gives none."""
    made_after: datetime | None
    """It lies between this and `first_seen_at`; None: nothing is known of its beginning."""
    first_seen_at: datetime
    target_id: AccountId
    target: str
    """Its handle."""
    tags: frozenset[str]
    orders: tuple[NamedBy, ...]
