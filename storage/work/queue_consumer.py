# pyright: reportMissingTypeStubs=false
"""What takes requests from the queue and has them made, as long as a process works."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Job as PgqJob
from pgqueuer.domain.types import JobId, QueueEntrypoint

from storage.postgres.pool import lost, open_pool
from storage.work.request_queue import BUILDERS, NAMES

ALIVE_FOR: Final = timedelta(seconds=10)
"""A worker that gave no sign for so long is dead, and its jobs are given to another. It gives one twice in
that time.
"""
_LOOK_EVERY: Final = timedelta(seconds=5)


class PutBack(Exception):
    """Raised by a handler: somebody else may do this job, or this worker later."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("put back")
        self.wait = wait


class Consumer:
    """Does jobs of some sources, about `at_once` of each together: a slow one holds up no other."""

    def __init__(
        self,
        dsn: str,
        sources: Collection[str],
        handle: Callable[[str, bytes], Awaitable[None]],
        at_once: int,
        is_paused: Callable[[str], bool],
        on_look: Callable[[], None],
    ) -> None:
        """`handle` is given the source and the payload. It may raise PutBack; any other error holds the job.
        While `is_paused` of a source, none of its jobs is taken. `on_look` is called whenever the queue was
        looked at, be there jobs or not.
        """
        self._dsn = dsn
        self._sources = sources
        self._handle = handle
        self._at_once = at_once
        self._is_paused = is_paused
        self._on_look = on_look
        self._stopped = False
        self._manager: _Manager | None = None

    def stop(self) -> None:
        """Take no more jobs; `run` ends when those in hand are done."""
        self._stopped = True
        if self._manager is not None:
            self._manager.shutdown.set()

    async def run(self) -> None:
        """Until `stop`. Raises StorageError when the database goes away: to be called again then."""
        async with open_pool(self._dsn, max_size=4) as pool:
            # It sets its own `shutdown` when it loses a connection, so each run has one of its own.
            queries = _Queries(AsyncpgPoolDriver(pool), *BUILDERS)
            queries.is_paused = self._is_paused
            manager = self._manager = _Manager(queries, channel=NAMES.channel)
            manager.is_paused, manager.at_once = self._is_paused, self._at_once
            manager.on_look = self._on_look
            manager.taken, manager.faults = defaultdict(set), set()
            if self._stopped:
                return
            for source in self._sources:
                manager.entrypoint(source, on_failure="hold")(self._do)
            with lost(pool, FailingListenerError):
                await manager.run(
                    dequeue_timeout=_LOOK_EVERY,
                    batch_size=max(1, self._at_once // 2),
                    max_concurrent_tasks=max(2, self._at_once * len(self._sources)),
                    shutdown_on_listener_failure=True,
                    heartbeat_timeout=ALIVE_FOR,
                    log_aggregation_interval=timedelta(0),
                )

    async def _do(self, job: PgqJob) -> None:
        try:
            await self._handle(job.entrypoint, job.payload or b"")
        except PutBack as error:
            raise RetryRequested(error.wait) from None
        except Exception:
            if self._manager is not None:
                self._manager.faults.add(job.id)
            raise


class _Queries(Queries):
    """What waits for a source that is paused is no reason to look into the queue again soon."""

    is_paused: Callable[[str], bool]

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        return await super().queued_work(self._open(entrypoints))

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        return await super().eligible_queued_work(self._open(entrypoints))

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:
        return await super().next_deferred_eta(self._open(entrypoints))

    def _open(self, entrypoints: list[QueueEntrypoint]) -> list[QueueEntrypoint]:
        return [name for name in entrypoints if not self.is_paused(name)]


class _Manager(QueueManager):
    """Takes no job of a source that is paused or has enough in hand, and holds only those at which their
    handler failed.
    """

    is_paused: Callable[[str], bool]
    on_look: Callable[[], None]
    at_once: int
    taken: defaultdict[QueueEntrypoint, set[JobId]]
    """By source; those that are done may still be among them."""
    faults: set[JobId]

    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[PgqJob, None]:
        async with aclosing(
            super().fetch_jobs(batch_size, global_concurrency_limit, heartbeat_timeout)
        ) as jobs:
            async for job in jobs:
                self.taken[job.entrypoint].add(job.id)
                yield job
        self.on_look()

    async def log_failure(
        self, job: PgqJob, executor: AbstractEntrypointExecutor, exc: Exception, jbuff: JobStatusLogBuffer
    ) -> None:
        """What could not be put back, with the database away, stays in hand and is given to another."""
        if job.id in self.faults:
            self.faults.discard(job.id)
            await super().log_failure(job, executor, exc, jbuff)

    def entrypoints_below_capacity_limits(self) -> set[QueueEntrypoint]:
        return {
            name for name in self.entrypoint_registry if not self.is_paused(name) and self._has_room(name)
        }

    def _has_room(self, name: QueueEntrypoint) -> bool:
        self.taken[name].intersection_update(self.job_context)
        return len(self.taken[name]) < self.at_once
