"""Several leaders of one platform: each reads its own accounts, and together they read all.

The tests marked `long` guard `jobs/runtime` and `jobs/dispatch`.
"""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import X
from storage.model.core.accounts import AccountId
from storage.model.core.shards import MOST_SHARDS, Shard
from storage.postgres.pool import Pool, transaction
from storage.work.shards import put_in_force, want_shards
from storage.work.workers import PlatformLeader, platform_leaders
from tests.support.processes.worker_fleet import asked, fleet, many_accounts, until, watch_many
from tests.support.simulated.scripted_x import far_x

SOME_ANSWERED = "select count(*) >= 10 from coverage_row where outcome = 0"
READINGS = """
    select (
        select sum(cardinality(account_ids)) from coverage_row join roster using (roster_id)
        where base and outcome = 0
    )
"""
UNREAD = """
    select count(*) from account where watched and account_id not in (
        select unnest(account_ids) from roster join coverage_row using (roster_id) where outcome = 0
    )
"""
ON_ITS_WAY = "select (select count(*) from pgqueuer) + (select count(*) from answered)"
READ_TWICE = """
    select count(*) from (
        select from coverage_row c join roster r using (roster_id)
        cross join lateral unnest(r.account_ids) as m (account_id)
        where r.base and c.outcome = 0 group by m.account_id, c.slot having count(*) > 1
    ) twice
"""
"""Accounts that were read more than once in one slot of the sweep, by whichever roster."""
NOT_IN_ONE_ROSTER = """
    select count(*) from account where watched and account_id not in (
        select m.account_id from roster r cross join lateral unnest(r.account_ids) as m (account_id)
        where r.base and r.retired_at is null group by m.account_id having count(*) = 1
    )
"""
MISSED = "select count(*) from coverage_row where outcome <> 0"


@given(
    st.lists(st.integers(1, 2**31 - 1), unique=True, max_size=200).map(lambda ids: [*map(AccountId, ids)]),
    st.integers(1, MOST_SHARDS),
)
def test_each_account_is_in_exactly_one_shard(accounts: list[AccountId], count: int) -> None:
    shards = [Shard(index, count).own(accounts) for index in range(count)]
    assert sorted(a for own in shards for a in own) == sorted(accounts)


async def put(pool: Pool, count: int) -> None:
    async with transaction(pool) as conn:
        await want_shards(conn, X, count)
        await put_in_force(conn, X)


async def all_led(pool: Pool, count: int, *, without: str = "") -> list[PlatformLeader]:
    """Wait until each of so many shards has a leader, and none is `without`; the test's own time limit is the
    bound.
    """
    while True:
        async with transaction(pool) as conn:
            found = (await platform_leaders(conn)).get(X, [])
        shards = [leader.shard for leader in found if leader.name != without]
        if shards == [Shard(index, count) for index in range(count)]:
            return found
        await asyncio.sleep(0.05)


@pytest.mark.long
async def test_every_account_is_read_once_though_the_number_of_shards_changes_twice_while_hundreds_wait(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    accounts = 30_000  # 307 requests: 256 of them fill the queue
    told = many_accounts(tmp_path / "history.csv", accounts)
    async with far_x(told, 0.7) as x, fleet(pool, dsn, x, tmp_path, ["simulated"] * 2):
        await all_led(pool, 1)
        await watch_many(pool, accounts)
        await until(pool, SOME_ANSWERED, True)
        for count in (2, 1):
            await put(pool, count)
            await all_led(pool, count)
        await until(pool, f"{READINGS} >= {accounts}", True)
        await until(pool, NOT_IN_ONE_ROSTER, 0)
        await until(pool, UNREAD, 0)
        await until(pool, ON_ITS_WAY, 0)
    assert await asked(pool, READ_TWICE) == 0
    assert await asked(pool, MISSED) == 0
