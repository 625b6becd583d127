"""Locks that are lost, and what is written under one."""

import pytest

from collectors.x.declaration import X
from storage.postgres.errors import Unreachable
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool, transaction
from storage.work.workers import planning_lock
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import AVAILABLE, WITHHELD_IN, minutes

NAME = planning_lock(X)


async def lose(pool: Pool, name: str) -> None:
    """End the connection that holds a lock, behind the back of its holder."""
    async with transaction(pool) as conn:
        ended = 0
        while not ended:  # the server may not have noticed yet that an earlier holder left
            ended = await conn.fetchval(
                """
                select count(pg_terminate_backend(pid, 5000)) from pg_locks
                where locktype = 'advisory' and granted and objsubid = 1
                    and database = (select oid from pg_database where datname = current_database())
                    and ((classid::bigint << 32) | objid::bigint) = hashtextextended('blockline ' || $1, 0)
                """,
                name,
            )


async def test_a_process_that_was_replaced_records_nothing_of_what_it_remembers(pool: Pool, dsn: str) -> None:
    world, replaced, holds = World(pool), Lock(dsn, NAME), Lock(dsn, NAME)
    await world.enlist(["1", "2"])
    await replaced.take(1)
    old = await world.start(fence=replaced.fence)
    await world.run(old, minutes(1))
    await lose(pool, NAME)
    await holds.take(20)
    new = await world.start(fence=holds.fence)
    world.platform.truth["1"] = WITHHELD_IN
    await world.run(new, minutes(122))
    world.platform.truth["1"] = AVAILABLE
    world.clock.set(minutes(240))
    with pytest.raises(Unreachable, match=r"the connection that held the lock 'monitor of x' is lost"):
        await old.tick()
    await world.run(new, minutes(500))
    await holds.let_go()
    await replaced.let_go()
    found = await world.rows(
        """
        select last_seen_old, first_seen_new, outcome from change join change_outcome using (change_id)
        where kind = 'restoration'
        """
    )
    assert found == [(minutes(121), minutes(240), "confirmed")]
