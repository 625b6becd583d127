"""Read model of the work that several processes share: who reads and plans, what waits, what is held."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import Platform
from storage.model.core.platform_request import source_name
from storage.model.core.shards import Shard
from storage.postgres.pool import Conn
from storage.work.request_queue import FailedJob, QueueBacklog, held_jobs, lines
from storage.work.workers import PlatformLeader, Worker, heard_of, platform_leaders

SHOWN_FOR = timedelta(minutes=1)
"""Workers of which nothing was heard for longer are not told of any more: most of them just ended."""
FAILED_JOBS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Queue:
    """What becomes of the requests of one source."""

    planner: str | None
    """The process that says what is read; None: none does. Where the accounts are divided into shards, each
    process with its shards.
    """
    line: QueueBacklog
    unheard_since: datetime | None = None
    """When that process last reported itself, if that is more than `SHOWN_FOR` ago."""
    heard_at: datetime | None = None
    """When it last reported itself; None: no report of it is on record."""
    shards: int = 1
    """Into how many shards the accounts are divided, as far as a leader is known."""
    unled: int = 0
    """How many of them have no leader, while others have one."""


@dataclass(frozen=True, slots=True)
class WorkersReport:
    """What was reported, and nothing about who did not report."""

    workers: tuple[Worker, ...]
    """Each process that reads and reported itself lately, by name."""
    queues: tuple[Queue, ...]
    """Of each source that somebody reads or plans, or of which requests are there, by name."""
    held: tuple[FailedJob, ...]
    """Requests at which a worker failed by a fault of ours, the oldest first: `FAILED_JOBS_SHOWN` at most."""

    @property
    def held_in_all(self) -> int:
        return sum(queue.line.held for queue in self.queues)


async def machines(conn: Conn, now: datetime) -> WorkersReport:
    workers = await heard_of(conn, now - SHOWN_FOR)
    queues = _queues(workers, await platform_leaders(conn), await lines(conn, now), now)
    return WorkersReport(tuple(workers), tuple(queues), tuple(await held_jobs(conn, FAILED_JOBS_SHOWN)))


def _queues(
    workers: Iterable[Worker],
    planners: Mapping[Platform, Sequence[PlatformLeader]],
    lines: Iterable[QueueBacklog],
    now: datetime,
) -> list[Queue]:
    found = {
        source: QueueBacklog(source, 0, 0, 0, None, None) for worker in workers for source in worker.sources
    }
    for platform in planners:
        found.setdefault(source_name(platform), QueueBacklog(source_name(platform), 0, 0, 0, None, None))
    found |= {line.source: line for line in lines}
    planned_by = {platform.value: leaders for platform, leaders in planners.items()}
    return [
        _queue(line, planned_by.get(source.split(" ")[0], ()), now) for source, line in sorted(found.items())
    ]


def _queue(line: QueueBacklog, leaders: Sequence[PlatformLeader], now: datetime) -> Queue:
    if not leaders:
        return Queue(None, line)
    unheard = [at for leader in leaders if (at := leader.unheard_since(now, SHOWN_FOR)) is not None]
    heard = [leader.heard_at for leader in leaders if leader.heard_at is not None]
    shards = leaders[0].shard.count
    return Queue(
        _names(leaders),
        line,
        min(unheard, default=None),
        min(heard, default=None),
        shards,
        shards - len(leaders),
    )


def _names(leaders: Sequence[PlatformLeader]) -> str:
    """Such as `desk 17 (shard 1 of 2), none (shard 2 of 2)`; the name alone if there is one shard."""
    count = leaders[0].shard.count
    if count == 1:
        return leaders[0].name
    names = {leader.shard.index: leader.name for leader in leaders}
    return ", ".join(f"{names.get(i, 'none')} ({Shard(i, count)})" for i in range(count))
