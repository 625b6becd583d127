# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportAttributeAccessIssue=false
"""The timeline of an account has the dates of the orders that name it or named it, and no others."""

from datetime import datetime, timedelta

import pytest
from dash import dcc

from storage.accounts.watch_lists import move_accounts, put_accounts_on, take_accounts_off
from storage.orders.orders import orders_of_account
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS, page_of

FIRST, SECOND = "Order 1 list", "Order 2 list"


async def drawn(conn: Conn, account_id: int, now: datetime) -> list[str]:
    """The orders whose dates its timeline has, in the order of their dates."""
    page = await page_of(conn, f"/account/{account_id}", now, SETTINGS, "light")
    (graph,) = [part for part in page._traverse() if isinstance(part, dcc.Graph)]
    labels = [note.text for note in graph.figure.layout.annotations]
    return [text[: len("Order 1")] for text in labels if text.startswith("Order ")]


@pytest.mark.parametrize(
    ("edit", "orders"),
    [
        pytest.param("", ["Order 1"], id="an order of another list is left out"),
        pytest.param("off", ["Order 1"], id="an order that named it before stays"),
        pytest.param("on", ["Order 1", "Order 2"], id="each order that names it is there"),
        pytest.param("moved", ["Order 1", "Order 2"], id="the order before and the one after a move"),
    ],
)
async def test_a_timeline_has_the_orders_that_name_the_account(
    pool: Pool, story: Story, now: datetime, edit: str, orders: list[str]
) -> None:
    account_id = story.accounts[0][0]
    async with transaction(pool) as conn:
        match edit:
            case "off":
                await take_accounts_off(conn, FIRST, [account_id], "Asha", now)
            case "on":
                await put_accounts_on(conn, SECOND, [account_id], "Asha", now)
            case "moved":
                await move_accounts(conn, FIRST, SECOND, [account_id], "Asha", now)
            case _:
                pass
        assert await drawn(conn, account_id, now) == orders


async def test_a_later_entry_on_a_list_does_not_change_what_was_known_before(
    pool: Pool, story: Story, now: datetime
) -> None:
    account_id, before = story.accounts[0][0], now - timedelta(hours=1)
    async with transaction(pool) as conn:
        await put_accounts_on(conn, SECOND, [account_id], "Asha", now)
        known = [await orders_of_account(conn, account_id, at) for at in (before, now)]
    assert [[o.title for o in found] for found in known] == [["Order 1"], ["Order 1", "Order 2"]]
