"""Which accounts the table lists, and in which order."""

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.live.account_listings import (
    ListingColumn,
    ListingFilter,
    ListingSort,
    ListingStatus,
    count_accounts,
    list_accounts,
)
from storage.live.accounts_table import AccountScope, accounts_shot
from storage.model.core.accounts import TargetKind
from storage.model.core.availability import Status
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import T0
from tests.support.seeds.changes import DAY, Story

ALL = ListingFilter(AccountScope.ALL)
BY_HANDLE = ListingSort(ListingColumn.HANDLE)


async def listed(conn: Conn, wanted: ListingFilter, *sorts: ListingSort) -> list[str]:
    """The handles of a listing."""
    ids = await list_accounts(conn, wanted, sorts, T0 + DAY, T0)
    shot = await accounts_shot(conn, ids.tolist(), T0, T0 + DAY, DAY)
    return [account.handle for account in shot.accounts]


async def add(conn: Conn, *handles: str) -> None:
    await add_accounts(conn, [NewAccount(X, f"{1_000 + n}", h) for n, h in enumerate(handles)], T0)


@pytest.mark.parametrize(
    ("stored", "search"),
    [
        pytest.param("Zed_10", "zED", id="in capitals or not"),
        pytest.param("İstanbul", "istanbul", id="a Turkish capital I with a dot"),
        pytest.param("ISPARTA", "ısparta", id="a Turkish small i without a dot"),
        pytest.param("Αθήνας", "ΑΘΉΝΑΣ", id="a Greek final sigma"),
        pytest.param("москва", "МОСКВА", id="another alphabet"),
        pytest.param("ada_1", "@ada", id="with the at sign"),
        pytest.param("ada_1", "  ada   1000 ", id="words of which one is the id at the platform"),
        pytest.param("ada_1", "press ADA", id="words of which one is in a tag"),
        pytest.param("100%_\\", "0%_\\", id="characters that mean something in a pattern"),
    ],
)
async def test_a_search_finds_what_its_words_stand_in(pool: Pool, stored: str, search: str) -> None:
    async with transaction(pool) as conn:
        await add(conn, stored, "somebody")
        await conn.execute("update account set tags = '{Press}' where handle = $1", stored)
        assert await listed(conn, ListingFilter(AccountScope.ALL, search)) == [stored]
        assert await listed(conn, ListingFilter(AccountScope.ALL, f"{search} nowhere")) == []


@pytest.mark.parametrize(
    ("handles", "expected"),
    [
        pytest.param(["zed_10", "Zed_9", "amy"], ["amy", "Zed_9", "zed_10"], id="numbers by their size"),
        pytest.param(["a2", "a" + "1" * 30, "a10"], ["a2", "a10", "a" + "1" * 30], id="very long numbers"),
        pytest.param(["b" * 5_000, "a", "b"], ["a", "b", "b" * 5_000], id="texts of any length"),
    ],
)
async def test_handles_are_sorted_as_people_read_them(
    pool: Pool, handles: list[str], expected: list[str]
) -> None:
    async with transaction(pool) as conn:
        await add(conn, *handles)
        ids = await list_accounts(conn, ALL, (BY_HANDLE,), T0 + DAY, T0)
        back = await list_accounts(conn, ALL, (ListingSort(ListingColumn.HANDLE, True),), T0 + DAY, T0)
        found = {r["account_id"]: r["handle"] for r in await conn.fetch("select * from account")}
    assert [found[i] for i in ids.tolist()] == expected
    assert back.tolist() == ids.tolist()[::-1]


async def test_posts_stand_behind_their_author(pool: Pool) -> None:
    async with transaction(pool) as conn:
        posts = [NewAccount(X, "post:7", "alice/7"), NewAccount(X, "post:10", "alice/10")]
        await add_accounts(conn, [*posts, NewAccount(X, "2", "alice_b"), NewAccount(X, "1", "alice")], T0)
        handles = await listed(conn, ALL, BY_HANDLE)
        only = await listed(conn, ListingFilter(AccountScope.ALL, kind=TargetKind.POSTS), BY_HANDLE)
    assert handles == ["alice", "alice/7", "alice/10", "alice_b"]
    assert only == ["alice/7", "alice/10"]


@pytest.mark.parametrize("column", list(ListingColumn))
async def test_each_order_lists_every_account_once_and_what_is_missing_last(
    pool: Pool, story: Story, column: ListingColumn
) -> None:
    async with transaction(pool) as conn:
        everyone = await list_accounts(conn, ALL, (), story.now, story.now - 2 * story.sweep)
        for descending in (False, True):
            sorts = (ListingSort(column, descending),)
            ids = await list_accounts(conn, ALL, sorts, story.now, story.now - 2 * story.sweep)
            assert sorted(ids.tolist()) == everyone.tolist()
            if column in {ListingColumn.SINCE, ListingColumn.STATUS}:
                known = {r[0] for r in await conn.fetch("select account_id from spells_now()")}
                isolated = [i in known for i in ids.tolist()]
                assert isolated == sorted(isolated, reverse=True)


@pytest.mark.parametrize("scope", list(AccountScope))
async def test_what_can_be_chosen_is_counted_as_it_is_listed(
    pool: Pool, story: Story, scope: AccountScope
) -> None:
    now, late = story.now, story.now - 2 * story.sweep
    async with transaction(pool) as conn:
        await conn.execute("update account set tags = '{press}' where account_id % 3 = 0")
        counts = await count_accounts(conn, scope, now, late)

        async def number(**chosen: object) -> int:
            return len(await list_accounts(conn, ListingFilter(scope, **chosen), (), now, late))  # pyright: ignore[reportArgumentType]

        assert counts.total == await number()
        assert counts.late == await number(late=True)
        assert counts.posts == await number(kind=TargetKind.POSTS)
        assert counts.platforms == {p: await number(platform=p) for p in counts.platforms}
        assert counts.countries == {c: await number(country=c) for c in counts.countries}
        assert counts.tags == {t: await number(tag=t) for t in counts.tags}
        assert counts.lists == {i: await number(list_id=i) for i in counts.lists}
        by_status = {s: await number(status=s) for s in ListingStatus}
    assert by_status[ListingStatus.BLOCKED] == (
        by_status[ListingStatus.WITHHELD] + by_status[ListingStatus.SUSPENDED]
    )
    each = set(ListingStatus) - {ListingStatus.BLOCKED, ListingStatus.PROVISIONAL}
    assert sum(by_status[s] for s in each) == counts.total


async def test_control_accounts_are_listed_nowhere(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add(conn, "ada")
        await set_canaries(conn, X, [("900", "control", Status.AVAILABLE)], T0)
        assert await listed(conn, ALL) == ["ada"]
        assert (await count_accounts(conn, AccountScope.ALL, T0, T0)).total == 1
