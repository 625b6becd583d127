"""Locks that are lost, and what is written under one."""

import pytest

from collectors.x.declaration import X
from storage.postgres.errors import AlreadyHeld, Unreachable
from storage.postgres.locks import Fence, Lock, exclusive
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


async def test_who_takes_a_lock_waits_for_what_was_begun_under_it(pool: Pool, dsn: str) -> None:
    old = Lock(dsn, "poll x")
    await old.take(1)
    async with transaction(pool) as writing:
        await old.fence(writing)
        await lose(pool, "poll x")
        with pytest.raises(AlreadyHeld):
            async with exclusive(dsn, "poll x", wait_s=0.2):
                pytest.fail("what was begun is not written yet")
    async with exclusive(dsn, "poll x", wait_s=20):
        pass


async def test_a_lock_that_was_lost_or_let_go_lets_nothing_be_written(pool: Pool, dsn: str) -> None:
    lock, other = Lock(dsn, "poll x"), Lock(dsn, "poll x")

    async def writes(fence: Fence) -> str:
        try:
            async with transaction(pool) as conn:
                await fence(conn)
        except Unreachable as error:
            return str(error)
        return "written"

    assert "does not hold the lock 'poll x'" in await writes(lock.fence)
    await lock.take(1)
    assert await writes(lock.fence) == "written"
    await lose(pool, "poll x")
    assert "another process may hold it now" in await writes(lock.fence)
    await other.take(20)
    assert await writes(other.fence) == "written"
    assert "another process may hold it now" in await writes(lock.fence)
    await other.let_go()
    assert "does not hold the lock 'poll x'" in await writes(other.fence)
    await lock.let_go()
