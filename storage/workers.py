"""The processes that read, on any number of machines, as each last reported itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import TypeAdapter

from storage.db import Conn

MOST_CLOCK_OFF = timedelta(seconds=1)
"""A machine whose clock is further off than that reads nothing."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when a worker asks nothing, and why."""

    until: datetime
    reason: str
    detail: str


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
    paused: Mapping[str, Pause] = field(default_factory=dict[str, Pause])
    """The sources that it takes no requests of for a while, because a platform refuses it alone."""

    def answers_for(self, source: str, now: datetime) -> bool:
        """Whether it makes requests to a source now, as far as is known."""
        pause = self.paused.get(source)
        return source in self.sources and self.is_on_time and (pause is None or pause.until <= now)

    @property
    def is_on_time(self) -> bool:
        """Whether what it reads can be dated."""
        return abs(self.clock_off) <= MOST_CLOCK_OFF


_PAUSES = TypeAdapter(dict[str, Pause])


async def report(conn: Conn, worker: Worker) -> None:
    """A worker is there."""
    await conn.execute(
        """
        insert into worker (worker_id, name, address, sources, started_at, seen_at, clock_off, paused)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (worker_id) do update
        set seen_at = excluded.seen_at, clock_off = excluded.clock_off, paused = excluded.paused
        """,
        worker.worker_id,
        worker.name,
        worker.address,
        list(worker.sources),
        worker.started_at,
        worker.seen_at,
        worker.clock_off,
        _PAUSES.dump_json(dict(worker.paused)).decode(),
    )


async def leave(conn: Conn, worker_id: UUID, forgotten_before: datetime) -> None:
    """A worker has ended; so have those of which nothing was heard since `forgotten_before`."""
    await conn.execute("delete from worker where worker_id = $1 or seen_at < $2", worker_id, forgotten_before)


async def workers(conn: Conn, seen_since: datetime) -> list[Worker]:
    """Those that reported themselves since then, by name."""
    rows = await conn.fetch(
        """
        select worker_id, name, address, sources, started_at, seen_at, clock_off, paused
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
            _PAUSES.validate_json(r["paused"]),
        )
        for r in rows
    ]


async def database_now(conn: Conn) -> datetime:
    """The clock that all machines share."""
    return await conn.fetchval("select clock_timestamp()")
