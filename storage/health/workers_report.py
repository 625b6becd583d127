"""Read model of the work that several processes share: who reads and plans, what waits, what is held."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import Platform
from storage.model.core.platform_request import source_name
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
    """The process that says what is read; None: none does."""
    line: QueueBacklog
    unheard_since: datetime | None = None
    """When that process last reported itself, if that is more than `SHOWN_FOR` ago."""
    heard_at: datetime | None = None
    """When it last reported itself; None: no report of it is on record."""


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
    planners: Mapping[Platform, PlatformLeader],
    lines: Iterable[QueueBacklog],
    now: datetime,
) -> list[Queue]:
    found = {
        source: QueueBacklog(source, 0, 0, 0, None, None) for worker in workers for source in worker.sources
    }
    for platform in planners:
        found.setdefault(source_name(platform), QueueBacklog(source_name(platform), 0, 0, 0, None, None))
    found |= {line.source: line for line in lines}
    planned_by = {platform.value: planner for platform, planner in planners.items()}
    queues: list[Queue] = []
    for source, line in sorted(found.items()):
        planner = planned_by.get(source.split(" ")[0])
        if planner is None:
            queues.append(Queue(None, line))
        else:
            queues.append(Queue(planner.name, line, planner.unheard_since(now, SHOWN_FOR), planner.heard_at))
    return queues
