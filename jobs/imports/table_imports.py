"""Import users' files into the database. Every line is reported, and either all are stored or none.

With `partial`, the valid lines are stored and the others are reported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from jobs.base.wording import handle_name, number
from jobs.collect.name_lookup import Answers, Resolver
from jobs.imports.orders_executives_csv import ExecutiveRow, OrderRow, executive_rows, order_rows
from jobs.imports.withheld_crawl import COLUMNS, Crawl, read_crawl
from storage.accounts.watch_import import watch
from storage.executives import signals
from storage.imports.imports import import_history
from storage.live import lists_and_executives
from storage.model.core.accounts import Platform
from storage.model.core.orders import NewOrder, Order
from storage.model.tables.csv_rows import Parsed, TableError, header_of, sorted_problems
from storage.model.tables.name_matching import UnresolvedName
from storage.model.tables.watch_import_plan import Identified, WatchLineResult, identified_rows
from storage.model.tables.watch_list_csv import WatchRow, watch_rows
from storage.model.text.states import clean
from storage.model.text.target_counts import counted_targets
from storage.orders import orders
from storage.postgres.pool import Conn, Pool, transaction

_CRAWL_ONLY = set(COLUMNS) - {"account_id", "handle"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import."""

    kind: str
    lines: tuple[WatchLineResult, ...]
    """The accepted lines; empty for a published crawl, which is reported as a whole."""
    problems: tuple[TableError, ...]
    """The refused lines."""
    stored: bool
    """False means that nothing was written, because of the problems."""
    summary: str
    figures: dict[str, int] = field(default_factory=dict[str, int])
    ignored: tuple[str, ...] = ()
    """Columns that this import does not use."""


async def import_accounts(
    pool: Pool, content: bytes, name: str, resolver: Resolver, actor: str, now: datetime, *, partial: bool
) -> ImportReport:
    """Import a watch list, or a published crawl of withheld accounts; the header decides which.

    Raises TableError when the file as a whole cannot be read.
    """
    if _CRAWL_ONLY & set(header_of(content)):
        return await import_crawl(pool, read_crawl(content, name), now, partial=partial)
    parsed = await identified(watch_rows(content, name), name, resolver)
    if _refused(parsed, partial=partial):
        return _nothing("watch_list", parsed)
    async with transaction(pool) as conn:
        lines = await watch(conn, parsed.rows, name, actor, now)
    targets = counted_targets((one.row.platform, one.native_id) for one in parsed.rows)
    return _stored("watch_list", parsed, lines, f"{targets.words()} of {name} watched")


async def import_orders(
    pool: Pool, content: bytes, name: str, now: datetime, *, partial: bool
) -> ImportReport:
    """Import legal orders. Stored orders stay unchanged. Raises TableError as `import_accounts` does."""
    parsed = order_rows(content, name, now)
    async with transaction(pool) as conn:
        names = {w.list_id: w.name for w in await lists_and_executives.lists(conn)}
        stored = [_as_new_order(o, names[o.list_id]) for o in await orders.orders(conn)]
        parsed = _without_fault(parsed, lambda row: _order_fault(row.order, stored), name)
        if _refused(parsed, partial=partial):
            return _nothing("orders", parsed)
        lines = [await _store_order(conn, row, now, stored) for row in parsed.rows]
    return _stored("orders", parsed, tuple(lines), f"{number(len(lines), 'order')} of {name} stored")


async def import_executives(
    pool: Pool, content: bytes, name: str, resolver: Resolver, now: datetime, *, partial: bool
) -> ImportReport:
    """Import people whose engagements are collected. Raises TableError as `import_accounts` does."""
    parsed = await identified(executive_rows(content, name), name, resolver)
    if _refused(parsed, partial=partial):
        return _nothing("executives", parsed)
    async with transaction(pool) as conn:
        known = {
            (platform, e.account.native_id): (e.name, e.title)
            for platform in Platform
            for e in await signals.executives(conn, platform)
        }
        lines = [await _store_executive(conn, person, now, known) for person in parsed.rows]
    return _stored("executives", parsed, tuple(lines), f"{number(len(lines), 'executive')} of {name} stored")


async def import_crawl(pool: Pool, crawl: Crawl, now: datetime, *, partial: bool) -> ImportReport:
    """Import a published crawl of withheld accounts, and report it as a whole."""
    if crawl.problems and not (partial and crawl.pairs):
        return ImportReport("crawl", (), crawl.problems, stored=False, summary="")
    async with transaction(pool) as conn:
        done = await import_history(conn, crawl.history, now)
    figures = {"pairs": crawl.pairs, "new_accounts": done.accounts, "new_changes": done.changes}
    whole = f"{number(crawl.pairs, 'line')} about {number(len(crawl.history.accounts), 'account')}"
    if done.is_repeat:
        summary = f"{whole}: imported before, so nothing is new."
    else:
        new = f"{number(done.accounts, 'account')} and {number(done.changes, 'change')}"
        summary = (
            f"{whole}: {new} are new, on the list {crawl.history.list_name!r}. "
            "They are stored as that record; no account is watched because of it."
        )
    return ImportReport("crawl", (), crawl.problems, stored=True, summary=summary, figures=figures)


