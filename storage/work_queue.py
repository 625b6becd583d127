# pyright: reportMissingTypeStubs=false
"""The queue of requests that any machine may make. PgQueuer's objects, SQL and errors end here.

A job is given to one worker at a time, and again to another when its worker dies: at least once. What is
stored of it is stored once, by the keys of `storage.answered` and of coverage.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Job as PgqJob
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel, JobId, QueueEntrypoint
from pgqueuer.ports.driver import Driver

from storage.db import Conn, Connection, lost, open_pool

_NAMES: Final = DBSettings(
    # Each one, because PgQueuer takes what is not said from variables of the environment such as CHANNEL.
    prefix="",
    db_schema=None,
    channel=Channel("blockline_queue"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.volatile,
)
_ENVIRONMENT: Final = QueryBuilderEnvironment(_NAMES)

TABLES: Final = _ENVIRONMENT.build_install_query(create_schema=False)
"""PgQueuer's own statements that make its tables, for a migration. They are not logged: what is lost in a
crash of the database is asked anew.
"""

ALIVE_FOR: Final = timedelta(seconds=10)
"""A worker that gave no sign for so long is dead, and its jobs are given to another. It gives one twice in
that time.
"""
_LOOK_EVERY: Final = timedelta(seconds=5)
_LOG_KEPT: Final = timedelta(hours=1)
_URGENT, _IN_TURN = 1, 0

logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)  # whoever works says what failed, in a sentence


@dataclass(frozen=True, slots=True)
class Job:
    """A request to be made. `key` is the same for each repeat; `source` says who can make it."""

    key: str
    source: str
    payload: bytes
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A request at which a worker failed by a fault of ours. It is kept until somebody looks at it."""

    job_id: int
    key: str
    source: str
    since: datetime
    said: str


@dataclass(frozen=True, slots=True)
class Line:
    """The requests of one source that are in the queue."""

    source: str
    waiting: int
    in_hand: int
    """That a worker has."""
    held: int
    oldest_at: datetime | None
    """When the one that waits longest was put there. None: none waits."""
    free_since: datetime | None
    """Since when one that waits could be taken by anybody. None: there is none, or all are put off."""


