"""The names of orders: what they are at any time, whom they may mean, and how a purge takes them out."""

from dataclasses import replace

import pytest

from collectors.x.declaration import X
from jobs.orders.edits import change
from storage.live.lists_and_executives import became_known
from storage.model.core.accounts import Account
from storage.model.core.orders import NameOutcome, NewCheck, NewName, NewOrder
from storage.model.orders.order_fields import OrderEdit
from storage.model.orders.outside_checks import accounts_seen
from storage.model.orders.outside_findings import count_names
from storage.orders.documents import NewDocument, attach, content_of
from storage.orders.name_edits import add_checks, add_names, change_names
from storage.orders.names import checks_of, names_of
from storage.orders.orders import add_order, order_called, orders
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
