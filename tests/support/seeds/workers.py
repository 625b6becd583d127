"""Machines that read, of which one pauses and one is not heard of; a queue, and a request that is held."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from storage.model.core.accounts import Platform
from storage.model.limits.rate_limits import UNPACED, Granted, Stated
from storage.postgres.pool import Conn, Pool, borrowed, transaction
from storage.work import rate_limits, workers
from storage.work.workers import SourcePause, Worker
from tests.support.samples.readings import MINUTE

SECOND = timedelta(seconds=1)
RIGHT = timedelta(0)
FAULT = "KeyError: 'platform'"


async def report(
    conn: Conn,
    name: str,
    now: datetime,
    *,
    sources: tuple[str, ...] = ("x", "bluesky"),
    heard: timedelta = 2 * SECOND,
    off: timedelta = RIGHT,
    paused: Mapping[str, SourcePause] | None = None,
    address: str = "office",
) -> UUID:
    """A process that last reported itself `heard` ago, with a clock that is `off`."""
    worker = Worker(
        uuid4(), name, address, sources, now - 90 * MINUTE + off, now - heard + off, off, paused or {}
    )
    await workers.report(conn, worker)
    return worker.worker_id


async def put(
    conn: Conn,
    source: str,
    at: datetime,
    status: str = "queued",
    *,
    key: str | None = None,
    not_before: datetime | None = None,
) -> int:
    """A request in the queue since `at`."""
    return await conn.fetchval(
        """
        insert into pgqueuer (
            priority, created, updated, heartbeat, execute_after, status, entrypoint, dedupe_key
        )
        values (0, $1, $1, $1, $2, $3, $4, $5) returning id
        """,
        at,
        not_before or at,
        status,
        source,
        key or f"{uuid4()}",
    )


async def hold(conn: Conn, source: str, at: datetime, said: str = FAULT, key: str | None = None) -> int:
    """A request at which a machine failed at `at`."""
    job_id = await put(conn, source, at, "failed", key=key)
    kind, _, message = said.partition(": ")
    await conn.execute(
        """
        insert into pgqueuer_log (created, job_id, status, priority, entrypoint, traceback)
        values ($1, $2, 'failed', 0, $3, $4::text::jsonb)
        """,
        at,
        job_id,
        source,
        json.dumps({"exception_type": kind, "exception_message": message}),
    )
    return job_id


async def three_machines(pool: Pool, now: datetime) -> None:
    """What the Health page has to say about a busy installation in which not all is well."""
    refused = SourcePause(now + 10 * MINUTE, "rate_limited", "429 Too Many Requests")
    async with transaction(pool) as conn:
        await report(conn, "amber 4711", now)
        await report(conn, "birch 812", now, paused={"x": refused}, address="branch")
        await report(conn, "cedar 3022", now, sources=("bluesky from tr",), heard=30 * SECOND)
        for n in range(12):
            await put(conn, "x", now - n * SECOND)
        for n in range(4):
            await put(conn, "bluesky", now - n * SECOND, "picked")
        await hold(conn, "x", now - 40 * MINUTE)
    async with borrowed(pool) as conn:
        for name, left in (("x 1f0c2b7a9d3e users", 212), ("bluesky from office public.api app.bsky", 2_871)):
            granted = await rate_limits.take(conn, name, Platform(name.split(" ")[0]), now, UNPACED)
            assert isinstance(granted, Granted)
            stated = Stated(3_000 if left > 300 else 300, left, now + 4 * MINUTE)
            await rate_limits.note(conn, name, Platform(name.split(" ")[0]), granted.number, stated, now)
