"""The names of an order: which account each one means, with an outcome per name."""

from collections.abc import Mapping, Sequence

from jobs.base.wording import handle_name, number
from jobs.collect.name_lookup import Resolver
from jobs.imports.table_imports import ImportReport, WatchLineResult
from storage.accounts.name_matching import stored_accounts
from storage.model.core.accounts import Platform
from storage.model.core.orders import NameOutcome, OrderName
from storage.model.tables.account_references import AddressError
from storage.model.tables.csv_rows import Parsed
from storage.model.tables.name_matching import ResolvedName, UnresolvedName, match_stored
from storage.model.tables.said_names import ParsedName, cut_note, read_said
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount
from storage.orders.names import names_of
from storage.orders.order_edits import count_more, name_again
from storage.orders.orders import StoredOrder, order_called
from storage.orders.store_names import Filed, file_names
from storage.postgres.audit_log import log
from storage.postgres.pool import Pool, transaction


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
        back = [known[said.words] for said in parsed.rows if said.words in known]
        await name_again(conn, stored, back, actor, now)
        filed = await file_names(conn, stored, list(known.values()), outcomes, source, now, watch=watch)
        names = await names_of(conn, stored.order_id)
        counted = await count_more(conn, stored, names, actor, now)
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
    """Return the unresolved names, to be tried again; `platform` is that of bare handles.

    Withdrawn names are left out: the order does not name them.
    """
    tried = [n for n in names if n.outcome is not NameOutcome.RESOLVED and n.withdrawal is None]
    return Parsed(tuple(_again(name, platform) for name in tried))


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
    is_post = {n.account_id: n.post_id is not None for n in names if n.account_id is not None}
    posts = sum(is_post.values())
    on_it = TargetCount(len(is_post) - posts, posts)
    summary = (
        f"Order {clean(stored.order.reference)} has {number(len(names), 'name')}: {', '.join(parts)}. "
        f"On its list {clean(stored.order.list_name)}: {on_it.words()}."
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
        answers = await resolver.look_up(platform, (said.asked for said in some))
        out |= {said.words: answers[said.asked] for said in some}
    return out
