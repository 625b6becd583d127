"""Each way in which an account is stored says whether it is a post."""

from collections.abc import Awaitable, Callable

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.executives.signals import add_executive
from storage.imports.imports import import_history
from storage.model.bitemporal.imported_records import ImportedAccount, ImportedHistory
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.platforms.registry import DECLARED
from storage.orders.name_edits import add_unwatched
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import T0

Store = Callable[[Conn, Platform, list[tuple[str, str]]], Awaitable[object]]
"""Stores accounts, each with its id and its handle."""


async def _add(conn: Conn, platform: Platform, accounts: list[tuple[str, str]]) -> None:
    await add_accounts(conn, [NewAccount(platform, i, handle) for i, handle in accounts], T0)


async def _name(conn: Conn, platform: Platform, accounts: list[tuple[str, str]]) -> None:
    for native_id, handle in accounts:
        await add_unwatched(conn, platform, native_id, handle, T0)


async def _follow(conn: Conn, platform: Platform, accounts: list[tuple[str, str]]) -> None:
    for native_id, handle in accounts:
        await add_executive(conn, platform, native_id, handle, "Ada Chief", "Chief", T0)


async def _check(conn: Conn, platform: Platform, accounts: list[tuple[str, str]]) -> None:
    await set_canaries(conn, platform, [(i, handle, Status.AVAILABLE) for i, handle in accounts], T0)


async def _import(conn: Conn, platform: Platform, accounts: list[tuple[str, str]]) -> None:
    brought = tuple(ImportedAccount(i, handle) for i, handle in accounts)
    await import_history(conn, ImportedHistory("record", "Record", platform, brought, (), ()), T0)


@pytest.mark.parametrize("platform", [X, BLUESKY, MASTODON])
@pytest.mark.parametrize(
    "store",
    [
        pytest.param(_add, id="an account that is watched"),
        pytest.param(_name, id="an account that an order names"),
        pytest.param(_follow, id="an executive"),
        pytest.param(_check, id="a control account"),
        pytest.param(_import, id="an account of a published record"),
    ],
)
async def test_a_stored_row_says_whether_it_is_a_post(pool: Pool, store: Store, platform: Platform) -> None:
    declared = DECLARED[platform]
    accounts = [(declared.id_example, "alice"), (declared.post_id_example, "alice/123")]
    async with transaction(pool) as conn:
        await store(conn, platform, accounts)
        rows = await conn.fetch("select handle, is_post from account order by handle")
    assert [tuple(r) for r in rows] == [("alice", False), ("alice/123", True)]
