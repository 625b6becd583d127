"""Orders that come with all their names: a Lumen notice, or a published table of legal demands.

No platform is asked. A name with a stored handle is that account; other names are stored without an account.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jobs.base.wording import number
from jobs.imports.table_imports import ImportReport, WatchLineResult, import_orders
from jobs.orders.formats import ImportedOrder, Orders, PublishedCheck
from jobs.orders.legal_demands import is_legal_demands, read_legal_demands
from jobs.orders.lumen import is_json, read_lumen
from storage.accounts.name_matching import stored_accounts
from storage.live import lists_and_executives
from storage.model.core.orders import NameOutcome, NewCheck, OrderName
from storage.model.tables.csv_rows import Parsed, TableError, header_of
from storage.model.tables.name_matching import ResolvedName, StoredAccounts, UnresolvedName, match_stored
from storage.model.tables.said_names import ParsedName
from storage.model.text.states import clean
from storage.orders import name_edits, orders
from storage.orders.names import names_of
from storage.orders.store_names import file_names
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Pool, transaction

_NOT_ASKED = UnresolvedName(
    NameOutcome.NOT_TRIED, "It comes from a published record, so its platform was not asked."
)


async def import_order_file(
    pool: Pool,
    content: bytes,
    name: str,
    now: datetime,
    actor: str,
    *,
    partial: bool,
    by_day: bool,
    country: str | None,
) -> ImportReport:
    """Import orders in any supported format, detected from the content. Raises TableError for others."""
    if is_json(content):
        parsed = read_lumen(content, name, now, country)
        kind = "lumen"
    elif is_legal_demands(header_of(content)):
        parsed = read_legal_demands(content, name, now, by_day=by_day)
        kind = "legal_demands"
    elif by_day or country is not None:
        raise TableError(
            name,
            None,
            "--by-day needs a table of legal demands, --country needs JSON from Lumen; this file is neither.",
        )
    else:
        return await import_orders(pool, content, name, now, partial=partial)
    async with transaction(pool) as conn:
        parsed = await _with_own_list(conn, parsed, name)
        if parsed.problems and not (partial and parsed.rows):
            return ImportReport(kind, (), parsed.problems, stored=False, summary="", ignored=parsed.ignored)
        lines: list[WatchLineResult] = []
        named = 0
        for one in parsed.rows:
            lines += [WatchLineResult(r.line, r.what, r.did, changed=False) for r in one.remarks]
            for imported in one.orders:
                lines.append(await _store(conn, imported, name, now, actor))
                named += imported.order.named_count
    stored = sum(len(one.orders) for one in parsed.rows)
    new = sum(line.changed for line in lines)
    totals = " ".join(one.totals for one in parsed.rows if one.totals)
    summary = f"{number(stored, 'order')} in {name}, {f'{new:,}' if new else 'none'} with new data."
    return ImportReport(
        kind,
        tuple(sorted(lines, key=lambda line: line.line)),
        parsed.problems,
        stored=True,
        summary=f"{summary} {totals}".rstrip(),
        figures={"orders": stored, "changed": new, "accounts_named": named},
        ignored=parsed.ignored,
    )


async def _with_own_list(conn: Conn, parsed: Parsed[Orders], name: str) -> Parsed[Orders]:
    """Keep the orders whose list belongs to no other order; the others become problems."""
    lists = {w.list_id: w.name for w in await lists_and_executives.lists(conn)}
    owner = {lists[o.list_id]: o.reference for o in await orders.orders(conn)}
    problems = list(parsed.problems)
    rows: list[Orders] = []
    for one in parsed.rows:
        accepted: list[ImportedOrder] = []
        for imported in one.orders:
            order = imported.order
            other = owner.get(order.list_name, order.reference)
            if other == order.reference:
                accepted.append(imported)
                continue
            fault = f"list {clean(order.list_name)!r} already belongs to order {clean(other)}."
            problems.append(TableError(name, imported.line or None, fault))
        rows += [Orders(tuple(accepted), one.remarks, one.totals)] if accepted else []
    return Parsed(tuple(rows), tuple(problems), parsed.ignored)


async def _store(
    conn: Conn, imported: ImportedOrder, source: str, now: datetime, actor: str
) -> WatchLineResult:
    reference = imported.order.reference
    new = await orders.add_order(conn, imported.order, now)
    stored = await orders.order_called(conn, reference)
    known = await names_of(conn, stored.order_id)
    decided = _to_store(imported.names, known, await stored_accounts(conn, imported.names))
    filed = await file_names(conn, stored, known, decided, source, now, watch=False)
    checks = await name_edits.add_checks(conn, stored.order_id, _checks(imported.checks, source), now)
    names = sum(one.is_new for one in filed)
    if new or names or checks:
        detail = {"source": source, "names": names, "checks": checks}
        await log(conn, now, actor, "order imported", f"order {reference}", detail)
    matched = sum(isinstance(what, ResolvedName) for _, what in decided)
    did = "is stored" if new else "was already stored"
    did += f": {imported.summary}"
    if not new:
        did += f"; {number(names, 'name')} and {number(checks, 'outside check')} new"
    if matched:
        did += f"; {number(matched, 'name')} matched to stored accounts"
    return WatchLineResult(imported.line, clean(reference), did, changed=new or bool(names or checks))


def _to_store(
    names: Sequence[ParsedName], known: Sequence[OrderName], candidates: StoredAccounts
) -> list[tuple[ParsedName, ResolvedName | UnresolvedName]]:
    """Select what to store. A stored name is selected only if its account is found by now."""
    before = {name.said: name.outcome for name in known}
    out: list[tuple[ParsedName, ResolvedName | UnresolvedName]] = []
    for said in names:
        what = match_stored(said, candidates)
        if said.words not in before:
            out.append((said, what or _NOT_ASKED))
        elif isinstance(what, ResolvedName) and before[said.words] is not NameOutcome.RESOLVED:
            out.append((said, what))
    return out


def _checks(checks: Mapping[str, Sequence[PublishedCheck]], source: str) -> list[NewCheck]:
    return [
        NewCheck(said, source, one.place, one.of_post, one.answer, one.state)
        for said, some in checks.items()
        for one in some
    ]
