"""Pure: what is stored of everything that a setup file can declare, and what its names may mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.setup.declared import DeclaredAccount, DeclaredExecutive, DeclaredSetup
from storage.model.alerts.rules import StoredRule
from storage.model.core.accounts import AccountId, Executive, ListId, Platform
from storage.model.core.list_thresholds import ListThresholds
from storage.model.core.orders import NameCandidate, NewOrder, OrderEvent, OrderName
from storage.model.orders.pasted_names import lines_of_names
from storage.model.tables.name_check import CheckedLine
from storage.model.tables.name_matching import StoredAccounts
from storage.model.tables.said_names import ParsedName
from storage.model.tables.watch_import_plan import SetUpAccount

Key = tuple[Platform, str]
"""The platform and the native id of an account."""


@dataclass(frozen=True, slots=True)
class SetUpList:
    """A stored list."""

    name: str
    order: str | None
    """The reference of the order that it belongs to."""
    read_every: timedelta | None
    evidence_days: int | None
    fewest_days: int = 0
    """The shortest retention that it may have."""
    is_archived: bool = False
    thresholds: ListThresholds | None = None
    """None: the default ones."""


@dataclass(frozen=True, slots=True)
class SetUpOrder:
    """A stored order with what belongs to it."""

    order_id: int
    list_id: ListId
    order: NewOrder
    names: tuple[OrderName, ...]
    """Withdrawn ones too."""
    keywords: tuple[str, ...]
    events: tuple[OrderEvent, ...]


@dataclass(frozen=True, slots=True)
class StoredSetup:
    """What is stored, as far as a setup file can declare it."""

    lists: Mapping[str, SetUpList] = field(default_factory=dict[str, SetUpList])
    accounts: Mapping[Key, SetUpAccount] = field(default_factory=dict[Key, SetUpAccount])
    """All that are watched, and those that the file means."""
    executives: Mapping[Key, Executive] = field(default_factory=dict[Key, Executive])
    rules: Sequence[StoredRule] = ()
    """In the order in which they are tried."""
    unreadable_rules: frozenset[str] = frozenset()
    orders: Mapping[str, SetUpOrder] = field(default_factory=dict[str, SetUpOrder])
    """By reference, in the order of their dates. Empty if the file declares no orders."""
    events: Mapping[tuple[datetime, str], OrderEvent] = field(
        default_factory=dict[tuple[datetime, str], OrderEvent]
    )
    """Of all orders and of none, by time and text."""
    naming: Mapping[AccountId, frozenset[str]] = field(default_factory=dict[AccountId, frozenset[str]])
    """The references of the orders that name an account."""
    called: StoredAccounts = field(default_factory=dict[Key, Sequence[NameCandidate]])
    """The stored accounts that handles and ids of the file may mean."""
    checked: Mapping[tuple[Platform, str], CheckedLine] = field(default_factory=dict[Key, CheckedLine])
    """What platforms said of handles of the file, by handle in lower case."""


def names_in(setup: DeclaredSetup) -> list[ParsedName]:
    """Return the accounts of a file, and the names of its orders, as names to match."""
    people = [said_of(one) for one in (*setup.accounts, *setup.executives)]
    named = [line.said for order in setup.orders for line in lines_of_names(order.names or (), None)]
    return [*people, *named]


def said_of(one: DeclaredAccount | DeclaredExecutive) -> ParsedName:
    """Return a declared account as a name: by its id if it is given, else by its handle."""
    handle = None if one.account_id is not None else one.handle
    words = f"{one.platform.value}:{one.handle or one.account_id}"
    return ParsedName(one.line, words, one.platform, handle, one.account_id)
