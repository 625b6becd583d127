# pyright: reportMissingTypeStubs=false
"""The queue of requests that any machine may make. PgQueuer ends here and in `storage.work.queue_consumer`.

A job is given to one worker at a time, and again to another when its worker dies: at least once. What is
stored of it is stored once, by the keys of `storage.work.pending_answers` and of coverage.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import TableChangedEvent, utc_now
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver

from storage.postgres.pool import Conn, Connection

NAMES: Final = DBSettings(
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
TABLES: Final = QueryBuilderEnvironment(NAMES).build_install_query(create_schema=False)
"""PgQueuer's own statements that make its tables, for a migration. They are not logged: what is lost in a
crash of the database is asked anew.
"""

_LOG_KEPT: Final = timedelta(hours=1)
_URGENT, _IN_TURN = 1, 0

logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)  # whoever works says what failed, in a sentence


@dataclass(frozen=True, slots=True)
class QueueJob:
    """A request to be made. `key` is the same for each repeat; `source` says who can make it."""

    key: str
    source: str
    payload: bytes
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A request at which a worker failed by a fault of ours. It is kept until somebody looks at it."""

    job_id: int
    key: str
    source: str
    since: datetime
    said: str


@dataclass(frozen=True, slots=True)
class QueueBacklog:
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


def queries(driver: Driver, source: str) -> Queries:
    """PgQueuer's statements. What they notify of goes to the workers of one source."""
    names = NAMES.model_copy(update={"channel": channel(source)})
    return Queries(
        driver, QueryBuilderEnvironment(names), QueryQueueBuilder(names), QuerySchedulerBuilder(names)
    )


def channel(source: str) -> Channel:
    """Where the workers of a source listen: that of PgQueuer's trigger would wake those of all sources."""
    return Channel(f"{NAMES.channel}.{source.replace(' ', '.')}")


async def wake(conn: Conn, source: str) -> None:
    """Have the workers of a source look into the queue when the transaction is committed."""
    changed = TableChangedEvent(
        type="table_changed_event",
        channel=channel(source),
        sent_at=utc_now(),
        operation="insert",
        table=NAMES.queue_table,
    )
    await conn.execute("select pg_notify($1, $2)", changed.channel, changed.model_dump_json())


async def enqueue(conn: Conn, jobs: Sequence[QueueJob]) -> None:
    """Ask for these. What is in the queue already is not put there twice."""
    if not jobs:
        return
    driver = AsyncpgDriver(cast("Connection", conn))  # a connection of a pool does all that one does
    await queries(driver, jobs[0].source).enqueue(
        [job.source for job in jobs],
        [job.payload for job in jobs],
        [_URGENT if job.urgent else _IN_TURN for job in jobs],
        dedupe_key=[job.key for job in jobs],
        on_conflict="skip",
    )
    for source in {job.source for job in jobs}:
        await wake(conn, source)


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


async def withdraw(conn: Conn, keys: Collection[str]) -> set[str]:
    """Ask for these no more, as far as no worker has them in hand; which of them those are."""
    rows = await conn.fetch(
        "delete from pgqueuer where status = 'queued' and dedupe_key = any($1::text[]) returning dedupe_key",
        list(keys),
    )
    return {r["dedupe_key"] for r in rows}


async def failed(conn: Conn, keys: Collection[str]) -> set[str]:
    """Which of these are held."""
    rows = await conn.fetch(
        "select dedupe_key from pgqueuer where status = 'failed' and dedupe_key = any($1::text[])", list(keys)
    )
    return {r["dedupe_key"] for r in rows}


async def lines(conn: Conn, now: datetime) -> list[QueueBacklog]:
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
    return [QueueBacklog(*r) for r in rows]


async def held_jobs(conn: Conn, at_most: int | None = None) -> list[FailedJob]:
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
    return [FailedJob(r["id"], r["dedupe_key"] or "", r["entrypoint"], r["updated"], r["said"]) for r in rows]


async def drop_held(conn: Conn, job_ids: Sequence[int] | None) -> int:
    """Forget jobs that failed (None: all); how many there were."""
    done = await conn.execute(
        "delete from pgqueuer where status = 'failed' and ($1::bigint[] is null or id = any($1))", job_ids
    )
    return int(done.split()[-1])


async def tidy(conn: Conn, for_so_long: timedelta) -> None:
    """Forget how jobs of the last hour before went. What failed is kept as long as its job.

    Forget as well the jobs, but for those that failed, that gave no sign for so long and whose source no
    worker reads any more: who plans a source reads it, so nobody waits for them.
    """
    await conn.execute(
        """
        delete from pgqueuer q where q.status <> 'failed' and q.heartbeat < now() - $1::interval
            and not exists (select from worker w where q.entrypoint = any(w.sources))
        """,
        for_so_long,
    )
    await conn.execute(
        """
        delete from pgqueuer_log l where l.created < now() - $1::interval
            and not exists (select from pgqueuer q where q.id = l.job_id and q.status = 'failed')
        """,
        _LOG_KEPT,
    )
