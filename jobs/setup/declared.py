"""Pure: what a setup file declares, each with the line on which it stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.alerting.rules_file import FileRule
from storage.model.core.accounts import Platform
from storage.model.core.list_thresholds import ListThresholds
from storage.model.core.orders import NewOrderEvent

NOT_GIVEN = None
"""The value of a key that the file leaves out: what is stored stays as it is."""


THRESHOLDS = ("strong_readings", "weak_readings")
"""The keys of the thresholds of a list."""


@dataclass(frozen=True, slots=True)
class DeclaredList:
    """A watch list. The text `none` removes an interval, a retention or thresholds."""

    line: int
    name: str
    read_every: timedelta | str | None = NOT_GIVEN
    evidence_days: int | str | None = NOT_GIVEN
    archived: bool | None = NOT_GIVEN
    thresholds: ListThresholds | str | None = NOT_GIVEN


@dataclass(frozen=True, slots=True)
class DeclaredAccount:
    """An account to watch. It has a handle or an id."""

    line: int
    platform: Platform
    handle: str | None
    account_id: str | None
    lists: tuple[str, ...] | None = NOT_GIVEN
    tags: tuple[str, ...] | None = NOT_GIVEN


@dataclass(frozen=True, slots=True)
class DeclaredExecutive:
    """A person whose engagements are collected. It has a handle or an id."""

    line: int
    platform: Platform
    handle: str | None
    account_id: str | None
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class DeclaredEvent:
    """A notice, claim, statement or ruling of an order."""

    line: int
    event: NewOrderEvent


@dataclass(frozen=True, slots=True)
class DeclaredOrder:
    """A legal order. The text `none` removes a time."""

    line: int
    reference: str
    title: str
    issuer: str
    country: str
    legal_basis: str
    issued_at: datetime
    issued_from: datetime | str | None = NOT_GIVEN
    issued_to: datetime | str | None = NOT_GIVEN
    deadline_at: datetime | str | None = NOT_GIVEN
    named_count: int | None = NOT_GIVEN
    list_name: str | None = NOT_GIVEN
    keywords: tuple[str, ...] | None = NOT_GIVEN
    names: tuple[str, ...] | None = NOT_GIVEN
    events: tuple[DeclaredEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredSetup:
    """A setup file as read."""

    file: str
    """Its name, for sentences and the audit log."""
    sections: frozenset[str] = frozenset()
    """The kinds of things that the file has a section for. Only these may be removed."""
    lists: tuple[DeclaredList, ...] = ()
    accounts: tuple[DeclaredAccount, ...] = ()
    executives: tuple[DeclaredExecutive, ...] = ()
    rules: tuple[FileRule, ...] = ()
    orders: tuple[DeclaredOrder, ...] = ()
