"""How the monitor works, as figures for Prometheus: counted anew at each scrape, nothing is kept in between.

What is not known has no sample: it is never 0.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from dashboard.asgi.process import WebProcess
from dashboard.asgi.refusals import refusal
from dashboard.asgi.settings import DashboardSettings
from dashboard.auth import access
from dashboard.health.collectors import COLLECTOR_HEALTH_NAMES, CollectorHealth, collector_health
from storage.health.conditions import last_run
from storage.health.metrics import (
    AttemptCount,
    ChangeCount,
    Freshness,
    IncidentMetrics,
    OutboxMetrics,
    change_counts,
    freshness,
    incidents,
    looked,
    outbox,
)
from storage.health.status import Overview, standing
from storage.model.alerts.conditions import ConditionKind
from storage.model.core.accounts import TargetKind
from storage.model.core.people import Scope
from storage.postgres.pool import Conn, StorageError, transaction
from storage.postgres.replica import replica_of
from storage.work.workers import WorkerStatus

WATCHED_WITHIN: Final = timedelta(minutes=5)
"""A notifier looks for issues several times in this time. If it did not, open issues are not known."""
_POSTS: Final = " Posts have targets=“posts” and are in no other sample."
Labelled = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """What one scrape tells of the store."""

    now: datetime
    stand: Overview
    looked: list[AttemptCount]
    fresh: list[Freshness]
    changes: list[ChangeCount]
    incidents: list[IncidentMetrics]
    outbox: OutboxMetrics
    watched_at: datetime | None
    """When a notifier last looked for issues of the monitor itself. None: never."""


async def read_figures(conn: Conn, now: datetime, settings: DashboardSettings) -> MetricsSnapshot:
    return MetricsSnapshot(
        now=now,
        stand=await standing(conn, now, settings.sweep_every),
        looked=await looked(conn, now),
        fresh=await freshness(conn, now),
        changes=await change_counts(conn),
        incidents=await incidents(conn, now),
        outbox=await outbox(conn),
        watched_at=await last_run(conn),
    )


def families(found: MetricsSnapshot, process: WebProcess) -> Iterator[Metric]:
    """Every metric but those of the process that the library itself reads."""
    stand, now, idle = found.stand, found.now, process.pool.get_idle_size()

    def age(at: datetime | None) -> list[float]:
        return [] if at is None else [(now - at).total_seconds()]

    statuses: Counter[tuple[str, ...]] = Counter()
    late: Counter[tuple[str, ...]] = Counter()
    for s in stand.states:
        status = "unconfirmed" if s.state is None else s.state.status.value
        for targets, n, unread in (
            (TargetKind.ACCOUNTS, s.accounts - s.posts, s.late - s.late_posts),
            (TargetKind.POSTS, s.posts, s.late_posts),
        ):
            if n:
                statuses[s.platform.value, targets.value, status] += n
                late[s.platform.value, targets.value] += unread
    yield _gauge(
        "blockline_accounts_watched",
        f"Watched accounts by last confirmed status; “unconfirmed” means that none is confirmed yet.{_POSTS}",
        ("platform", "targets", "status"),
        statuses.items(),
    )
    yield _gauge(
        "blockline_accounts_late",
        f"Watched accounts without a conclusive answer in the last two sweeps.{_POSTS}",
        ("platform", "targets"),
        late.items(),
    )
    yield _gauge(
        "blockline_accounts_never_read",
        f"Watched accounts that never gave a conclusive answer.{_POSTS}",
        ("platform", "targets"),
        [((f.platform, f.targets.value), f.never_read) for f in found.fresh],
    )
    yield _gauge(
        "blockline_oldest_reading_age_seconds",
        f"Longest time since the last reading of a watched account that was ever read.{_POSTS}",
        ("platform", "targets"),
        [((f.platform, f.targets.value), seconds) for f in found.fresh for seconds in age(f.oldest_at)],
    )
    yield _gauge(
        "blockline_readings_last_hour",
        f"Conclusive answers about accounts in the last hour.{_POSTS}",
        ("platform", "targets"),
        [((one.platform, one.targets.value), one.count) for one in found.looked if one.reason is None],
    )
    yield _gauge(
        "blockline_missed_last_hour",
        f"Attempts to read an account that gave no conclusive answer in the last hour.{_POSTS}",
        ("platform", "targets", "reason"),
        [
            ((one.platform, one.targets.value, one.reason), one.count)
            for one in found.looked
            if one.reason is not None
        ],
    )
    yield _gauge(
        "blockline_changes",
        f"Recorded changes of accounts that were not superseded.{_POSTS}",
        ("targets", "kind", "outcome"),
        [((c.targets.value, c.kind, c.outcome), c.changes) for c in found.changes],
    )
    yield _gauge(
        "blockline_incident_open",
        "1 while an incident that reported a block is neither resolved nor closed. 0 for a day after; then "
        "it has no sample.",
        ("incident", "severity"),
        [((one.story_key, one.severity), one.is_open) for one in found.incidents],
    )
    yield from _collectors(found)
    yield from _machines(found)
    yield _gauge("blockline_outbox_waiting", "Emails that wait to be sent.", (), [((), found.outbox.queued)])
    yield _gauge(
        "blockline_outbox_oldest_age_seconds",
        "Age of the email that has waited longest.",
        (),
        [((), seconds) for seconds in age(found.outbox.oldest_queued_at)],
    )
    yield _gauge("blockline_dead_letters", "Emails that failed permanently.", (), [((), found.outbox.dead)])
    yield _gauge(
        "blockline_alerts_undecided",
        "Changes for which no rule has decided yet.",
        (),
        [((), found.outbox.undecided)],
    )
    open_now = [k.condition.key.kind for k in stand.conditions]
    is_watched = found.watched_at is not None and now - found.watched_at <= WATCHED_WITHIN
    yield _gauge(
        "blockline_conditions_open",
        "Open issues of the monitor itself. No sample if no notifier looked for them lately.",
        ("kind",),
        [
            ((kind.value,), open_now.count(kind))
            for kind in ConditionKind
            if is_watched and kind is not ConditionKind.DATABASE_UNUSABLE  # it is never stored
        ],
    )
    yield _gauge(
        "blockline_browsers", "Browser pages connected to this process.", (), [((), len(process.browsers))]
    )
    yield _gauge(
        "blockline_listener_connected",
        "1 if this process receives notifications from the database, 0 if it polls instead.",
        (),
        [((), process.listening)],
    )
    replica = replica_of(process.pool)
    if replica is not None and replica.state is not None:
        yield _gauge(
            "blockline_replica_read",
            "1 if this process could use the replica at its last check, 0 if it reads the primary instead.",
            (),
            [((), replica.state.is_used)],
        )
    yield _gauge(
        "blockline_database_connections",
        "Connections of this process to the database.",
        ("state",),
        [(("idle",), idle), (("busy",), process.pool.get_size() - idle)],
    )


def _collectors(found: MetricsSnapshot) -> Iterator[Metric]:
    names = ("platform", "place", "vantage")
    detectors = [((d.platform.value, d.place, d.vantage), d) for d in found.stand.detectors]
    sweeps = found.stand.late_after
    yield _gauge(
        "blockline_collector_state",
        "State of each collector: 1 for its present state, 0 for all others.",
        (*names, "state"),
        [
            ((*key, COLLECTOR_HEALTH_NAMES[one]), one is collector_health(d, found.now, sweeps))
            for key, d in detectors
            for one in CollectorHealth
        ],
    )
    yield _gauge(
        "blockline_collector_answer_age_seconds",
        "Time since the last answer to a collector that was believed.",
        names,
        [
            (key, (found.now - d.last_answered_at).total_seconds())
            for key, d in detectors
            if d.last_answered_at is not None
        ],
    )


def _machines(found: MetricsSnapshot) -> Iterator[Metric]:
    machines = found.stand.machines
    yield _gauge(
        "blockline_workers",
        "Workers that reported in the last minute, by source and state.",
        ("source", "state"),
        [
            ((source, status.value), [w.status_for(source, found.now) for w in readers].count(status))
            for source in sorted({source for w in machines.workers for source in w.sources})
            for readers in [[w for w in machines.workers if source in w.sources]]
            for status in WorkerStatus
        ],
    )
    yield _gauge(
        "blockline_queue_requests",
        "Requests in the queue, by state: waiting, in progress (in_hand) or parked after a fault (held).",
        ("source", "state"),
        [
            ((line.source, state), n)
            for line in (queue.line for queue in machines.queues)
            for state, n in (("waiting", line.waiting), ("in_hand", line.in_hand), ("held", line.held))
        ],
    )
    yield _gauge(
        "blockline_queue_oldest_age_seconds",
        "Age of the request that has waited longest for a worker.",
        ("source",),
        [
            ((queue.line.source,), (found.now - queue.line.oldest_at).total_seconds())
            for queue in machines.queues
            if queue.line.oldest_at is not None
        ],
    )


def _gauge(name: str, said: str, labels: tuple[str, ...], samples: Iterable[Labelled]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


class ScrapeCollector(Collector):
    """Hands over what was read for one scrape."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(found: MetricsSnapshot, process: WebProcess) -> bytes:
    """The text of one scrape, from a registry of its own."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(ScrapeCollector(list(families(found, process))))
    return generate_latest(registry)


def metric_routes(process: WebProcess) -> APIRouter:
    router = APIRouter()

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        try:
            access.require_scope(access.actor_of(request), Scope.READ)
            async with transaction(process.pool) as conn:
                found = await read_figures(conn, process.clock(), process.settings)
        except access.Forbidden as error:
            return refusal(403, str(error))
        except StorageError as error:
            return refusal(503, str(error))
        return Response(exposition(found, process), media_type=CONTENT_TYPE_LATEST)

    return router
