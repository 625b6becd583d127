"""Which accounts the table lists, and in which order."""

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.live.account_listings import (
    ListingColumn,
    ListingFilter,
    ListingSort,
    count_accounts,
    list_accounts,
)
from storage.live.accounts_table import AccountScope, accounts_shot
from storage.model.core.accounts import TargetKind
from storage.model.core.availability import Status
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import T0
from tests.support.seeds.changes import DAY

ALL = ListingFilter(AccountScope.ALL)
BY_HANDLE = ListingSort(ListingColumn.HANDLE)


async def listed(conn: Conn, wanted: ListingFilter, *sorts: ListingSort) -> list[str]:
    """The handles of a listing."""
    ids = await list_accounts(conn, wanted, sorts, T0 + DAY, T0)
    shot = await accounts_shot(conn, ids.tolist(), T0, T0 + DAY, DAY)
    return [account.handle for account in shot.accounts]


async def add(conn: Conn, *handles: str) -> None:
    await add_accounts(conn, [NewAccount(X, f"{1_000 + n}", h) for n, h in enumerate(handles)], T0)


async def test_posts_stand_behind_their_author(pool: Pool) -> None:
    async with transaction(pool) as conn:
        posts = [NewAccount(X, "post:7", "alice/7"), NewAccount(X, "post:10", "alice/10")]
        await add_accounts(conn, [*posts, NewAccount(X, "2", "alice_b"), NewAccount(X, "1", "alice")], T0)
        handles = await listed(conn, ALL, BY_HANDLE)
        only = await listed(conn, ListingFilter(AccountScope.ALL, kind=TargetKind.POSTS), BY_HANDLE)
    assert handles == ["alice", "alice/7", "alice/10", "alice_b"]
    assert only == ["alice/7", "alice/10"]


async def test_control_accounts_are_listed_nowhere(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add(conn, "ada")
        await set_canaries(conn, X, [("900", "control", Status.AVAILABLE)], T0)
        assert await listed(conn, ALL) == ["ada"]
        assert (await count_accounts(conn, AccountScope.ALL, T0, T0)).total == 1
