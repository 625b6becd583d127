"""The processes that read, on any number of machines, as each last reported itself, and those that plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from asyncpg import Record
from pydantic import TypeAdapter

from storage.model.core.accounts import Platform
from storage.model.core.shards import MOST_SHARDS, WHOLE, Shard
from storage.postgres.pool import Conn
from storage.postgres.process_name import APPLICATION

HEARD_WITHIN = timedelta(seconds=15)
"""A worker reports itself more often. Of one that did not, nobody knows whether it still works."""
MOST_CLOCK_OFF = timedelta(seconds=1)
"""A machine whose clock is further off than that reads nothing."""


class WorkerStatus(StrEnum):
    """What a worker does, as far as it was heard."""

    READS = "reads"
    PAUSES = "pauses"
    """Something stands in its way alone, and it makes no requests for a while."""
    CLOCK_OFF = "clock_off"
    """It reads nothing, because what it would read could not be dated."""
    UNHEARD = "unheard"
    """It did not report itself lately."""


@dataclass(frozen=True, slots=True)
class SourcePause:
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
    """What it can read; see `storage.model.core.platform_request.source_name`."""
    started_at: datetime
    """This and `seen_at` by its own clock."""
    seen_at: datetime
    clock_off: timedelta
    """How far that is ahead of the database's."""
    paused: Mapping[str, SourcePause] = field(default_factory=dict[str, SourcePause])
    """The sources that it takes no requests of for a while, because of what it alone meets there."""

    def answers_for(self, source: str, now: datetime) -> bool:
        """Whether it makes requests to a source now, as far as is known."""
        pause = self.paused.get(source)
        return source in self.sources and self.is_on_time and (pause is None or pause.until <= now)

    @property
    def heard_at(self) -> datetime:
        """When it last reported itself, by the database's clock."""
        return self.seen_at - self.clock_off

    @property
    def running_since(self) -> datetime:
        """When it was started, by the database's clock."""
        return self.started_at - self.clock_off

    def status_for(self, source: str, now: datetime) -> WorkerStatus:
        """What it does about one of its sources."""
        if now - self.heard_at > HEARD_WITHIN:
            return WorkerStatus.UNHEARD
        if not self.is_on_time:
            return WorkerStatus.CLOCK_OFF
        return WorkerStatus.READS if self.answers_for(source, now) else WorkerStatus.PAUSES

    def overall_status(self, now: datetime) -> WorkerStatus:
        """What it does about all of them: it pauses when there is none that it reads."""
        found = {self.status_for(source, now) for source in self.sources}
        return WorkerStatus.READS if WorkerStatus.READS in found or not found else found.pop()

    @property
    def is_on_time(self) -> bool:
        """Whether what it reads can be dated."""
        return abs(self.clock_off) <= MOST_CLOCK_OFF


_PAUSES = TypeAdapter(dict[str, SourcePause])


async def report(conn: Conn, worker: Worker) -> None:
    """A worker is there."""
    await conn.execute(
        """
        insert into worker (worker_id, name, address, sources, started_at, seen_at, clock_off, paused)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (worker_id) do update
        set started_at = excluded.started_at, seen_at = excluded.seen_at,
            clock_off = excluded.clock_off, paused = excluded.paused
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


async def one_pauses(conn: Conn, source: str) -> None:
    """Until the transaction ends, nobody else decides whether to pause a source: of several that meet the
    same at once, the last one sees that the others pause.
    """
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('blockline pauses ' || $1, 0))", source)


async def leave(conn: Conn, worker_id: UUID) -> None:
    """A worker has ended."""
    await conn.execute("delete from worker where worker_id = $1", worker_id)


async def forget_unheard(conn: Conn, for_so_long: timedelta) -> None:
    """So have those of which nothing was heard for so long, by the database's clock and not by theirs."""
    await conn.execute(
        "delete from worker where seen_at - clock_off < clock_timestamp() - $1::interval", for_so_long
    )


async def heard_of(conn: Conn, since: datetime) -> list[Worker]:
    """Those that reported themselves since then by the database's clock, be theirs right or not; by name."""
    rows = await conn.fetch(
        """
        select worker_id, name, address, sources, started_at, seen_at, clock_off, paused
        from worker where seen_at - clock_off >= $1 order by name, worker_id
        """,
        since,
    )
    return [_worker(r) for r in rows]


def _worker(row: Record) -> Worker:
    return Worker(
        row["worker_id"],
        row["name"],
        row["address"],
        tuple(row["sources"]),
        row["started_at"],
        row["seen_at"],
        row["clock_off"],
        _PAUSES.validate_json(row["paused"]),
    )


def planning_lock(platform: Platform, shard: int = 0) -> str:
    """The lock (`storage.postgres.locks.exclusive`) of the one process that plans the reading of a shard of a
    platform. Shards count from 0; the first has the name that the lock had before there were shards.
    """
    return f"monitor of {platform.value}" + (f" shard {shard + 1}" if shard else "")


@dataclass(frozen=True, slots=True)
class PlatformLeader:
    """The process that holds that lock."""

    name: str
    """As far as the database keeps it: 63 characters with what begins it."""
    heard_at: datetime | None
    """When it last reported itself as a worker, by the database's clock; None: no report is on record."""
    shard: Shard = WHOLE

    def unheard_since(self, now: datetime, unheard_for: timedelta) -> datetime | None:
        """When it was last heard of, if that is longer ago; of one that never was nothing is known."""
        return self.heard_at if self.heard_at is not None and now - self.heard_at > unheard_for else None


async def platform_leaders(conn: Conn) -> dict[Platform, list[PlatformLeader]]:
    """By platform, in the order of their shards; platforms and shards that nobody plans are left out."""
    names = [(platform, shard) for platform in Platform for shard in range(MOST_SHARDS)]
    rows = await conn.fetch(
        """
        select p.platform, p.shard, coalesce(s.in_force, 1) as shards, a.application_name, (
            select max(w.seen_at - w.clock_off) from worker w
            where left($4 || w.name, 63) = a.application_name
        ) as heard_at
        from unnest($1::text[], $2::integer[], $3::text[]) as p (platform, shard, lock)
        left join platform_shards s using (platform)
        join pg_locks l
            on ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('blockline ' || p.lock, 0)
        join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
            and p.shard < coalesce(s.in_force, 1)
        order by p.platform, p.shard
        """,
        [platform.value for platform, _ in names],
        [shard for _, shard in names],
        [planning_lock(platform, shard) for platform, shard in names],
        APPLICATION,
    )
    found: dict[Platform, list[PlatformLeader]] = {}
    for r in rows:
        name = r["application_name"].removeprefix(APPLICATION)
        leader = PlatformLeader(name, r["heard_at"], Shard(r["shard"], r["shards"]))
        found.setdefault(Platform(r["platform"]), []).append(leader)
    return found


async def database_now(conn: Conn) -> datetime:
    """The clock that all machines share."""
    return await conn.fetchval("select clock_timestamp()")
