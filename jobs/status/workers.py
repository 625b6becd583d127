"""Workers, the queue and parked requests, as JSON and as text for a terminal."""

from collections.abc import Sequence
from datetime import datetime

from dashboard.health import worker_words
from dashboard.health.words import counted_as
from dashboard.health.worker_words import WORKER_STATUS
from jobs.base.output import moment
from jobs.base.wording import number
from storage.health.worker_checks import worker_checks
from storage.health.workers_report import Queue, WorkersReport
from storage.model.alerts.conditions import ConditionKind
from storage.model.limits.rate_limits import BudgetBasis, NamedBudget
from storage.model.text.collectors import source_words, why_words
from storage.model.text.states import clean
from storage.model.text.units import clock_words
from storage.work.request_queue import FailedJob
from storage.work.workers import Worker, WorkerStatus

_LINES = {ConditionKind.PLANNER_UNHEARD: "Leader", ConditionKind.REQUESTS_HELD: "Parked"}


def machines_json(found: WorkersReport, now: datetime) -> dict[str, object]:
    """Return workers, queues and parked requests; of these the oldest, at most a hundred."""
    return {
        "workers": [worker_json(worker, now) for worker in found.workers],
        "queue": [_queue_json(queue) for queue in found.queues],
        "held": [held_json(job) for job in found.held],
    }


def worker_json(worker: Worker, now: datetime) -> dict[str, object]:
    return {
        "worker": str(worker.worker_id),
        "name": worker.name,
        "address": worker.address,
        "state": worker.overall_status(now).value,
        "since": worker.running_since.isoformat(),
        "heard_at": worker.heard_at.isoformat(),
        "clock_off_s": round(worker.clock_off.total_seconds(), 3),
        "reads": [
            {
                "source": source,
                "state": worker.status_for(source, now).value,
                **_pause_json(worker, source, now),
            }
            for source in worker.sources
        ],
    }


def _pause_json(worker: Worker, source: str, now: datetime) -> dict[str, object]:
    pause = worker.paused.get(source)
    if pause is None or pause.until <= now:
        return {"until": None, "reason": None, "detail": None}
    return {"until": pause.until.isoformat(), "reason": pause.reason, "detail": pause.detail}


def _queue_json(queue: Queue) -> dict[str, object]:
    line = queue.line
    return {
        "source": line.source,
        "planned_by": queue.planner,
        "planner_unheard_since": queue.unheard_since and queue.unheard_since.isoformat(),
        "waiting": line.waiting,
        "in_hand": line.in_hand,
        "held": line.held,
        "oldest_at": line.oldest_at and line.oldest_at.isoformat(),
    }


def held_json(job: FailedJob) -> dict[str, object]:
    return {
        "id": job.job_id,
        "source": job.source,
        "request": job.key,
        "since": job.since.isoformat(),
        "said": job.said,
    }


def budget_json(one: NamedBudget, now: datetime) -> dict[str, object]:
    """Return the request limit of a token or an address. Values that the platform did not state are null."""
    basis = one.budget.basis_at(now)
    is_counted = basis is BudgetBasis.COUNTED
    return {
        "platform": one.platform.value,
        "counted_as": counted_as(one),
        "basis": basis.value,
        "left": one.budget.left_over if is_counted else None,
        "of": one.budget.most if is_counted else None,
        "until": one.budget.until.isoformat() if is_counted else None,
        "asked_at": one.taken_at.isoformat(),
    }


def machine_lines(found: WorkersReport, now: datetime) -> list[tuple[str, str]]:
    """Return lines for `status` if there are several workers, one does not read, or requests are parked."""
    statuses = [worker.overall_status(now) for worker in found.workers]
    lines: list[tuple[str, str]] = []
    if len(statuses) > 1 or any(one is not WorkerStatus.READS for one in statuses):
        counts = [(n, WORKER_STATUS[one]) for one in WorkerStatus if (n := statuses.count(one))]
        waiting = sum(queue.line.waiting for queue in found.queues)
        in_hand = sum(queue.line.in_hand for queue in found.queues)
        each = ", ".join(f"{n} {what}" for n, what in counts)
        lines.append(
            (
                "Workers",
                f"{each}; {number(waiting, 'request')} in the queue, {in_hand:,} in progress "
                "(blockline workers)",
            )
        )
    return lines + [
        (name, f"since {moment(one.since)}: {one.sentence} (blockline workers)")
        for one in worker_checks(found, now)
        if (name := _LINES.get(one.key.kind)) is not None
    ]


def worker_row(worker: Worker, now: datetime) -> tuple[str, ...]:
    return (
        worker_words.named(worker),
        clean(worker.address, 80),
        worker_words.reads(worker.sources),
        moment(worker.running_since),
        f"{worker.heard_at:%H:%M:%S} UTC",
        clock_words(worker.clock_off),
        "; ".join([WORKER_STATUS[worker.overall_status(now)], *_pauses(worker, now)]),
    )


def _pauses(worker: Worker, now: datetime) -> Sequence[str]:
    return [
        f"{source_words(source)} paused until {moment(worker.paused[source].until)}: "
        f"{why_words(worker.paused[source].reason)}"
        for source in worker.sources
        if worker.status_for(source, now) is WorkerStatus.PAUSES
    ]
