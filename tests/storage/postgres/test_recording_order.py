"""The order of recording: no moment is before an earlier one, nor before what was told of as known."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

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
from storage.postgres.errors import NotSettled
from storage.postgres.pool import Conn, Pool, borrowed, transaction
from storage.postgres.recording_order import as_known, moment, settle, settle_at_most
from tests.support.samples.readings import T0, minutes
from tests.support.servers.dashboard import until

A_MICROSECOND = timedelta(microseconds=1)


async def recorded(pool: Pool, shown: datetime) -> datetime:
    """The moment of a recording that is committed, by a clock that shows this."""
    async with transaction(pool) as conn:
        return await moment(conn, lambda: shown)


async def someone_waits(pool: Pool) -> bool:
    async with transaction(pool) as conn:
        return await conn.fetchval("select exists (select from pg_locks where not granted)")


async def test_the_moment_is_what_the_clock_shows_and_never_goes_back(pool: Pool) -> None:
    shown = [minutes(n) for n in (1, 5, 3, 5, 6, 0)]
    assert [await recorded(pool, at) for at in shown] == [minutes(n) for n in (1, 5, 5, 5, 6, 6)]


async def test_the_clock_is_read_when_nobody_else_records_any_more(pool: Pool) -> None:
    shown = minutes(1)
    async with transaction(pool) as first:
        assert await moment(first, lambda: shown) == minutes(1)
        async with transaction(pool) as second:
            waiting = asyncio.ensure_future(moment(second, lambda: shown))
            await until(lambda: someone_waits(pool))
            shown = minutes(9)
            await first.execute("commit")
            try:
                assert await waiting == minutes(9)
            finally:
                await first.execute("begin")


async def test_what_is_undone_leaves_no_moment(pool: Pool) -> None:
    async with borrowed(pool) as conn:
        await conn.execute("begin")
        assert await moment(conn, lambda: minutes(60)) == minutes(60)
        await conn.execute("rollback")
    assert await recorded(pool, minutes(1)) == minutes(1)


async def test_nothing_that_is_recorded_later_counts_as_known_at_a_moment_that_is_settled(pool: Pool) -> None:
    await settle(pool, minutes(10))
    assert await recorded(pool, minutes(3)) == minutes(10) + A_MICROSECOND
    await settle(pool, minutes(5))
    assert await recorded(pool, minutes(3)) == minutes(10) + A_MICROSECOND


async def test_a_moment_is_settled_when_the_commits_of_before_are_there(pool: Pool) -> None:
    async def seen() -> int:
        async with as_known(pool, minutes(10)) as conn:
            return await conn.fetchval("select count(*) from watch_list")

    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(9))
        await recording.execute("insert into watch_list (name, created_at) values ('a', now())")
        asked = asyncio.ensure_future(seen())
        await until(lambda: someone_waits(pool))
        assert not asked.done()
    assert await asked == 1


async def test_what_was_recorded_before_something_later_is_settled_without_waiting(pool: Pool) -> None:
    await recorded(pool, minutes(9))
    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(12))
        await settle(pool, minutes(8))


async def test_who_waits_for_too_long_is_told_so(pool: Pool) -> None:
    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(9))
        with pytest.raises(NotSettled, match=r"2021-02-01 00:10:00 UTC is still being recorded\. Try again"):
            await settle(pool, minutes(10), patience_s=0.05)


async def test_a_moment_that_the_database_has_not_reached_is_never_settled(pool: Pool) -> None:
    ahead = datetime.now(UTC) + timedelta(days=365)  # noqa: TID251 - a clock that is wrong
    with pytest.raises(NotSettled, match="is in the future by the clock of the database"):
        await settle(pool, ahead)
    assert await settle_at_most(pool, ahead) < ahead
    assert T0 < await recorded(pool, T0) < ahead
    assert await settle_at_most(pool, T0) == T0


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
