"""Pure: orders that come with all their names, in whatever form they were published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.model.core.availability import State
from storage.model.core.orders import NewOrder
from storage.model.tables.said_names import ParsedName


@dataclass(frozen=True, slots=True)
class PublishedCheck:
    """What others saw of a name from a place, in their words, and our state where these tell one."""

    place: str
    of_post: bool
    answer: str
    state: State | None


@dataclass(frozen=True, slots=True)
class ImportedOrder:
    """An order as a file brings it, with the names in it and what others saw of them."""

    line: int
    order: NewOrder
    names: tuple[ParsedName, ...]
    checks: Mapping[str, tuple[PublishedCheck, ...]]
    """By the words of the name."""
    summary: str
    """Its names in numbers, to follow "is stored"."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What was done with a line that is not as it should be, and was taken."""

    line: int
    what: str
    did: str


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a file, and what is to be said of its lines."""

    orders: tuple[ImportedOrder, ...]
    remarks: tuple[Remark, ...]
    totals: str = ""
    """What has to be known of all together, as a sentence."""


def accounts_in(names: Sequence[ParsedName]) -> int:
    """How many accounts are named, each counted once. Posts are not counted."""
    named = {(n.platform, (n.handle or n.native_id or "").lower()) for n in names if n.post_id is None}
    return sum(name != "" for _, name in named)
