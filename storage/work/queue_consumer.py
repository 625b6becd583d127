# pyright: reportMissingTypeStubs=false
"""What takes requests from the queue and has them made, as long as a process works."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Job as PgqJob

from storage.postgres.pool import close, connect, lost
from storage.work.request_queue import channel, queries, wake

ALIVE_FOR: Final = timedelta(seconds=10)
"""A worker that gave no sign for so long is dead, and its jobs are given to another. It gives one twice in
that time.
"""
_LOOK_EVERY: Final = timedelta(seconds=5)
_LOOK_AGAIN_AFTER: Final = timedelta(seconds=0.05)
"""When more waits than may be in hand."""


class PutBack(RetryRequested):
    """Raised by a handler: somebody else may do this job, or this worker later, after so long."""


async def take_jobs(
    dsn: str, source: str, handle: Callable[[bytes], Awaitable[None]], at_once: int, stop: asyncio.Event
) -> None:
    """Do jobs of one source, at most `at_once` together, until `stop` is set and those in hand are done.

    `handle` is given the payload. It may raise PutBack; any other error holds the job. Raises StorageError
    when the database goes away; what was in hand is then given to this worker again, or to another.
    """

    async def do(job: PgqJob) -> None:
        await handle(job.payload or b"")

    # PgQueuer holds a job that it cannot put back. With one connection for both, a lost one does neither.
    conn = await connect(dsn)
    try:
        manager = QueueManager(queries(AsyncpgDriver(conn), source), channel=channel(source))
        manager.shutdown, manager.min_dequeue_poll_interval = stop, _LOOK_AGAIN_AFTER
        manager.entrypoint(source, on_failure="hold")(do)
        with lost(dsn, FailingListenerError):
            await manager.run(
                dequeue_timeout=_LOOK_EVERY,
                batch_size=max(1, at_once // 2),
                max_concurrent_tasks=max(2, at_once),
                shutdown_on_listener_failure=True,
                heartbeat_timeout=ALIVE_FOR,
                log_aggregation_interval=timedelta(0),
            )
            await wake(conn, source)  # what was put back in the end is for others
    finally:
        await close(conn)
