"""What can be taken out of the store, as streams of rows of one moment."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from storage.export import (
    accounts_orders_signals,
    changes,
    coverage,
)
from storage.export.row_stream import Rows
from storage.model.evidence.export_kinds import Choice, ExportFilter, Kind
from storage.postgres.pool import Conn, Pool
from storage.postgres.recording_order import settle_at_most


@dataclass(frozen=True, slots=True)
class Export:
    """One kind: how to read it, and what may be asked of it."""

    rows: Callable[[Conn, ExportFilter], Awaitable[Rows]]
    choices: frozenset[Choice]
    time: str | None = None
    """The column that a range is about: the rows come by its months, and it is never empty. None: no such."""


_RANGE = frozenset({Choice.SINCE, Choice.UNTIL})
_KNOWN = frozenset({Choice.KNOWN_AT})
_LIST = frozenset({Choice.LIST})
_WHOSE = _LIST | {Choice.PLATFORM}
_POSTS = frozenset({Choice.POST})
_BLOCKS = frozenset({Choice.REPEATEDLY_BLOCKED})

EXPORTS: Mapping[Kind, Export] = {
    Kind.CHANGES: Export(changes.changes, _RANGE | _KNOWN | _WHOSE | _POSTS, "first_seen_new"),
    Kind.SPELLS: Export(changes.spells, _RANGE | _KNOWN | _WHOSE | _POSTS, "since"),
    Kind.STATES: Export(changes.states, _KNOWN | _WHOSE | _POSTS | _BLOCKS | {Choice.AT}),
    # Month by month, and in a month by account.
    Kind.READINGS: Export(coverage.readings, _RANGE | _KNOWN | _WHOSE, "at"),
    Kind.COVERAGE: Export(coverage.coverage, _RANGE | _KNOWN | _WHOSE, "observed_at"),
    Kind.ACCOUNTS: Export(accounts_orders_signals.accounts, _KNOWN | _WHOSE | _POSTS | _BLOCKS),
    Kind.LISTS: Export(accounts_orders_signals.lists, _KNOWN | _WHOSE),
    Kind.ORDERS: Export(accounts_orders_signals.orders, _RANGE | _KNOWN | _LIST, "issued_at"),
    Kind.ORDER_EVENTS: Export(accounts_orders_signals.order_events, _RANGE | _KNOWN | _LIST, "at"),
    Kind.SIGNALS: Export(accounts_orders_signals.signals, _RANGE | _KNOWN | _WHOSE, "at"),
    Kind.RENAMES: Export(accounts_orders_signals.renames, _RANGE | _KNOWN | _WHOSE, "first_seen_new"),
    Kind.FACTS: Export(accounts_orders_signals.facts, _RANGE | _WHOSE, "first_seen"),
    Kind.CAUSES: Export(accounts_orders_signals.causes, _RANGE | _KNOWN | _WHOSE, "stated_on"),
    Kind.TRANSPARENCY: Export(accounts_orders_signals.transparency, _KNOWN | {Choice.PLATFORM}),
    Kind.LABELS: Export(accounts_orders_signals.labels, _RANGE | _KNOWN | {Choice.PLATFORM}, "stated_at"),
    # The order of the chain is that of its numbers, not that of its times.
    Kind.CHAIN: Export(changes.chain, _RANGE | _KNOWN),
}


def fault(kind: Kind, wanted: ExportFilter, called: Callable[[Choice], str] = str) -> str | None:
    """Why this cannot be exported, as a sentence; None if it can. `called` names an option for the reader."""
    choices = EXPORTS[kind].choices
    for choice, given in wanted.choices.items():
        if given is not None and choice not in choices:
            known = ", ".join(called(c) for c in wanted.choices if c in choices)
            return f"{called(choice)} does not apply to {kind}. These do: {known}."
    for choice, at in ((Choice.AT, wanted.at), (Choice.KNOWN_AT, wanted.known_at)):
        if at is not None and at > wanted.now:
            return f"{called(choice)} ({at.isoformat()}) is in the future."
    if wanted.since is not None and wanted.until is not None and wanted.until <= wanted.since:
        until, since = called(Choice.UNTIL), called(Choice.SINCE)
        return f"{until} ({wanted.until.isoformat()}) is not after {since} ({wanted.since.isoformat()})."
    return None


async def settled(pool: Pool, kind: Kind, wanted: ExportFilter) -> ExportFilter:
    """The same with the knowledge by which it is told: the rows are then the same whenever they are asked for
    by it. Raises NotSettled when somebody records for too long.
    """
    known = await settle_at_most(pool, wanted.known_at or wanted.now)
    return replace(wanted, known_at=known) if Choice.KNOWN_AT in EXPORTS[kind].choices else wanted


async def list_names(conn: Conn) -> list[str]:
    """The lists that rows can be chosen by."""
    return [r["name"] for r in await conn.fetch("select name from watch_list order by name")]
