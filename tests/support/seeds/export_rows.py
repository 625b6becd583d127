"""A story whose rows are taken out of the store, and how a test reads them."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.accounts import side_facts
from storage.accounts.accounts import record_renames
from storage.causes.ledger import correct_cause, record_cause
from storage.executives.signals import add_executive, executives, record_signals
from storage.export.exports import EXPORTS
from storage.model.causes.causes import CauseKind, CauseSource, CauseSubject, CauseText, Confidence
from storage.model.core.accounts import Account, HandleChange
from storage.model.core.availability import Flag
from storage.model.core.orders import NewOrder, NewOrderEvent, OrderEventKind
from storage.model.core.side_facts import FactSighting
from storage.model.core.signals import Signal, SignalKind
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.orders.orders import add_order, add_order_event
from storage.postgres.pool import Conn
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes
from tests.support.seeds.single_rows import become, enlist, roster_of

NOW = minutes(600)
CAUSE = CauseText(
    kind=CauseKind.GOVERNMENT_ORDER,
    said_by=CauseSource.PLATFORM_NOTICE,
    speaker="",
    legal_basis="69A",
    source="notice.eml",
    stated_on=minutes(65),
    confidence=Confidence.PLATFORM,
)


async def table(conn: Conn, kind: Kind, wanted: ExportFilter | None = None) -> list[dict[str, object]]:
    rows = await EXPORTS[kind].rows(conn, wanted or ExportFilter(NOW))
    async with aclosing(rows.chunks) as chunks:
        return [dict(zip(rows.columns, row, strict=True)) async for chunk in chunks for row in chunk]


def only(rows: Sequence[Mapping[str, object]], *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row[c] for c in columns) for row in rows]


async def story(conn: Conn) -> tuple[Account, Account]:
    """One is withheld, which is provisional for a while; two are on a list; one of Bluesky is not."""
    one, two = await enlist(conn, X, ["1", "2"], ("Farmers",))
    await enlist(conn, BLUESKY, ["did:plc:a"])
    roster = await roster_of(conn, [one, two])
    await become(conn, roster, one, None, AVAILABLE, minutes(0))
    await become(conn, roster, two, None, AVAILABLE, minutes(1))
    await become(conn, roster, one, AVAILABLE, WITHHELD_IN, minutes(60), confirmed=False, evidence=b"one")
    await conn.execute(
        """
        insert into pending_step (change_id, recorded_at, agreeing, last_agreeing_at)
        select change_id, $1, 2, $1 from pending_change
        """,
        minutes(75),
    )
    await conn.execute(
        "update pending_change set agreeing = 2, last_agreeing_at = $1, next_read_at = $1", minutes(75)
    )
    return one, two


async def context(conn: Conn) -> tuple[Account, Account]:
    """An order with its notice, a claim beside it, an executive with two acts, a rename, a side fact and a
    cause that was corrected. Returns the two accounts that are on a list.
    """
    one, two = await story(conn)
    await add_order(
        conn,
        NewOrder("R 1", "=1+1", "MeitY", "IN", "69A", T0, None, None, None, 257, "Farmers", minutes(5)),
        minutes(5),
    )
    for reference, at in (("R 1", minutes(10)), (None, minutes(20))):
        await add_order_event(
            conn, NewOrderEvent(reference, OrderEventKind.NOTICE, at, None, None, "text", "source", at)
        )
    await add_executive(conn, X, "99", "chief", "Ada Chief", "Chief executive", T0)
    await conn.execute("insert into watch_list (name, created_at) values ('Nobody', $1)", T0)
    await conn.execute(
        """
        insert into watch_list_member (list_id, account_id, added_at)
        select list_id, account_id, $1 from watch_list, account where name = 'Farmers' and native_id = '99'
        """,
        T0,
    )
    (chief,) = await executives(conn, X)
    acts = [
        Signal(SignalKind.REPOST, "500", minutes(1), "400", "1"),
        Signal(SignalKind.LIKE, "501", None, "401"),
    ]
    await record_signals(conn, chief, acts, "501", minutes(30))
    await record_renames(
        conn, [HandleChange(one.account_id, "h1", "one", minutes(20), minutes(22))], minutes(22)
    )
    seen = frozenset({(Flag.MOVED, "one@elsewhere.example")})
    await side_facts.observe(conn, "", [FactSighting(one.account_id, seen, None, minutes(20))])
    first = await record_cause(conn, CauseSubject(account_id=one.account_id), CAUSE, "ada", minutes(100))
    await correct_cause(conn, first, replace(CAUSE, disputed_by="=the owner"), "ada", minutes(190))
    return one, two
