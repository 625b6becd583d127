"""Pure: one thing to write so that what is stored agrees with a setup file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from jobs.setup.declared import DeclaredEvent
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.list_thresholds import ListThresholds
from storage.model.core.orders import NewOrder
from storage.model.orders.order_fields import OrderEdit
from storage.model.tables.csv_rows import TableError


class Verb(StrEnum):
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class ListWrite:
    """Make a list, or set its interval, its retention and its thresholds. None in `every`, `days` and
    `thresholds` means without.
    """

    name: str
    is_new: bool = False
    sets_interval: bool = False
    every: timedelta | None = None
    sets_days: bool = False
    days: int | None = None
    archived: bool | None = None
    """None leaves it archived or in use."""
    sets_thresholds: bool = False
    thresholds: ListThresholds | None = None


@dataclass(frozen=True, slots=True)
class WatchWrite:
    """Watch an account, and put it on lists."""

    platform: Platform
    native_id: str
    handle: str
    lists: tuple[str, ...]
    tags: tuple[str, ...]
    leave: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountWrite:
    """Change the lists and tags of a watched account."""

    account_id: AccountId
    join: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StopWrite:
    """Stop watching an account."""

    account_id: AccountId


@dataclass(frozen=True, slots=True)
class LookUpWrite:
    """Have the platform of a handle asked for its id."""

    platform: Platform
    handle: str


@dataclass(frozen=True, slots=True)
class ExecutiveWrite:
    """Add a person, or change the name and the title."""

    platform: Platform
    native_id: str
    handle: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class RuleWrite:
    """Store a rule."""

    rule: AlertRule
    enabled: bool


@dataclass(frozen=True, slots=True)
class RuleOff:
    """Disable a rule."""

    name: str


@dataclass(frozen=True, slots=True)
class RuleOrder:
    """Try the rules that were made by hand in this order."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderWrite:
    """Store an order, or change it, with what belongs to it."""

    reference: str
    new: NewOrder | None = None
    """None: the order is stored."""
    edit: OrderEdit = field(default_factory=OrderEdit)
    named_count: int | None = None
    """The declared number of accounts; None leaves it."""
    add_names: tuple[str, ...] = ()
    withdraw: tuple[str, ...] = ()
    add_keywords: tuple[str, ...] = ()
    remove_keywords: tuple[str, ...] = ()
    events: tuple[DeclaredEvent, ...] = ()


Write = (
    ListWrite
    | WatchWrite
    | AccountWrite
    | StopWrite
    | LookUpWrite
    | ExecutiveWrite
    | RuleWrite
    | RuleOff
    | RuleOrder
    | OrderWrite
)


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One line of the difference."""

    verb: Verb
    kind: str
    """list, account, executive, rule or order."""
    name: str
    words: str
    """What is done, as a clause; empty if the verb says it."""
    write: Write
    line: int | None = None
    """Where the file declares it; None: the file does not."""

    @property
    def sentence(self) -> str:
        return f"{self.verb} {self.kind} {self.name}" + (f": {self.words}" if self.words else "")


@dataclass(frozen=True, slots=True)
class SetupDifference:
    """Everything that has to be written, in the order in which it is printed."""

    steps: tuple[SetupStep, ...]
    unchanged: Mapping[str, int]
    """How many declared things are stored already, by kind."""
    notes: tuple[str, ...]
    """Names that wait for their platform, or that it does not know."""
    problems: tuple[TableError, ...]
    """Why nothing can be written. Empty if it can."""
