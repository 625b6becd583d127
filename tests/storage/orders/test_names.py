"""The names of orders: what they are at any time, whom they may mean, and how a purge takes them out."""

from dataclasses import replace
from datetime import datetime

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.orders.edits import change
from storage.accounts.accounts import record_renames
from storage.accounts.handle_history import record_handles
from storage.accounts.name_matching import stored_accounts
from storage.export import accounts_orders_signals
from storage.live.lists_and_executives import became_known
from storage.model.core.accounts import Account, HandleChange
from storage.model.core.orders import NameOutcome, NewCheck, NewName, NewOrder, OrderName
from storage.model.evidence.export_kinds import ExportFilter
from storage.model.orders.order_fields import OrderEdit
from storage.model.orders.outside_checks import accounts_seen
from storage.model.orders.outside_findings import count_names
from storage.model.tables.said_names import read_said
from storage.orders.documents import NewDocument, attach, content_of
from storage.orders.name_edits import add_checks, add_names, change_names
from storage.orders.names import checks_of, names_of
from storage.orders.orders import add_order, order_called, orders
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.storage.purge.test_purge import texts
from tests.support.samples.readings import SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import enlist

OPEN = NewName("x:h1", X, "h1", None, NameOutcome.NOT_TRIED, None, "nobody was asked", "pasted")
GONE = replace(OPEN, outcome=NameOutcome.UNRESOLVABLE, note="X knows no account @h1")
POST = NewName("https://x.com/H1/status/5", X, "H1/5", "5", NameOutcome.NOT_TRIED, None, "", "pasted")
OTHER = NewName("x:other", X, "other", None, NameOutcome.NOT_TRIED, None, "", "pasted")
NO_PLATFORM = NewName("@h1", None, "h1", None, NameOutcome.AMBIGUOUS, None, "which h1?", "pasted")


async def an_order(conn: Conn, reference: str = "R") -> int:
    order = NewOrder(reference, "t", "i", "IN", "b", T0, None, None, None, 0, reference, T0)
    await add_order(conn, order, T0)
    return (await order_called(conn, reference)).order_id


def resolved(name: NewName, account: Account) -> NewName:
    return replace(name, outcome=NameOutcome.RESOLVED, account_id=account.account_id, note="")


async def as_known(conn: Conn, order_id: int, at: datetime | None) -> list[OrderName]:
    return await names_of(conn, order_id, at)


