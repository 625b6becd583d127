"""What a process that works forgets: whatever ended on other machines without a farewell."""

from datetime import timedelta

import pytest

from jobs.base.clock import system_clock
from jobs.base.database_clock import SteadyClock
from jobs.dispatch.worker import QueueWorker
from storage.postgres.pool import Pool, transaction
from tests.support.processes.worker_fleet import asked, until
from tests.support.samples.readings import FakeCollector
from tests.support.seeds.workers import report

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture
def worker(pool: Pool, dsn: str) -> QueueWorker:
    """A process that reads X."""
    worker = QueueWorker(dsn, pool, "", SteadyClock(system_clock))
    worker.reads({"x": FakeCollector()})
    return worker


@pytest.mark.slow
async def test_a_process_that_leaves_takes_no_other_along(pool: Pool, dsn: str) -> None:
    ahead = QueueWorker(dsn, pool, "", SteadyClock(lambda: system_clock() + 2 * DAY))
    ahead.reads({"x": FakeCollector()})
    async with transaction(pool) as conn:
        await report(conn, "other 1", system_clock())
    async with ahead.running():
        await until(pool, "select count(*) from worker", 2)
    assert await asked(pool, "select name from worker") == "other 1"
