"""What people and collectors store counts as known after what somebody was told as known before."""

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.watch_lists import make_list, put_accounts_on, take_accounts_off
from storage.countries.transparency_figures import add_reports
from storage.executives.paged_signals import SignalFilter, signals_page
from storage.executives.signals import add_executive, add_signals
from storage.model.core.accounts import AccountId
from storage.model.core.orders import (
    NameOutcome,
    NewCheck,
    NewName,
    NewOrder,
    NewOrderEvent,
    OrderEventKind,
)
from storage.model.core.signals import Signal, SignalKind
from storage.model.orders.transparency_figures import TransparencyReport
from storage.orders import documents, name_edits, orders
from storage.orders.edit_history import log_edit
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.recording_order import settle
from tests.support.samples.readings import T0, minutes

SHOWN = minutes(60)
"""Somebody was told what was known then."""
SLOW = minutes(10)
"""What another machine's clock shows afterwards, or showed when it began what it commits now."""

NOT_LATER = {
    "account": "added_at",
    "audit_log where action = 'order edited'": "at",
    "legal_order": "known_at",
    "membership": "least(added_at, removed_at)",
    "order_check": "known_at",
    "order_document": "added_at",
    "order_event": "known_at",
    "order_keyword": "known_at",
    "order_name": "known_at",
    "order_name_past": "until",
    "order_name_withdrawal": "least(since, until)",
    "signal": "recorded_at",
    "transparency_report": "imported_at",
    "watch_list": "created_at",
    "watch_period": "least(since, until)",
}
"""By table the time by which its rows are left out of an earlier knowledge."""


async def store_everything(conn: Conn) -> None:
    await add_accounts(conn, [NewAccount(X, i, f"h{i}", ("L",)) for i in ("1", "2")], SLOW)
    await stop_watching(conn, X, "1", SLOW, is_id=True)
    await add_accounts(conn, [NewAccount(X, "1", "h1")], SLOW)
    await make_list(conn, "M", "somebody", SLOW)
    ids: list[int] = [r["account_id"] for r in await conn.fetch("select account_id from account")]
    await put_accounts_on(conn, "M", ids, "somebody", SLOW)
    await take_accounts_off(conn, "M", ids, "somebody", SLOW)
    order = NewOrder("R", "t", "i", "IN", "b", T0, None, None, None, 2, "O", SLOW)
    await orders.add_order(conn, order, SLOW)
    stored = await orders.order_called(conn, "R")
    await log_edit(conn, SLOW, "somebody", order, stored.order)
    event = NewOrderEvent("R", OrderEventKind.NOTICE, T0, None, None, "text", "source", SLOW)
    await orders.add_order_event(conn, event)
    await orders.change_keywords(conn, stored.order_id, ["word"], [], SLOW)
    await documents.attach(conn, stored.order_id, documents.NewDocument("n", "m", "s", b"c"), "by", SLOW)
    unnamed = NewName("h9", X, "h9", None, NameOutcome.NOT_TRIED, None, "", "source")
    await name_edits.add_names(conn, stored.order_id, [unnamed], SLOW)
    await name_edits.change_names(conn, stored.order_id, [unnamed], SLOW)
    named = await conn.fetchval("select order_name_id from order_name")
    await name_edits.start_withdrawals(conn, [named], "reason", "somebody", SLOW)
    await name_edits.end_withdrawals(conn, [named], SLOW)
    check = NewCheck("h9", "source", "place", of_post=False, answer="answer", state=None)
    await name_edits.add_checks(conn, stored.order_id, [check], SLOW)
    await name_edits.add_unwatched(conn, X, "3", "h3", SLOW)
    await name_edits.put_on_list(conn, stored.list_id, [AccountId(ids[0])], SLOW)
    await add_executive(conn, X, "4", "h4", "name", "title", SLOW)
    act = Signal(SignalKind.POST, "5", T0, first_seen_at=T0)
    executive = AccountId(await conn.fetchval("select account_id from executive"))
    await add_signals(conn, executive, [act], SLOW, "import:record")
    report = TransparencyReport(
        *(X, "2020-H1", "India", "source", "IN", 1, None, None, None, None, None, None, None, "url")
    )
    await add_reports(conn, [report], SLOW)


async def test_nothing_that_is_stored_later_counts_as_known_before(pool: Pool) -> None:
    await settle(pool, SHOWN)
    async with transaction(pool) as conn:
        await store_everything(conn)
        for table, known in NOT_LATER.items():
            first = await conn.fetchval(f"select min({known}) from {table}")  # noqa: S608
            assert first is not None, f"nothing was stored in {table}"
            assert first > SHOWN, table


async def test_an_act_out_of_a_record_is_not_known_before_the_record_was_imported(pool: Pool) -> None:
    await settle(pool, SHOWN)
    async with transaction(pool) as conn:
        await store_everything(conn)
        assert await signals_page(conn, SignalFilter(known_at=SHOWN), None, 10) == []
        (act,) = await signals_page(conn, SignalFilter(known_at=minutes(61)), None, 10)
        assert act.first_seen_at == T0
