"""The names of orders: what they are at any time, whom they may mean, and how a purge takes them out."""

from dataclasses import replace

import pytest

from collectors.x.declaration import X
from jobs.orders.edits import change
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.name_checks import answer, open_check, take_waiting
from storage.live.lists_and_executives import became_known
from storage.model.core.accounts import Account
from storage.model.core.orders import NameOutcome, NewCheck, NewName, NewOrder
from storage.model.orders.order_fields import OrderEdit, OrderFault
from storage.model.orders.outside_checks import accounts_seen
from storage.model.orders.outside_findings import count_names
from storage.model.orders.pasted_names import lines_of_names
from storage.model.tables.name_matching import ResolvedName, UnresolvedName
from storage.orders.checked_names import add_checked_names, join_orders
from storage.orders.documents import NewDocument, attach, content_of
from storage.orders.edit_history import acts_on
from storage.orders.name_edits import add_checks, add_names, change_names
from storage.orders.names import checks_of, names_of
from storage.orders.order_edits import file_order, withdraw_names
from storage.orders.orders import StoredOrder, add_order, order_called, orders
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import enlist

OPEN = NewName("x:h1", X, "h1", None, NameOutcome.NOT_TRIED, None, "nobody was asked", "pasted")
POST = NewName("https://x.com/H1/status/5", X, "H1/5", "5", NameOutcome.NOT_TRIED, None, "", "pasted")
OTHER = NewName("x:other", X, "other", None, NameOutcome.NOT_TRIED, None, "", "pasted")


async def an_order(conn: Conn, reference: str = "R") -> int:
    order = NewOrder(reference, "t", "i", "IN", "b", T0, None, None, None, 0, reference, T0)
    await add_order(conn, order, T0)
    return (await order_called(conn, reference)).order_id


def resolved(name: NewName, account: Account) -> NewName:
    return replace(name, outcome=NameOutcome.RESOLVED, account_id=account.account_id, note="")


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


async def filed(conn: Conn, names: list[str], at: int = 0, reference: str = "R") -> StoredOrder:
    """An order with names, of which `h1` and `h2` are stored accounts, and `h2/5` is a stored post."""
    known = await conn.fetchval("select count(*) from account")
    if not known:
        await enlist(conn, X, ["1", "2"])
        await add_accounts(conn, [NewAccount(X, "post:5", "h2/5")], T0)
    order = NewOrder(reference, "t", "i", "IN", "b", T0, None, None, None, 0, reference, minutes(at))
    stored = await file_order(conn, order, "Asha", minutes(at))
    await add(conn, stored, names, at)
    return await order_called(conn, reference)


async def add(conn: Conn, stored: StoredOrder, names: list[str], at: int) -> int:
    check_id = await open_check(conn, lines_of_names(names, None), "a list", None, None, "Asha", minutes(at))
    await add_checked_names(conn, stored, check_id, "Asha", minutes(at))
    return check_id


async def on_list(conn: Conn, stored: StoredOrder) -> list[str]:
    rows = await conn.fetch(
        "select a.handle, a.watched from watch_list_member m join account a using (account_id) "
        "where m.list_id = $1 order by 1",
        stored.list_id,
    )
    return [r["handle"] for r in rows if r["watched"]]


async def test_a_name_that_waited_joins_the_order_when_its_platform_answers(pool: Pool) -> None:
    async with transaction(pool) as conn:
        stored = await filed(conn, ["x:h1", "x:stranger", "x:gone"])
        waiting = await take_waiting(conn, X, minutes(5), 10)
        found = {
            ("stranger", False): ResolvedName("77", "stranger"),
            ("gone", False): UnresolvedName(NameOutcome.UNRESOLVABLE, "X knows no account @gone."),
        }
        await answer(conn, waiting, found, minutes(5))
        await join_orders(conn, {name.check_id for name in waiting}, minutes(5))
        before, after = [await names_of(conn, stored.order_id, at) for at in (minutes(4), None)]
        assert await on_list(conn, stored) == ["h1", "stranger"]
        found_act = (await acts_on(conn, "R"))[0]
        assert (found_act.action, found_act.detail["names"]) == ("order names found", ["x:stranger"])
    assert [n.outcome for n in before] == [NameOutcome.RESOLVED, NameOutcome.NOT_TRIED, NameOutcome.NOT_TRIED]
    assert [n.outcome for n in after] == [
        NameOutcome.RESOLVED,
        NameOutcome.RESOLVED,
        NameOutcome.UNRESOLVABLE,
    ]


async def test_posts_that_leave_the_list_are_not_counted_as_accounts(pool: Pool) -> None:
    post = "https://x.com/h2/status/5"
    async with transaction(pool) as conn:
        stored = await filed(conn, ["x:h1", "x:h2", post])
        alone = await withdraw_names(conn, stored, [post], "no post", "Ben", minutes(10))
        await add(conn, await order_called(conn, "R"), [post], 20)
        again = await order_called(conn, "R")
        rest = await withdraw_names(conn, again, ["x:h1", "x:h2", post], "none", "Ben", minutes(30))
        assert await on_list(conn, stored) == []
    assert (alone.left_list, alone.posts_left_list, alone.named_count) == (0, 1, 2)
    assert alone.left_words("the") == " 1 post left the list and stayed watched."
    assert rest.left_words("its") == " 2 accounts and 1 post left its list and stayed watched."


async def test_a_withdrawal_without_reason_or_of_another_name_changes_nothing(pool: Pool) -> None:
    async with transaction(pool) as conn:
        stored = await filed(conn, ["x:h1"])
        with pytest.raises(OrderFault, match="reason is empty"):
            await withdraw_names(conn, stored, ["x:h1"], " ", "Ben", minutes(10))
        with pytest.raises(Refused, match=r"The order has no name 'x:h9'. Nothing was changed."):
            await withdraw_names(conn, stored, ["x:h1", "x:h9"], "reason", "Ben", minutes(10))
        assert [n.withdrawal for n in await names_of(conn, stored.order_id)] == [None]
