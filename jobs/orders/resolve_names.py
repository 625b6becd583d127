"""The names of an order: which account each one means, with an outcome per name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from collectors.core.collector import Collector, UnresolvedReason
from jobs.base.wording import handle_name, number
from jobs.collect.collector_factory import collector_of
from jobs.collect.one_shot_check import AccountCheck, AccountQuery, check_accounts
from jobs.collect.resolve_handles import Resolver, why
from jobs.imports.table_imports import ImportReport, WatchLineResult
from jobs.orders.match_names import ResolvedName, UnresolvedName, match_stored
from jobs.orders.parse_names import ParsedName, cut_note, read_said
from jobs.orders.store_names import Filed, file_names, stored_accounts
from storage.model.core.accounts import Platform
from storage.model.core.orders import NameOutcome, OrderName
from storage.model.orders.outside_findings import count_names
from storage.model.tables.account_references import Address, AddressError
from storage.model.tables.csv_rows import Parsed
from storage.model.text.states import PLATFORM_NAME, clean, short_words
from storage.orders.edit_history import log_edit
from storage.orders.names import names_of
from storage.orders.orders import StoredOrder, edit_order, order_called
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Pool, transaction


async def name_accounts(
    pool: Pool,
    reference: str,
    parsed: Parsed[ParsedName],
    source: str,
    resolver: Resolver,
    actor: str,
    *,
    partial: bool,
    watch: bool,
) -> ImportReport:
    """Add names to an order. Unresolved ones are looked up, first among stored accounts.

    Raises Refused for an unknown order, SettingsError for settings that do not allow asking a platform.
    """
    async with transaction(pool) as conn:
        stored = await order_called(conn, reference)
        if parsed.problems and not (partial and parsed.rows):
            return ImportReport("order_names", (), parsed.problems, stored=False, summary="")
        known = {name.said: name for name in await names_of(conn, stored.order_id)}
        resolved = {said for said, name in known.items() if name.outcome is NameOutcome.RESOLVED}
        sought = [said for said in parsed.rows if said.words not in resolved]
        candidates = await stored_accounts(conn, sought)
    decided = {said.words: match_stored(said, candidates) for said in sought}
    # No transaction waits for a platform.
    answers = await ask_platforms(resolver, [said for said in sought if decided[said.words] is None])
    now = resolver.clock()
    async with transaction(pool) as conn:
        stored = await order_called(conn, reference)
        known = {name.said: name for name in await names_of(conn, stored.order_id)}
        outcomes: list[tuple[ParsedName, ResolvedName | UnresolvedName]] = [
            (said, decided[said.words] or answers[said.words])
            for said in sought
            if said.words not in known or known[said.words].outcome is not NameOutcome.RESOLVED
        ]
        filed = await file_names(conn, stored, list(known.values()), outcomes, source, now, watch=watch)
        names = await names_of(conn, stored.order_id)
        counted = await _count(conn, stored, names, actor, now)
        if new := sum(one.is_new for one in filed):
            detail = {"source": source, "names": new}
            await log(conn, now, actor, "order named", f"order {reference}", detail)
    lines = _lines(parsed.rows, filed, watch=watch)
    return ImportReport(
        "order_names",
        lines,
        parsed.problems,
        stored=True,
        summary=_summary(stored, names, counted),
        figures={"taken": len(lines), "changed": sum(line.changed for line in lines)} | by_outcome(names),
    )


def unresolved(names: Sequence[OrderName], platform: Platform | None) -> Parsed[ParsedName]:
    """Return the unresolved names, to be tried again; `platform` is that of bare handles."""
    return Parsed(tuple(_again(name, platform) for name in names if name.outcome is not NameOutcome.RESOLVED))


def by_outcome(names: Sequence[OrderName]) -> dict[str, int]:
    """Count the names per outcome."""
    return {
        outcome.value.replace(" ", "_"): sum(n.outcome is outcome for n in names) for outcome in NameOutcome
    }


def _again(name: OrderName, platform: Platform | None) -> ParsedName:
    try:
        return read_said(name.said, name.platform or platform)
    except AddressError:
        # A published table names a post by handle and id: its words are not an address.
        rest = name.said.partition(name.post_id)[2] if name.post_id else ""
        reason = "" if name.handle else name.note
        return ParsedName(
            0,
            name.said,
            name.platform,
            name.handle,
            post_id=name.post_id,
            note=cut_note(rest),
            unresolvable=reason,
        )


async def _count(
    conn: Conn, stored: StoredOrder, names: Sequence[OrderName], actor: str, now: datetime
) -> int | None:
    """Raise the number of accounts that the order names to the number recorded, and return it.

    None means that its number was not lower.
    """
    there = count_names(names).accounts
    if there <= stored.order.named_count:
        return None
    order = replace(stored.order, named_count=there)
    await log_edit(conn, now, actor, stored.order, order)
    await edit_order(conn, stored, order)
    return there


def _lines(
    saids: Sequence[ParsedName], filed: Sequence[Filed], *, watch: bool
) -> tuple[WatchLineResult, ...]:
    done = {one.said.words: one for one in filed}
    lines: list[WatchLineResult] = []
    for said in saids:
        one = done.get(said.words)
        if one is None:
            lines.append(
                WatchLineResult(said.line, clean(said.words, 120), "was resolved before", changed=False)
            )
        else:
            lines.append(
                WatchLineResult(said.line, clean(said.words, 120), _did(one, watch=watch), one.is_new)
            )
    return tuple(lines)


def _did(one: Filed, *, watch: bool) -> str:
    again = "" if one.is_new else "still "
    why = one.name.note.removesuffix(".")
    if isinstance(one.what, ResolvedName):
        did = (
            f"is {handle_name(one.what.handle)} ({clean(one.what.native_id, 120)}), on the list of the order"
        )
        did += " and watched" if watch else ""
        return f"{did}. {why}" if why else did
    match one.what.outcome:
        case NameOutcome.AMBIGUOUS:
            return f"is {again}ambiguous. {why}"
        case NameOutcome.NOT_TRIED:
            return f"is {again}pending. {why}"
        case NameOutcome.NOT_OBSERVABLE:
            return f"is {again}not observable. {why}"
        case _:
            return f"is {again}not resolved. {why}"


def _summary(stored: StoredOrder, names: Sequence[OrderName], counted: int | None) -> str:
    parts = [f"{n:,} {outcome.replace('_', ' ')}" for outcome, n in by_outcome(names).items() if n]
    accounts = len({n.account_id for n in names if n.account_id is not None})
    summary = (
        f"Order {clean(stored.order.reference)} has {number(len(names), 'name')}: {', '.join(parts)}. "
        f"On its list {clean(stored.order.list_name)}: {number(accounts, 'account')}."
    )
    if counted is not None:
        summary += (
            f" Its number of named accounts was {stored.order.named_count:,}; it is now {counted:,}, the "
            "number recorded."
        )
    return summary


async def ask_platforms(
    resolver: Resolver, names: Sequence[ParsedName]
) -> Mapping[str, ResolvedName | UnresolvedName]:
    """Return the answers of the platforms by the words of each name, which has a platform and a handle or id.

    Raises SettingsError for settings that do not allow asking a platform.
    """
    out: dict[str, ResolvedName | UnresolvedName] = {}
    for platform in Platform:
        some = [said for said in names if said.platform is platform]
        reason = _closed(resolver, platform)
        if reason is not None:
            out |= {said.words: UnresolvedName(NameOutcome.NOT_TRIED, reason) for said in some}
        elif some:
            async with collector_of(resolver.settings, platform) as collector:
                out |= await _ask(collector, platform, some, resolver)
    return out


def _closed(resolver: Resolver, platform: Platform) -> str | None:
    """Return why a platform is not asked; None when it is."""
    if resolver.refusal(platform) is not None:
        return f"The setting platforms leaves out {PLATFORM_NAME[platform]}."
    key = resolver.settings.missing_key(platform)
    return None if key is None else f"It cannot be looked up: set {key}."


async def _ask(
    collector: Collector, platform: Platform, names: Sequence[ParsedName], resolver: Resolver
) -> dict[str, ResolvedName | UnresolvedName]:
    handles = _each(said.handle for said in names)
    ids = _each(said.native_id for said in names)
    # A handle may have digits only, so ids are kept apart from handles.
    answers: dict[tuple[str, bool], ResolvedName | UnresolvedName] = {}
    if handles:
        resolution = await collector.resolve(handles, resolver.clock())
        answers |= {(one.asked, False): ResolvedName(one.native_id, one.handle) for one in resolution.found}
        answers |= {
            (one.asked, False): UnresolvedName(
                NameOutcome.NOT_TRIED if one.why is UnresolvedReason.NO_ANSWER else NameOutcome.UNRESOLVABLE,
                why(platform, one),
            )
            for one in resolution.unresolved
        }
    questions = [AccountQuery(one, platform, Address(platform, one, is_id=True)) for one in ids]
    looks = await check_accounts(collector, questions, resolver.clock()) if questions else []
    answers |= {(one.asked, True): _by_id(one) for one in looks}
    return {
        said.words: answers[said.native_id or said.handle or "", said.native_id is not None] for said in names
    }


def _each(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name is not None))


def _by_id(seen: AccountCheck) -> ResolvedName | UnresolvedName:
    if seen.handle is not None:
        return ResolvedName(seen.asked, seen.handle)
    where = PLATFORM_NAME[seen.platform]
    if seen.state is None:
        return UnresolvedName(
            NameOutcome.NOT_TRIED, f"{where} gave no answer ({clean(seen.reason or '', 120)})."
        )
    words = short_words(seen.state, seen.platform, seen.flags)
    return UnresolvedName(
        NameOutcome.UNRESOLVABLE,
        f"{where} gives no handle for {clean(seen.asked)}, which is {words}. To watch it, import its id with "
        "a handle: blockline accounts import.",
    )
