"""One process that takes requests from the queue: one source is slow or paused, or the database is lost."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.base.database_clock import SteadyClock
from jobs.dispatch.worker import AT_ONCE, QueueWorker
from storage.model.core.platform_request import Question
from storage.model.core.shards import ShardNumbers
from storage.postgres.locks import exclusive
from storage.postgres.pool import Pool, listen, transaction
from storage.work import pending_answers, request_queue
from storage.work.request_queue import QueueJob, channel
from storage.work.shards import put_in_force, shard_numbers, want_shards
from storage.work.workers import planning_lock
from tests.support.processes.worker_fleet import asked, until
from tests.support.samples.readings import T0, FakeCollector


class Stuck(FakeCollector):
    """A platform that takes requests and answers none until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.under_way = 0

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        self.under_way += 1
        await self.released.wait()
        return await super().read(native_ids, now)


def job(vantage: str, number: int) -> QueueJob:
    question = Question(X, vantage, "", number, T0, 0, ("1",), urgent=False)
    return QueueJob(question.key, question.source, pending_answers.packed(question))


async def enqueue(pool: Pool, jobs: Sequence[QueueJob]) -> None:
    async with transaction(pool) as conn:
        await request_queue.enqueue(conn, jobs)


async def test_a_source_that_answers_slowly_holds_up_no_other(pool: Pool, dsn: str) -> None:
    stuck = [Stuck(), Stuck()]
    worker = QueueWorker(dsn, pool, "", SteadyClock(system_clock))
    worker.reads({"x": FakeCollector(), "x from in": stuck[0], "x from tr": stuck[1]})
    for n, vantage in enumerate(("in", "tr")):
        await enqueue(pool, [job(vantage, 100 * n + at) for at in range(64)])
    await enqueue(pool, [job("", 1000 + at) for at in range(30)])
    async with worker.running():
        await until(pool, "select count(*) from answered where source = 'x'", 30)
        assert [one.under_way for one in stuck] == [AT_ONCE, AT_ONCE]
        # The rest is left to other processes.
        assert await asked(pool, "select count(*) >= 2 * 24 from pgqueuer where status = 'queued'")
        for one in stuck:
            one.released.set()


async def test_a_request_wakes_the_workers_of_its_source_alone(pool: Pool, dsn: str) -> None:
    async with listen(dsn, channel("x")) as woken:
        await enqueue(pool, [job("in", 1)])
        await enqueue(pool, [job("", 2)])
        async with transaction(pool) as conn:
            await conn.execute("select pg_notify($1, 'the end')", channel("x"))
        assert "table_changed_event" in await anext(woken)
        assert await anext(woken) == "the end"


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