class PutBack(Exception):
    """Raised by a handler: somebody else may do this job, or this worker later."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("put back")
        self.wait = wait


async def enqueue(conn: Conn, jobs: Sequence[Job]) -> None:
    """Ask for these. What is in the queue already is not put there twice."""
    if not jobs:
        return
    driver = AsyncpgDriver(cast("Connection", conn))  # a connection of a pool does all that one does
    await _queries(driver).enqueue(
        [job.source for job in jobs],
        [job.payload for job in jobs],
        [_URGENT if job.urgent else _IN_TURN for job in jobs],
        dedupe_key=[job.key for job in jobs],
        on_conflict="skip",
    )


async def waiting(conn: Conn, source: str) -> set[str]:
    """The keys of all jobs that are queued, or that a worker has in hand."""
    rows = await conn.fetch(
        """
        select dedupe_key from pgqueuer
        where entrypoint = $1 and status in ('queued', 'picked') and dedupe_key is not null
        """,
        source,
    )
    return {r["dedupe_key"] for r in rows}


async def withdraw(conn: Conn, keys: Collection[str]) -> None:
    """Ask for these no more, as far as no worker has them in hand."""
    await conn.execute(
        "delete from pgqueuer where status = 'queued' and dedupe_key = any($1::text[])", list(keys)
    )


async def failed(conn: Conn, keys: Collection[str]) -> set[str]:
    """Which of these are held."""
    rows = await conn.fetch(
        "select dedupe_key from pgqueuer where status = 'failed' and dedupe_key = any($1::text[])", list(keys)
    )
    return {r["dedupe_key"] for r in rows}


async def lines(conn: Conn, now: datetime) -> list[Line]:
    """Of each source that has any, by name."""
    rows = await conn.fetch(
        """
        select entrypoint, count(*) filter (where status = 'queued') as waiting,
            count(*) filter (where status = 'picked') as in_hand,
            count(*) filter (where status = 'failed') as held,
            min(created) filter (where status = 'queued') as oldest_at,
            min(greatest(created, execute_after)) filter (
                where status = 'queued' and execute_after <= $1
            ) as free_since
        from pgqueuer group by entrypoint order by entrypoint
        """,
        now,
    )
    return [Line(*r) for r in rows]


async def untaken(conn: Conn, before: datetime) -> list[tuple[str, int, datetime]]:
    """The sources whose requests could have been taken before then and were not: how many, since when."""
    rows = await conn.fetch(
        """
        select entrypoint, count(*), min(greatest(created, execute_after)) from pgqueuer
        where status = 'queued' and greatest(created, execute_after) < $1
        group by entrypoint order by entrypoint
        """,
        before,
    )
    return [tuple(r) for r in rows]


async def held_jobs(conn: Conn, at_most: int | None = None) -> list[HeldJob]:
    """The jobs that failed, oldest first; all of them, or so many."""
    rows = await conn.fetch(
        """
        select q.id, q.dedupe_key, q.entrypoint, q.updated,
            concat_ws(
                ': ', l.traceback ->> 'exception_type', nullif(l.traceback ->> 'exception_message', '')
            ) as said
        from pgqueuer q
        left join lateral (
            select traceback from pgqueuer_log l
            where l.job_id = q.id and l.traceback is not null order by l.id desc limit 1
        ) l on true
        where q.status = 'failed' order by q.id limit $1
        """,
        at_most,
    )
    return [HeldJob(r["id"], r["dedupe_key"] or "", r["entrypoint"], r["updated"], r["said"]) for r in rows]


async def drop_held(conn: Conn, job_ids: Sequence[int] | None) -> int:
    """Forget jobs that failed (None: all); how many there were."""
    done = await conn.execute(
        "delete from pgqueuer where status = 'failed' and ($1::bigint[] is null or id = any($1))", job_ids
    )
    return int(done.split()[-1])


async def tidy(conn: Conn) -> None:
    """Forget how jobs of the last hour before went. What failed is kept as long as its job."""
    await conn.execute(
        """
        delete from pgqueuer_log l where l.created < now() - $1::interval
            and not exists (select from pgqueuer q where q.id = l.job_id and q.status = 'failed')
        """,
        _LOG_KEPT,
    )


class Consumer:
    """Does jobs of some sources, `at_once` of them together."""

    def __init__(
        self,
        dsn: str,
        sources: Collection[str],
        handle: Callable[[str, bytes], Awaitable[None]],
        at_once: int,
        is_paused: Callable[[str], bool],
    ) -> None:
        """`handle` is given the source and the payload. It may raise PutBack; any other error holds the job.
        While `is_paused` of a source, none of its jobs is taken.
        """
        self._dsn = dsn
        self._sources = sources
        self._handle = handle
        self._at_once = at_once
        self._is_paused = is_paused
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
            manager = self._manager = _Manager(_queries(AsyncpgPoolDriver(pool)), channel=_NAMES.channel)
            manager.is_paused, manager.faults = self._is_paused, set()
            if self._stopped:
                return
            for source in self._sources:
                manager.entrypoint(source, on_failure="hold")(self._do)
            with lost(pool, FailingListenerError):
                await manager.run(
                    dequeue_timeout=_LOOK_EVERY,
                    batch_size=max(1, self._at_once // 2),
                    max_concurrent_tasks=max(2, self._at_once),
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


class _Manager(QueueManager):
    """Takes no job of a source that is paused, and holds only those at which their handler failed."""

    is_paused: Callable[[str], bool]
    faults: set[JobId]

    async def log_failure(
        self, job: PgqJob, executor: AbstractEntrypointExecutor, exc: Exception, jbuff: JobStatusLogBuffer
    ) -> None:
        """What could not be put back, with the database away, stays in hand and is given to another."""
        if job.id in self.faults:
            self.faults.discard(job.id)
            await super().log_failure(job, executor, exc, jbuff)

    def entrypoints_below_capacity_limits(self) -> set[QueueEntrypoint]:
        return {name for name in self.entrypoint_registry if not self.is_paused(name)}


def _queries(driver: Driver) -> Queries:
    return Queries(driver, _ENVIRONMENT, QueryQueueBuilder(_NAMES), QuerySchedulerBuilder(_NAMES))
