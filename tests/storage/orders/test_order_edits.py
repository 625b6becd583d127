"""Edits of orders by people: names from a check, withdrawals, and what is known at any time."""

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.name_checks import answer, open_check, take_waiting
from storage.model.core.orders import NameOutcome, NewOrder
from storage.model.orders.order_fields import OrderFault
from storage.model.orders.pasted_names import lines_of_names
from storage.model.tables.name_matching import ResolvedName, UnresolvedName
from storage.orders.checked_names import add_checked_names, join_orders, similar_to_check
from storage.orders.edit_history import acts_on
from storage.orders.names import names_of
from storage.orders.order_edits import ReferenceTaken, file_order, withdraw_names
from storage.orders.orders import StoredOrder, order_called
from storage.postgres.pool import Conn, Pool, Refused, transaction
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist

ORDER = NewOrder("R", "t", "i", "IN", "b", T0, None, None, None, 0, "R", T0)


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


async def test_a_stated_number_above_the_stored_names_stays_after_a_withdrawal(pool: Pool) -> None:
    async with transaction(pool) as conn:
        stored = await filed(conn, ["x:h1", "x:h2"])
        await conn.execute("update legal_order set named_count = 257")
        done = await withdraw_names(conn, await order_called(conn, "R"), ["x:h2"], "r", "Ben", minutes(10))
        assert done.named_count == 257
        assert stored.order.named_count == 2


async def test_a_copy_of_an_order_is_recognised(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await filed(conn, ["x:h1", "x:h2", "x:h3"])
        with pytest.raises(ReferenceTaken, match=r"Order R is already stored."):
            await file_order(conn, ORDER, "Asha", minutes(1))
        lines = lines_of_names(["https://x.com/H1", "@h2", "x:h4"], X)
        check_id = await open_check(conn, lines, "a list", X, None, "Asha", minutes(1))
        (similar,) = await similar_to_check(conn, ORDER, check_id)
        assert (similar.head.reference, similar.shared, similar.names) == ("R", 2, 3)
        elsewhere = NewOrder("S", "t", "i", "TR", "b", T0, None, None, None, 0, "S", T0)
        assert await similar_to_check(conn, elsewhere, check_id) == ()
