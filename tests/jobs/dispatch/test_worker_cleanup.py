"""What a process that works forgets: whatever ended on other machines without a farewell."""

from datetime import timedelta
from uuid import uuid4

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.base.database_clock import SteadyClock
from jobs.dispatch.answer_codec import pack
from jobs.dispatch.worker import QueueWorker
from storage.model.core.platform_request import Question
from storage.model.limits.rate_limits import UNPACED
from storage.postgres.pool import Pool, borrowed, transaction
from storage.work import pending_answers, rate_limits, request_queue
from storage.work.pending_answers import WorkerAnswer
from tests.support.processes.worker_fleet import asked, until
from tests.support.samples.readings import T0, FakeCollector
from tests.support.seeds.workers import hold, put, report

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture
def worker(pool: Pool, dsn: str) -> QueueWorker:
    """A process that reads X."""
    worker = QueueWorker(dsn, pool, "", SteadyClock(system_clock))
    worker.reads({"x": FakeCollector()})
    return worker


@pytest.mark.parametrize(
    ("off", "heard", "kept"),
    [
        pytest.param(0 * HOUR, 23 * HOUR, True, id="it was heard of today"),
        pytest.param(0 * HOUR, 25 * HOUR, False, id="it was killed"),
        pytest.param(-30 * HOUR, 23 * HOUR, True, id="it was heard of today, and its clock is a day behind"),
        pytest.param(30 * HOUR, 25 * HOUR, False, id="it was killed, and its clock was a day ahead"),
    ],
)
async def test_a_process_is_forgotten_a_day_after_it_was_heard_of_last(
    pool: Pool, worker: QueueWorker, off: timedelta, heard: timedelta, kept: bool
) -> None:
    async with transaction(pool) as conn:
        await report(conn, "other 1", system_clock(), heard=heard, off=off)
    await worker.report()
    async with transaction(pool) as conn:
        assert await conn.fetchval("select exists (select from worker where name = 'other 1')") is kept


@pytest.mark.slow
async def test_a_process_that_leaves_takes_no_other_along(pool: Pool, dsn: str) -> None:
    ahead = QueueWorker(dsn, pool, "", SteadyClock(lambda: system_clock() + 2 * DAY))
    ahead.reads({"x": FakeCollector()})
    async with transaction(pool) as conn:
        await report(conn, "other 1", system_clock())
    async with ahead.running():
        await until(pool, "select count(*) from worker", 2)
    assert await asked(pool, "select name from worker") == "other 1"


async def test_a_budget_of_which_nobody_took_a_request_for_a_day_is_forgotten(
    pool: Pool, worker: QueueWorker
) -> None:
    async with borrowed(pool) as conn:
        for name, ago in (("of today", 23 * HOUR), ("of an old token", 25 * HOUR)):
            await rate_limits.take(conn, name, X, system_clock() - ago, UNPACED)
    await worker.report()
    async with transaction(pool) as conn:
        assert [one.name for one in await rate_limits.budgets(conn)] == ["of today"]


async def test_an_answer_that_nobody_took_for_a_day_is_forgotten(pool: Pool, worker: QueueWorker) -> None:
    async with transaction(pool) as conn:
        for number, ago in enumerate((23 * HOUR, 25 * HOUR)):
            question = Question(X, "", "", number, T0, 0, ("1",), urgent=False)
            at = system_clock() - ago
            await pending_answers.put(
                conn, WorkerAnswer(question, uuid4(), at, at, pack(CollectorAnswer((), ())))
            )
    await worker.report()
    async with transaction(pool) as conn:
        assert await pending_answers.keys(conn, "x") == [
            Question(X, "", "", 0, T0, 0, ("1",), urgent=False).key
        ]


@pytest.mark.parametrize(
    ("source", "ago", "status", "kept"),
    [
        pytest.param("x from tr", 25 * HOUR, "queued", False, id="nobody reads from there any more"),
        pytest.param("x from tr", 25 * HOUR, "picked", False, id="whoever had it in hand was killed"),
        pytest.param("x from tr", 23 * HOUR, "queued", True, id="somebody may come back yet"),
        pytest.param("x", 25 * HOUR, "queued", True, id="a queue that is stuck is told as such"),
        pytest.param("bluesky", 25 * HOUR, "queued", True, id="somebody reads it who was heard of today"),
    ],
)
async def test_a_request_that_nobody_can_take_is_forgotten_after_a_day(
    pool: Pool, worker: QueueWorker, source: str, ago: timedelta, status: str, kept: bool
) -> None:
    async with transaction(pool) as conn:
        await report(conn, "other 1", system_clock(), sources=("bluesky",), heard=23 * HOUR)
        await report(conn, "killed 1", system_clock(), sources=("x from tr",), heard=25 * HOUR)
        await put(conn, source, system_clock() - ago, status)
    await worker.report()
    async with transaction(pool) as conn:
        assert await conn.fetchval("select exists (select from pgqueuer)") is kept


async def test_a_request_that_is_held_waits_until_somebody_looks_at_it(
    pool: Pool, worker: QueueWorker
) -> None:
    async with transaction(pool) as conn:
        await hold(conn, "x from tr", system_clock() - 3 * DAY)
    await worker.report()
    async with transaction(pool) as conn:
        assert len(await request_queue.held_jobs(conn)) == 1