async def test_a_name_that_is_resolved_later_changes_no_answer_for_an_earlier_time(pool: Pool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        (one,) = await enlist(conn, X, ["1"])
        times = [minutes(n) for n in (5, 15, 25)]
        await add_names(conn, order_id, [OPEN, OTHER], minutes(0))
        first = await as_known(conn, order_id, times[0])
        await change_names(conn, order_id, [GONE], minutes(10))
        second = await as_known(conn, order_id, times[1])
        await change_names(conn, order_id, [resolved(OPEN, one)], minutes(20))
        assert [await as_known(conn, order_id, at) for at in times[:2]] == [first, second]
        third = await as_known(conn, order_id, times[2])
        assert third == await as_known(conn, order_id, None)
        assert await as_known(conn, order_id, minutes(-1)) == []
    assert [(n[0].outcome, n[0].note, n[0].account_id) for n in (first, second, third)] == [
        (NameOutcome.NOT_TRIED, "nobody was asked", None),
        (NameOutcome.UNRESOLVABLE, "X knows no account @h1", None),
        (NameOutcome.RESOLVED, "", one.account_id),
    ]
    assert [n[0].resolved_at for n in (second, third)] == [None, minutes(20)]


async def test_what_is_resolved_is_not_changed_again_and_no_name_stands_there_twice(pool: Pool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        (one,) = await enlist(conn, X, ["1"])
        await add_names(conn, order_id, [resolved(OPEN, one)], minutes(0))
        await add_names(conn, order_id, [OPEN], minutes(5))
        await change_names(conn, order_id, [GONE], minutes(10))
        (name,) = await names_of(conn, order_id)
    assert (name.outcome, name.resolved_at, name.known_at) == (
        NameOutcome.RESOLVED,
        minutes(0),
        minutes(0),
    )


async def test_what_others_saw_is_kept_by_source_and_place_and_known_from_then_on(pool: Pool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        await add_names(conn, order_id, [OPEN, POST], minutes(0))
        seen = [
            NewCheck("x:h1", "study", "", False, "suspended", SUSPENDED),
            NewCheck("x:h1", "study", "IN", False, "account_withheld_IN", WITHHELD_IN),
            NewCheck(POST.said, "study", "IN", True, "no_data", None),
        ]
        assert await add_checks(conn, order_id, seen, minutes(10)) == 3
        assert await add_checks(conn, order_id, seen, minutes(20)) == 0
        assert await checks_of(conn, order_id, minutes(5)) == []
        checks = await checks_of(conn, order_id, minutes(10))
        names = await names_of(conn, order_id)
    assert [(c.place, c.of_post, c.answer, c.state) for c in checks] == [
        ("", False, "suspended", SUSPENDED),
        ("IN", False, "account_withheld_IN", WITHHELD_IN),
        ("IN", True, "no_data", None),
    ]
    assert {(c.at_from, c.at_to) for c in checks} == {(None, None)}
    assert accounts_seen(names, checks) == {("", SUSPENDED): 1, ("IN", WITHHELD_IN): 1}
    counted = count_names(names)
    assert (counted.accounts.named, counted.posts.named) == (1, 1)


async def test_a_handle_is_looked_for_among_those_that_accounts_have_and_had(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two, _ = await enlist(conn, X, ["1", "2", "3"])
        await enlist(conn, BLUESKY, ["1"])
        await record_renames(conn, [HandleChange(one.account_id, "h1", "H2", T0, minutes(1))], minutes(1))
        await record_handles(conn, two.account_id, [("before", minutes(-9))], "plc", minutes(1))
        names = [read_said(words, X) for words in ("h1", "h2", "before", "nobody")]
        found = await stored_accounts(conn, names)
    assert {handle: [(c.native_id, c.handle) for c in some] for (_, handle), some in found.items()} == {
        "h1": [("1", "H2")],
        "h2": [("1", "H2"), ("2", "h2")],
        "before": [("2", "h2")],
    }


@pytest.mark.parametrize("is_resolved", [True, False])
async def test_after_a_purge_no_name_of_an_order_holds_the_handle(pool: Pool, *, is_resolved: bool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        one, _ = await enlist(conn, X, ["1", "2"])
        words = ("x.com/ H1", "x.com/h h", "see h1.")
        unread = [replace(NO_PLATFORM, said=said, handle=None, note="") for said in words]
        await add_names(conn, order_id, [OPEN, POST, OTHER, NO_PLATFORM, *unread], minutes(0))
        await change_names(conn, order_id, [GONE], minutes(5))
        if is_resolved:
            await change_names(conn, order_id, [resolved(POST, one)], minutes(6))
        await add_checks(
            conn, order_id, [NewCheck("x:h1", "s", "", False, "suspended", SUSPENDED)], minutes(6)
        )
        purged = await purge_account(conn, one.account_id, minutes(60))
        again = await purge_account(conn, one.account_id, minutes(61))
        names = await names_of(conn, order_id)
        left = (await texts(conn)).lower()
    assert "h1" not in left
    assert "nobody was asked" not in left
    assert (purged.handles, again.handles) == (6, 0)
    ids = [n.order_name_id for n in names]
    assert [n.said for n in names] == [
        *(f"purged name {i}" for i in ids[:2]),
        "x:other",
        f"purged name {ids[3]}",
        f"purged name {ids[4]}",
        "x.com/h h",
        f"purged name {ids[6]}",
    ]
    assert [n.handle for n in names] == [None, None, "other", None, None, None, None]
    assert names[1].account_id == (one.account_id if is_resolved else None)
    async with transaction(pool) as conn:
        assert len(await checks_of(conn, order_id)) == 1


async def test_a_whole_purge_removes_the_names_with_what_others_saw_of_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        one, _ = await enlist(conn, X, ["1", "12"])
        by_id = replace(OPEN, said="id:1", handle=None)
        longer = replace(OPEN, said="id:12", handle=None)
        await add_names(conn, order_id, [OPEN, POST, OTHER, by_id, longer], minutes(0))
        await change_names(conn, order_id, [resolved(OPEN, one)], minutes(5))
        await add_checks(
            conn, order_id, [NewCheck("x:h1", "s", "", False, "suspended", SUSPENDED)], minutes(6)
        )
        await purge_account(conn, one.account_id, minutes(60), whole=True)
        assert [n.said for n in await names_of(conn, order_id)] == ["x:other", "id:12"]
        assert await checks_of(conn, order_id) == []
        assert await conn.fetchval("select count(*) from order_name_past") == 0


async def test_the_same_handle_on_another_platform_is_left_alone(pool: Pool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        (one,) = await enlist(conn, X, ["1"])
        elsewhere = replace(OPEN, said="bluesky:h1", platform=BLUESKY)
        await add_names(conn, order_id, [elsewhere], minutes(0))
        await purge_account(conn, one.account_id, minutes(60), whole=True)
        assert [n.said for n in await names_of(conn, order_id)] == ["bluesky:h1"]


async def test_an_order_that_is_edited_later_is_told_as_it_was_known(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await an_order(conn, "earlier")
        await an_order(conn, "R")
        before = await orders(conn, minutes(5))
        edits = [
            OrderEdit(deadline_at=minutes(99), named_count=7),
            OrderEdit(issued_at=minutes(-60), list_name="L"),
        ]
        for n, edit in enumerate(edits):
            await change(conn, "earlier", edit, "Asha", minutes(10 * (n + 1)))
        assert await orders(conn, minutes(9)) == before
        (middle, _) = await orders(conn, minutes(15))
        assert (middle.deadline_at, middle.named_count, middle.issued_at) == (minutes(99), 7, T0)
        (now, _) = await orders(conn, None)
        assert now.issued_at == minutes(-60)
        assert await orders(conn, minutes(20)) == await orders(conn, None)
        known = [await became_known(conn, minutes(n), minutes(n + 1)) for n in (8, 9, 10, 19)]
    assert known == [False, True, False, True]


async def test_a_document_that_was_changed_where_it_is_stored_is_not_given_out(pool: Pool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        document = NewDocument("a.txt", "text/plain", "s", b"text")
        assert await attach(conn, order_id, document, "Asha", T0) is not None
        told, content = await content_of(conn, order_id, "a.txt")
        assert (told.size, content) == (4, b"text")
        await conn.execute("update order_document set content = 'other'")
        with pytest.raises(Refused, match="no longer matches its hash"):
            await content_of(conn, order_id, "a.txt")


async def exported_orders(conn: Conn, known_at: datetime | None) -> list[dict[str, object]]:
    rows = await accounts_orders_signals.orders(conn, ExportFilter(minutes(90), known_at=known_at))
    return [dict(zip(rows.columns, row, strict=True)) async for chunk in rows.chunks for row in chunk]


async def test_an_export_as_known_tells_an_order_as_it_stood_too(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await an_order(conn)
        edit = OrderEdit(deadline_at=minutes(99), named_count=7, issued_at=minutes(-60), list_name="L")
        await change(conn, "R", edit, "Asha", minutes(10))
        await change(conn, "R", OrderEdit(named_count=9, deadline_at="none"), "Asha", minutes(20))
        told = [await exported_orders(conn, at) for at in (minutes(5), minutes(15), None)]
    assert [(r["issued_at"], r["deadline_at"], r["named_count"], r["list"]) for (r,) in told] == [
        (T0, None, 0, "L"),
        (minutes(-60), minutes(99), 7, "L"),
        (minutes(-60), None, 9, "L"),
    ]


async def test_a_purge_leaves_a_name_that_means_another_account_of_the_same_handle(pool: Pool) -> None:
    async with transaction(pool) as conn:
        order_id = await an_order(conn)
        one, two = await enlist(conn, X, ["1", "2"])
        await conn.execute("update account set handle = 'h1' where account_id = $1", two.account_id)
        await add_names(conn, order_id, [OPEN], minutes(0))
        await change_names(conn, order_id, [resolved(OPEN, two)], minutes(6))
        purged = await purge_account(conn, one.account_id, minutes(60))
        (name,) = await names_of(conn, order_id)
    assert purged.handles == 1
    assert (name.said, name.handle, name.account_id) == (OPEN.said, OPEN.handle, two.account_id)
