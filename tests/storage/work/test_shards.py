"""The number of shards of a platform changes only while no shard has a leader."""

import pytest

from collectors.x.declaration import X
from storage.model.core.shards import ShardNumbers
from storage.postgres.locks import exclusive
from storage.postgres.pool import Pool, transaction
from storage.work.shards import put_in_force, shard_numbers, want_shards
from storage.work.workers import planning_lock


@pytest.mark.parametrize("led", [0, 1])
async def test_another_number_waits_until_the_last_leader_gave_up_its_shard(
    pool: Pool, dsn: str, led: int
) -> None:
    async with transaction(pool) as conn:
        await want_shards(conn, X, 2)
        assert await put_in_force(conn, X) == ShardNumbers(2, 2)
    async with exclusive(dsn, planning_lock(X, led), 1), transaction(pool) as conn:
        assert await want_shards(conn, X, 3) == ShardNumbers(2, 2)
        assert await put_in_force(conn, X) == ShardNumbers(2, 3)
    async with transaction(pool) as conn:
        assert await shard_numbers(conn, X) == ShardNumbers(2, 3)
        assert await put_in_force(conn, X) == ShardNumbers(3, 3)


async def test_another_number_waits_for_what_a_leader_that_lost_its_lock_still_writes(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as writing:
        async with exclusive(dsn, planning_lock(X), 1) as held:
            await held.fence(writing)
        async with transaction(pool) as conn:
            await want_shards(conn, X, 2)
            assert await put_in_force(conn, X) == ShardNumbers(1, 2)
    async with transaction(pool) as conn:
        assert await put_in_force(conn, X) == ShardNumbers(2, 2)
