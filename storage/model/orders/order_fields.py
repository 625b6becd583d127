"""Pure: what the fields of an order and of its events must be, and what an edit changes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType

from storage.model.core.orders import NewOrder, NewOrderEvent
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError

NONE = "none"
"""Written for a time, it takes the time away."""
MOST_NAMED = 999_999_999
"""More accounts than any order names, and a number that the database takes."""
LONGEST_TEXT = 2_000
"""Characters of a text field of an order or of an event."""

_TEXTS = ("reference", "title", "issuer", "legal_basis", "list_name")
_AS_NAMED: Mapping[str, str] = MappingProxyType({})


class OrderFault(CellError):
    """An order or an event that cannot be. `fields` are the names of the fields that are wrong."""

    def __init__(self, template: str, *names: str) -> None:
        """`template` is a sentence with each field in braces, or one that names none of them."""
        super().__init__(_filled(template, names, _AS_NAMED))
        self.fields = names
        self._template = template

    def with_labels(self, labels: Mapping[str, str]) -> str:
        """Return the sentence with the labels of a form in place of the names of the fields."""
        sentence = _filled(self._template, self.fields, labels)
        if not self.fields or any(f"{{{name}}}" in self._template for name in self.fields):
            return sentence
        return f"{labels.get(self.fields[0], self.fields[0])}: {sentence}"


@dataclass(frozen=True, slots=True)
class OrderEdit:
    """The fields that an edit changes. None means that a field stays; NONE takes a time away."""

    title: str | None = None
    issuer: str | None = None
    country: str | None = None
    legal_basis: str | None = None
    issued_at: datetime | None = None
    issued_from: datetime | str | None = None
    issued_to: datetime | str | None = None
    deadline_at: datetime | str | None = None
    named_count: int | None = None
    list_name: str | None = None


def checked(order: NewOrder) -> NewOrder:
    """Return the order if it can be one. Raises OrderFault."""
    for name in _TEXTS:
        _text(getattr(order, name), name)
    try:
        csv_cells.country(order.country)
    except CellError as fault:
        raise OrderFault(str(fault), "country") from fault
    if not 0 <= order.named_count <= MOST_NAMED:
        raise OrderFault(
            f"{{named_count}} is {order.named_count}, but must not be negative or above {MOST_NAMED:,}.",
            "named_count",
        )
    if order.deadline_at is not None and order.deadline_at < order.issued_at:
        raise OrderFault("{deadline_at} is before {issued_at}.", "deadline_at", "issued_at")
    first, last = order.issued_from or order.issued_at, order.issued_to or order.issued_at
    if not first <= order.issued_at <= last:
        raise OrderFault(
            "{issued_at} is not between {issued_from} and {issued_to}.",
            "issued_at",
            "issued_from",
            "issued_to",
        )
    return order


def edited(order: NewOrder, edit: OrderEdit) -> NewOrder:
    """Return the order with what the edit changes. Raises OrderFault when it cannot be one."""
    given = {f.name: getattr(edit, f.name) for f in fields(edit)}
    changes = {name: None if value == NONE else value for name, value in given.items() if value is not None}
    return checked(replace(order, **changes))


def day_around(at: datetime) -> tuple[datetime, datetime]:
    """Return the first and the last second of the day of a moment: the range of a date whose time is not
    known.
    """
    begin = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    return begin, begin + timedelta(days=1, seconds=-1)


def checked_event(event: NewOrderEvent) -> NewOrderEvent:
    """Return the event, without spaces around its texts, if it can be one. Raises OrderFault."""
    event = replace(event, text=event.text.strip(), source=event.source.strip())
    for name in ("text", "source"):
        _text(getattr(event, name), name)
    if not (event.at_from or event.at) <= event.at <= (event.at_to or event.at):
        raise OrderFault("{at} is not between {at_from} and {at_to}.", "at", "at_from", "at_to")
    return event


def _text(text: str, name: str) -> None:
    if not text.strip():
        raise OrderFault(f"{{{name}}} is empty.", name)
    if len(text) > LONGEST_TEXT:
        raise OrderFault(f"{{{name}}} has {len(text):,} characters; the limit is {LONGEST_TEXT:,}.", name)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise OrderFault(f"{{{name}}} contains a character that is not allowed.", name)


def _filled(template: str, names: tuple[str, ...], labels: Mapping[str, str]) -> str:
    for name in names:
        template = template.replace(f"{{{name}}}", labels.get(name, name))
    return template
