"""One process that takes requests from the queue: a source that is slow, and one that is paused."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.base.database_clock import SteadyClock
from jobs.dispatch.worker import AT_ONCE, QueueWorker
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, transaction
from storage.work import pending_answers, request_queue
from storage.work.queue_consumer import Consumer
from storage.work.request_queue import QueueJob
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


async def test_a_source_that_answers_slowly_holds_up_no_other(pool: Pool, dsn: str) -> None:
    stuck = [Stuck(), Stuck()]
    worker = QueueWorker(dsn, pool, "", SteadyClock(system_clock))
    worker.reads({"x": FakeCollector(), "x from in": stuck[0], "x from tr": stuck[1]})
    async with transaction(pool) as conn:
        for n, vantage in enumerate(("in", "tr")):
            await request_queue.enqueue(conn, [job(vantage, 100 * n + at) for at in range(64)])
        await request_queue.enqueue(conn, [job("", 1000 + at) for at in range(30)])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(worker.run())
        await until(pool, "select count(*) from answered where source = 'x'", 30)
        assert [one.under_way for one in stuck] == [AT_ONCE, AT_ONCE]
        # The rest is left to other processes.
        assert await asked(pool, "select count(*) >= 2 * 24 from pgqueuer where status = 'queued'")
        for one in stuck:
            one.released.set()
        await worker.end(running)


async def nothing(_source: str, _payload: bytes) -> None:
    """There is nothing to do."""


async def test_requests_that_wait_for_a_source_that_is_paused_are_not_looked_at_again_and_again(
    pool: Pool, dsn: str
) -> None:
    looks = 0

    def is_paused(_source: str) -> bool:
        nonlocal looks
        looks += 1
        return True

    async with transaction(pool) as conn:
        await request_queue.enqueue(conn, [job("", at) for at in range(5)])
    consumer = Consumer(dsn, ["x"], nothing, 2, is_paused, lambda: None)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(consumer.run())
        while looks == 0:  # noqa: ASYNC110 - it is PgQueuer that looks
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.5)
        running.cancel()
    assert looks <= 8
