"""Pure: what can be taken out of the store: kinds of rows, what a column may hold, how rows are chosen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.core.accounts import Platform


class Kind(StrEnum):
    """One table of an export."""

    CHANGES = "changes"
    SPELLS = "spells"
    STATES = "states"
    READINGS = "readings"
    COVERAGE = "coverage"
    ACCOUNTS = "accounts"
    LISTS = "lists"
    ORDERS = "orders"
    ORDER_EVENTS = "order-events"
    SIGNALS = "signals"
    RENAMES = "renames"
    FACTS = "facts"
    CAUSES = "causes"
    TRANSPARENCY = "transparency"
    LABELS = "labels"
    CHAIN = "chain"


class Cell(StrEnum):
    """What a column holds. Any cell may be None: that is what nobody saw or said."""

    TEXT = "text"
    WORDS = "words"
    """A list of words without a space in them, such as countries."""
    TIME = "time"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Choice(StrEnum):
    """By what rows can be chosen; the value is the option that a user types."""

    SINCE = "--since"
    UNTIL = "--until"
    AT = "--at"
    KNOWN_AT = "--as-known-at"
    LIST = "--list"
    PLATFORM = "--platform"
    POST = "--post"
    REPEATEDLY_BLOCKED = "--repeatedly-blocked"

    @property
    def field(self) -> str:
        """The name in the API and in the metadata of exported files, where a range is `from` and `to`."""
        older = {Choice.SINCE: "from", Choice.UNTIL: "to"}
        return older.get(self) or self.value.strip("-").replace("-", "_")


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """Which rows. None leaves a choice out."""

    now: datetime
    """Stands for `at` and `known_at` where a row has to name a time."""
    since: datetime | None = None
    """The first moment that is wanted."""
    until: datetime | None = None
    """The first moment that is not wanted any more."""
    at: datetime | None = None
    known_at: datetime | None = None
    """Only what had been recorded up to then. None: the present knowledge."""
    list_name: str | None = None
    platform: Platform | None = None
    post: bool | None = None
    """True: posts only. False: accounts only."""
    repeatedly_blocked: bool = False
    """Only accounts and posts with two or more block periods."""

    @property
    def choices(self) -> dict[Choice, datetime | str | None]:
        """What was chosen, by option."""
        return {
            Choice.SINCE: self.since,
            Choice.UNTIL: self.until,
            Choice.AT: self.at,
            Choice.KNOWN_AT: self.known_at,
            Choice.LIST: self.list_name,
            Choice.PLATFORM: self.platform,
            Choice.POST: None if self.post is None else str(self.post).lower(),
            Choice.REPEATEDLY_BLOCKED: "true" if self.repeatedly_blocked else None,
        }