def _without_fault(
    parsed: Parsed[OrderRow], fault_of: Callable[[OrderRow], str | None], name: str
) -> Parsed[OrderRow]:
    """Return the rows without a fault, and the others as problems."""
    faults = {row.line: fault_of(row) for row in parsed.rows}
    found = [TableError(name, line, fault) for line, fault in faults.items() if fault is not None]
    return replace(
        parsed,
        rows=tuple(row for row in parsed.rows if faults[row.line] is None),
        problems=sorted_problems((*parsed.problems, *found)),
    )


def _as_new_order(order: Order, list_name: str) -> NewOrder:
    return NewOrder(
        reference=order.reference,
        title=order.title,
        issuer=order.issuer,
        country=order.country,
        legal_basis=order.legal_basis,
        issued_at=order.issued_at,
        issued_from=order.issued_from,
        issued_to=order.issued_to,
        deadline_at=order.deadline_at,
        named_count=order.named_count,
        list_name=list_name,
        known_at=order.known_at,
    )


def _order_fault(order: NewOrder, stored: Sequence[NewOrder]) -> str | None:
    for old in stored:
        if old.reference == order.reference:
            if replace(order, known_at=old.known_at) == old:
                return None
            return (
                f"order {clean(order.reference)} is already stored with other data, and is not overwritten."
            )
        if old.list_name == order.list_name:
            return f"list {clean(order.list_name)!r} already belongs to order {clean(old.reference)}."
    return None


async def _store_order(
    conn: Conn, row: OrderRow, now: datetime, stored: Sequence[NewOrder]
) -> WatchLineResult:
    order = row.order
    new = all(old.reference != order.reference for old in stored)
    if new:
        await orders.add_order(conn, order, now)
    did = f"is stored, with the list {clean(order.list_name)}" if new else "was already stored"
    return WatchLineResult(row.line, clean(order.reference), did, new)


async def _store_executive(
    conn: Conn,
    person: Identified[ExecutiveRow],
    now: datetime,
    known: dict[tuple[Platform, str], tuple[str, str]],
) -> WatchLineResult:
    row, native_id, handle = person.row, person.native_id, person.handle
    await signals.add_executive(conn, row.platform, native_id, handle, row.name, row.title, now)
    before = known.get((row.platform, native_id))
    if before is None:
        did = "was added as an executive"
    elif before == (row.name, row.title):
        did = "was already an executive"
    else:
        did = "was already an executive; name and title were updated from the file"
    who = f"{clean(row.name)}, {handle_name(handle)} ({native_id})"
    return WatchLineResult(row.line, who, did, before != (row.name, row.title))


def _refused(parsed: Parsed[T], *, partial: bool) -> bool:
    return bool(parsed.problems) and not (partial and parsed.rows)


def _nothing(kind: str, parsed: Parsed[T]) -> ImportReport:
    return ImportReport(kind, (), parsed.problems, stored=False, summary="", ignored=parsed.ignored)


def _stored(kind: str, parsed: Parsed[T], lines: tuple[WatchLineResult, ...], summary: str) -> ImportReport:
    new = sum(line.changed for line in lines)
    return ImportReport(
        kind,
        lines,
        parsed.problems,
        stored=True,
        summary=f"{summary}; {number(new, 'line') if new else 'no line'} added or changed data.",
        figures={"taken": len(lines), "changed": new},
        ignored=parsed.ignored,
    )


Person = TypeVar("Person", WatchRow, ExecutiveRow)
By = Mapping[Platform, Answers]


async def identified(parsed: Parsed[Person], name: str, resolver: Resolver) -> Parsed[Identified[Person]]:
    """Return the rows with the id of each account. Rows without an id, or with a repeated one, are problems.

    Raises SettingsError if the settings do not allow requests to a platform.
    """
    answers = {
        platform: await resolver.look_up(platform, names)
        for platform, names in _to_ask(parsed.rows, resolver).items()
    }
    return identified_rows(parsed, name, lambda row: _account(row, answers, resolver))


def _to_ask(
    rows: Iterable[WatchRow | ExecutiveRow], resolver: Resolver
) -> dict[Platform, list[tuple[str, bool]]]:
    names: dict[Platform, list[tuple[str, bool]]] = {}
    for row in rows:
        if row.account_id is None and resolver.refusal(row.platform) is None:
            names.setdefault(row.platform, []).append((row.part_of_id or row.handle, False))
    return names


def _account(row: WatchRow | ExecutiveRow, answers: By, resolver: Resolver) -> tuple[str, str] | str:
    refusal = resolver.refusal(row.platform)
    if refusal is not None:
        return f"{handle_name(row.handle)} {refusal}"
    if row.account_id is not None:
        return row.account_id, row.handle
    found = answers[row.platform][row.part_of_id or row.handle, False]
    if isinstance(found, UnresolvedName):
        if resolver.settings.missing_key(row.platform) is not None:
            return f"{handle_name(row.handle)} has no account_id. {found.why}"
        return found.why
    part = row.part_of_id
    if part is not None and not found.native_id.startswith(f"{part}#"):
        return f"{handle_name(row.handle)} belongs to account {found.native_id}, not to {part}."
    return found.native_id, found.handle
