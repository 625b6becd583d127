"""Pure: reading a setup file. Each fault is reported with its line."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar, cast

from jobs.alerting.rules_file import read_rule_tables
from jobs.setup.declared import (
    THRESHOLDS,
    DeclaredAccount,
    DeclaredEvent,
    DeclaredExecutive,
    DeclaredList,
    DeclaredOrder,
    DeclaredSetup,
)
from storage.model.core.accounts import Platform
from storage.model.core.list_thresholds import ListThresholds
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NewOrder,
    NewOrderEvent,
    OrderEventKind,
)
from storage.model.orders.order_fields import MOST_NAMED, NONE, OrderFault, checked, checked_event
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import Parsed, TableError, sorted_problems
from storage.model.tables.tag_and_list_edits import LONGEST_KEEPING, tag_fault
from storage.model.tables.toml_tables import TomlLines, TomlTable, lines_of_toml, read_document, tables_of
from storage.model.text.states import clean, handle_name
from storage.model.text.units import parse_duration

SECTIONS = ("lists", "accounts", "executives", "rules", "orders")
_CLAIM = ("claimed", "claimed_of", "claimed_what", "claimed_targets", "at_least")
_LABELS = {"list_name": "list"}
"""Fields of an order that a setup file calls otherwise."""
_SHORTEST_INTERVAL = timedelta(minutes=1)


class _Declared(Protocol):
    @property
    def line(self) -> int: ...


T = TypeVar("T")
D = TypeVar("D", bound=_Declared)
E = TypeVar("E", bound=StrEnum)


class _KeyFault(Exception):
    """A key of a table is wrong. `value` is the text in its array that is wrong; None for the whole key."""

    def __init__(self, key: str | None, fault: str, value: str | None = None) -> None:
        super().__init__(fault)
        self.key, self.value = key, value


def read_setup(content: bytes, name: str, now: datetime) -> Parsed[DeclaredSetup]:
    """Return what a setup file called `name` declares, as the only row, and a problem for each faulty table.

    Orders and events are known since `now`. Raises TableError if the file is not TOML, or contains
    anything else.
    """
    text, document = read_document(content, name)
    allowed = ", ".join(f"[[{section}]]" for section in SECTIONS)
    for key in document:
        if key not in SECTIONS:
            raise TableError(name, None, f"the key {clean(key)} is not allowed; use only {allowed}.")
    reader = _Reader(name, lines_of_toml(text), now)
    tables = {section: reader.tables(section, document.get(section, [])) for section in SECTIONS}
    rules = read_rule_tables(tables["rules"], reader.lines, name)
    events = reader.events_of(tables["orders"])
    setup = DeclaredSetup(
        name,
        frozenset(document),
        reader.each(tables["lists"], _list, lambda one: [("list", one.name)]),
        reader.each(tables["accounts"], _account, _identities),
        reader.each(tables["executives"], _executive, _identities),
        rules.rows,
        reader.each(
            tables["orders"],
            lambda fields: _order(fields, events[fields.table.line], now),
            lambda one: [("order", one.reference), ("list", one.list_name or one.reference)],
        ),
    )
    return Parsed((setup,), sorted_problems((*reader.problems, *rules.problems)))


class _Reader:
    """Reads the tables of one file, and collects its problems."""

    def __init__(self, file: str, lines: TomlLines, now: datetime) -> None:
        self.file, self.lines, self.now = file, lines, now
        self.problems: list[TableError] = []

    def tables(self, section: str, value: object) -> list[TomlTable]:
        """Return the tables of a section. An empty array declares that there is nothing of its kind."""
        if value == []:
            return []
        found = tables_of(self.lines, section, value)
        if found is None:
            raise TableError(self.file, None, f"write {section} as tables, each under a line [[{section}]].")
        return found

    def events_of(self, orders: Sequence[TomlTable]) -> dict[int, list[TomlTable]]:
        """Return the tables [[orders.events]] by the line of their order."""
        given = [cast("object", order.values.get("events", [])) for order in orders]
        flat = [one for some in given if isinstance(some, list) for one in cast("list[object]", some)]
        tables = tables_of(self.lines, "orders.events", flat)
        if tables is None or not all(isinstance(some, list) for some in given):
            raise TableError(self.file, None, "write events as tables, each under a line [[orders.events]].")
        rest = iter(tables)
        return {
            order.line: [next(rest) for _ in cast("list[object]", some)]
            for order, some in zip(orders, given, strict=True)
        }

    def each(
        self,
        tables: Sequence[TomlTable],
        read: Callable[["_Fields"], D],
        identities: Callable[[D], list[tuple[Hashable, ...]]],
    ) -> tuple[D, ...]:
        """Return the tables as `read` takes them. One that it refuses, or that comes again, is a problem."""
        found: list[D] = []
        first: dict[Hashable, int] = {}
        for table in tables:
            try:
                one = read(_Fields(table, self))
            except _KeyFault as fault:
                where = self.lines.line_in(table.line, fault.key, fault.value)
                self.problems.append(TableError(self.file, where, str(fault)))
                continue
            again = next((name for name in identities(one) if name in first), None)
            if again is not None:
                said = f"{clean(str(again[0]))} {clean(str(again[-1]))}"
                fault = f"{said} is already declared on line {first[again]}."
                self.problems.append(TableError(self.file, table.line, fault))
                continue
            first |= dict.fromkeys(identities(one), table.line)
            found.append(one)
        return tuple(found)


class _Fields:
    """The keys of one table. Each method raises _KeyFault for a key that is missing or wrong."""

    def __init__(self, table: TomlTable, reader: _Reader) -> None:
        self.table, self.reader = table, reader

    def only(self, *allowed: str) -> None:
        for key in self.table.values:
            if key not in allowed:
                raise _KeyFault(key, f"{clean(key)} is not a key of this table; use {', '.join(allowed)}.")

    def get(self, key: str, kind: type[T], what: str) -> T | None:
        value: Any = self.table.values.get(key)
        if value is not None and (
            not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool)
        ):
            raise _KeyFault(key, f"{key} must be {what}.")
        return value

    def text(self, key: str) -> str | None:
        found = self.get(key, str, "text in quotes")
        if found is not None and (not found.strip() or "\0" in found):
            raise _KeyFault(key, f"{key} is empty or contains a character that is not allowed.")
        return found

    def needed(self, key: str) -> str:
        found = self.text(key)
        if found is None:
            raise _KeyFault(None, f"{key} is missing.")
        return found

    def count(self, key: str, most: int = MOST_NAMED) -> int | None:
        found = self.get(key, int, "a number")
        if found is not None and not 0 <= found <= most:
            raise _KeyFault(key, f"{key} is {found}, but must be from 0 to {most:,}.")
        return found

    def texts(self, key: str, fault_of: Callable[[str], str | None]) -> tuple[str, ...] | None:
        """The texts of an array, each once and without spaces around it."""
        found = cast("list[object] | None", self.get(key, list, "a list of texts in brackets"))
        if found is None:
            return None
        out: dict[str, None] = {}
        for one in found:
            if not isinstance(one, str):
                raise _KeyFault(key, f"{key} must be a list of texts in brackets.")
            fault = fault_of(one.strip())
            if fault is not None:
                raise _KeyFault(key, fault, one)
            out[one.strip()] = None
        return tuple(out)

    def cell(self, key: str, read: Callable[[str], T]) -> T | None:
        """A text as a cell of a CSV table would be read."""
        found = self.text(key)
        try:
            return None if found is None else read(found.strip())
        except CellError as fault:
            raise _KeyFault(key, str(fault)) from fault

    def member(self, key: str, kind: type[E]) -> E | None:
        found = self.text(key)
        try:
            return None if found is None else kind(found)
        except ValueError:
            raise _KeyFault(key, f"{key} {clean(found or '')!r} is not one of {', '.join(kind)}.") from None

    def moment(self, key: str) -> datetime | None:
        """A time with its zone, in quotes or as TOML writes it."""
        value: Any = self.table.values.get(key)
        if isinstance(value, datetime):
            value = value.isoformat()
        if value is None:
            return None
        try:
            return csv_cells.moment(value if isinstance(value, str) else str(value), key)
        except CellError as fault:
            raise _KeyFault(key, str(fault)) from fault

    def moment_or_none(self, key: str) -> datetime | str | None:
        return NONE if self.table.values.get(key) == NONE else self.moment(key)


def _list(fields: _Fields) -> DeclaredList:
    fields.only("name", "read_every", "evidence_days", "thresholds", "archived")
    name = fields.needed("name")
    days: int | str | None = None
    if fields.table.values.get("evidence_days") == NONE:
        days = NONE
    elif (days := fields.count("evidence_days", LONGEST_KEEPING)) == 0:
        raise _KeyFault("evidence_days", "evidence_days is 0; write 1 or more, or none to keep all.")
    archived = fields.get("archived", bool, "true or false")
    return DeclaredList(fields.table.line, name, _interval(fields), days, archived, _thresholds(fields))


def _thresholds(fields: _Fields) -> ListThresholds | str | None:
    key = "thresholds"
    if fields.table.values.get(key) == NONE:
        return NONE
    form = "{ strong_readings = 2, weak_readings = 4 }"
    given = cast("dict[str, object] | None", fields.get(key, dict, f'"none" or written as {form}'))
    if given is None:
        return None
    numbers = [given.get(name) for name in THRESHOLDS]
    strong, weak = (one if isinstance(one, int) and not isinstance(one, bool) else None for one in numbers)
    if strong is None or weak is None or len(given) != len(THRESHOLDS):
        raise _KeyFault(key, f"{key} must have two numbers, as in {form}.")
    try:
        return ListThresholds(strong, weak)
    except ValueError as fault:
        raise _KeyFault(key, str(fault)) from fault


def _interval(fields: _Fields) -> timedelta | str | None:
    every = fields.text("read_every")
    if every in {None, NONE}:
        return every
    try:
        often = parse_duration(every or "")
    except ValueError as error:
        raise _KeyFault("read_every", f"read_every: {error}") from error
    if often < _SHORTEST_INTERVAL:
        raise _KeyFault("read_every", "read_every: the shortest guaranteed interval is 1m.")
    return often


def _who(fields: _Fields) -> tuple[Platform, str | None, str | None]:
    """The platform, the handle and the id. A handle may also be the address of a profile."""
    fields.needed("platform")
    platform = fields.cell("platform", csv_cells.platform)
    assert platform is not None  # noqa: S101 - it is needed
    account_id = fields.cell("account_id", lambda text: csv_cells.account_id(text, platform))
    handle = fields.cell("handle", lambda text: csv_cells.handle(text, platform))
    if handle is None and account_id is None:
        raise _KeyFault(None, "handle and account_id are both missing.")
    return platform, handle, account_id


def _account(fields: _Fields) -> DeclaredAccount:
    fields.only("platform", "handle", "account_id", "lists", "tags")
    lists, tags = fields.texts("lists", _name_fault), fields.texts("tags", tag_fault)
    return DeclaredAccount(fields.table.line, *_who(fields), lists, tags and tuple(sorted(tags)))


def _executive(fields: _Fields) -> DeclaredExecutive:
    fields.only("platform", "handle", "account_id", "name", "title")
    return DeclaredExecutive(fields.table.line, *_who(fields), fields.needed("name"), fields.needed("title"))


def _identities(one: DeclaredAccount | DeclaredExecutive) -> list[tuple[Hashable, ...]]:
    """By any of these, two tables speak of the same account; handles do not tell capitals apart."""
    found: list[tuple[Hashable, ...]] = []
    if one.handle is not None and one.account_id is None:
        found.append(("account", one.platform, handle_name(one.handle.lower())))
    if one.account_id is not None:
        found.append(("account", one.platform, one.account_id))
    return found


def _order(fields: _Fields, events: Sequence[TomlTable], now: datetime) -> DeclaredOrder:
    fields.only(
        "reference",
        "title",
        "issuer",
        "country",
        "legal_basis",
        "issued_at",
        "issued_from",
        "issued_to",
        "deadline_at",
        "named_count",
        "list",
        "keywords",
        "names",
        "events",
    )
    issued_at = fields.moment("issued_at")
    if issued_at is None:
        raise _KeyFault(None, "issued_at is missing.")
    reference = fields.needed("reference")
    found = DeclaredOrder(
        fields.table.line,
        reference,
        fields.needed("title"),
        fields.needed("issuer"),
        fields.needed("country"),
        fields.needed("legal_basis"),
        issued_at,
        fields.moment_or_none("issued_from"),
        fields.moment_or_none("issued_to"),
        fields.moment_or_none("deadline_at"),
        fields.count("named_count"),
        fields.text("list"),
        _keywords(fields),
        fields.texts("names", _name_fault),
        fields.reader.each(
            events,
            lambda one: _event(one, reference, now),
            lambda one: [("event", one.event.at, one.event.text)],
        ),
    )
    try:
        checked(new_order(found, now))
    except OrderFault as fault:
        key = fault.fields[0] if fault.fields else None
        raise _KeyFault(
            "list" if key == "list_name" else key, fault.with_labels({"list_name": "list"})
        ) from fault
    return found


def new_order(one: DeclaredOrder, now: datetime) -> NewOrder:
    """Return a declared order as a new one, known since `now`."""
    return NewOrder(
        reference=one.reference,
        title=one.title,
        issuer=one.issuer,
        country=one.country,
        legal_basis=one.legal_basis,
        issued_at=one.issued_at,
        issued_from=_time(one.issued_from),
        issued_to=_time(one.issued_to),
        deadline_at=_time(one.deadline_at),
        named_count=one.named_count or 0,
        list_name=one.list_name or one.reference,
        known_at=now,
    )


def _time(value: datetime | str | None) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _name_fault(name: str) -> str | None:
    if not name or "\0" in name:
        return f"the name {clean(name)!r} is empty or contains a character that is not allowed."
    return None


def _keywords(fields: _Fields) -> tuple[str, ...] | None:
    given = fields.texts("keywords", lambda _: None)
    try:
        return None if given is None else tuple(sorted(csv_cells.keywords(" ".join(given))))
    except CellError as fault:
        raise _KeyFault("keywords", str(fault)) from fault


def _event(fields: _Fields, reference: str, now: datetime) -> DeclaredEvent:
    fields.only(
        "kind",
        "at",
        "at_from",
        "at_to",
        "text",
        "source",
        "claimed",
        "claimed_of",
        "claimed_what",
        "claimed_targets",
        "at_least",
    )
    fields.needed("kind")
    kind, at = fields.member("kind", OrderEventKind), fields.moment("at")
    if at is None or kind is None:
        raise _KeyFault(None, "at is missing.")
    claim = _claim(fields)
    event = NewOrderEvent(
        reference,
        kind,
        at,
        fields.moment("at_from"),
        fields.moment("at_to"),
        fields.needed("text"),
        fields.needed("source"),
        now,
        claim,
    )
    try:
        return DeclaredEvent(fields.table.line, checked_event(event))
    except OrderFault as fault:
        raise _KeyFault(fault.fields[0] if fault.fields else None, str(fault)) from fault


def _claim(fields: _Fields) -> Claim | None:
    count, of = fields.count("claimed"), fields.count("claimed_of")
    what = fields.member("claimed_what", ClaimedWhat)
    targets = fields.member("claimed_targets", ClaimedTargets)
    at_least = fields.get("at_least", bool, "true or false")
    if count is not None and what is not None:
        return Claim(count, of, what, bool(at_least), targets)
    if any(value is not None for value in (count, of, what, targets, at_least)):
        raise _KeyFault(None, "claimed and claimed_what must both be given, or no key about a claim.")
    return None
