"""The processes that read, on any number of machines, as each last reported itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from storage.db import Conn


@dataclass(frozen=True, slots=True)
class Worker:
    """One process that makes requests."""

    worker_id: UUID
    name: str
    """Its machine and process, for people."""
    address: str
    """What the platforms count its requests by: machines that go out by one address share a name."""
    sources: tuple[str, ...]
    """What it can read; see `storage.model.questions.source_name`."""
    started_at: datetime
    seen_at: datetime
    clock_off: timedelta
    """How far its clock is ahead of the database's."""


async def report(conn: Conn, worker: Worker) -> None:
    """A worker is there."""
    await conn.execute(
        """
        insert into worker (worker_id, name, address, sources, started_at, seen_at, clock_off)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (worker_id) do update set seen_at = excluded.seen_at, clock_off = excluded.clock_off
        """,
        worker.worker_id,
        worker.name,
        worker.address,
        list(worker.sources),
        worker.started_at,
        worker.seen_at,
        worker.clock_off,
    )


async def leave(conn: Conn, worker_id: UUID, forgotten_before: datetime) -> None:
    """A worker has ended; so have those of which nothing was heard since `forgotten_before`."""
    await conn.execute("delete from worker where worker_id = $1 or seen_at < $2", worker_id, forgotten_before)


async def workers(conn: Conn, seen_since: datetime) -> list[Worker]:
    """Those that reported themselves since then, by name."""
    rows = await conn.fetch(
        """
        select worker_id, name, address, sources, started_at, seen_at, clock_off
        from worker where seen_at >= $1 order by name, worker_id
        """,
        seen_since,
    )
    return [
        Worker(
            r["worker_id"],
            r["name"],
            r["address"],
            tuple(r["sources"]),
            r["started_at"],
            r["seen_at"],
            r["clock_off"],
        )
        for r in rows
    ]


async def database_now(conn: Conn) -> datetime:
    """The clock that all machines share."""
    return await conn.fetchval("select clock_timestamp()")
