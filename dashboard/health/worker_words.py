"""Workers, their queue and parked requests in words, and what a person can do about each."""

from collections.abc import Iterable
from datetime import datetime

from dashboard.health.words import WELL, HealthVerdict, told_of
from dashboard.ui import words
from storage.health.worker_checks import ABOUT_MACHINES, ABOUT_QUEUES, worker_checks
from storage.health.workers_report import WorkersReport
from storage.model.core.availability import MissedReason
from storage.model.text.collectors import WAIT, source_words, why_words
from storage.model.text.states import clean
from storage.model.text.units import clock_words
from storage.work.request_queue import FailedJob
from storage.work.workers import Worker, WorkerStatus

WORKER_STATUS = {
    WorkerStatus.READS: "OK",
    WorkerStatus.PAUSES: "Paused",
    WorkerStatus.CLOCK_OFF: "Failing",
    WorkerStatus.UNHEARD: "Silent",
}


def named(worker: Worker) -> str:
    return clean(worker.name, 80)


def reads(sources: Iterable[str]) -> str:
    return ", ".join(source_words(source) for source in sources)


def worker_status(worker: Worker, now: datetime) -> tuple[str, list[str]]:
    """What a worker does, and the lines that explain it."""
    found = worker.overall_status(now)
    match found:
        case WorkerStatus.UNHEARD:
            return WORKER_STATUS[found], [f"no report since {words.exact(worker.heard_at)}"]
        case WorkerStatus.CLOCK_OFF:
            return WORKER_STATUS[found], [
                f"reads nothing because its clock is {clock_words(worker.clock_off)}"
            ]
        case _:
            return WORKER_STATUS[found], [
                line for source in worker.sources for line in _pause(worker, source, now)
            ]


def _pause(worker: Worker, source: str, now: datetime) -> list[str]:
    if worker.status_for(source, now) is not WorkerStatus.PAUSES:
        return []
    pause = worker.paused[source]
    said = [f"“{clean(pause.detail, 200)}”"] if pause.detail else []
    until = words.stamp(pause.until)
    return [f"{source_words(source)} paused until {until}: {why_words(pause.reason)}", *said]


def workers_verdict(found: WorkersReport, now: datetime) -> HealthVerdict:
    """About the worst of what was heard of them."""
    if (verdict := told_of(worker_checks(found, now), ABOUT_MACHINES)) is not WELL:
        return verdict
    if unheard := [w for w in found.workers if w.overall_status(now) is WorkerStatus.UNHEARD]:
        return HealthVerdict(
            f"No recent report from {', '.join(map(named, unheard))}.",
            "If other workers read the same source, they make the requests instead. Check on that host that "
            "the command “blockline run” is running and reaches the database.",
        )
    pauses = [(w, s) for w in found.workers for s in w.sources if _is_unreached(w, s, now)]
    if pauses:
        worker, source = pauses[0]
        return HealthVerdict(
            f"{named(worker)} cannot reach {source_words(source)}.",
            f"Other workers make its requests. {WAIT}",
        )
    return WELL


def _is_unreached(worker: Worker, source: str, now: datetime) -> bool:
    is_paused = worker.status_for(source, now) is WorkerStatus.PAUSES
    return is_paused and worker.paused[source].reason == MissedReason.NETWORK


def no_worker_verdicts(found: WorkersReport) -> list[HealthVerdict]:
    """The verdict when no worker has reported; none while a leader plans, because it may be busy."""
    if any(queue.planner for queue in found.queues):
        return []
    return [
        HealthVerdict(
            "As far as is known, no worker is running.",
            "Start one with the command “blockline run --role collect”.",
        )
    ]


def queue_verdict(found: WorkersReport, now: datetime) -> HealthVerdict:
    """About sources without a working leader, and those whose requests no worker takes."""
    if (verdict := told_of(worker_checks(found, now), ABOUT_QUEUES)) is not WELL:
        return verdict
    heard = {s for w in found.workers for s in w.sources if w.status_for(s, now) is not WorkerStatus.UNHEARD}
    wanted = heard | {q.line.source for q in found.queues if q.line.waiting or q.line.in_hand}
    unplanned = [q.line.source for q in found.queues if q.planner is None and q.line.source in wanted]
    if unplanned:
        return HealthVerdict(
            f"No leader plans the readings of {reads(unplanned)}.",
            "A worker takes over within seconds. If none does, read the log of the command “blockline run”, "
            "or start the command if it is not running.",
        )
    for queue in found.queues:
        if queue.unled and queue.line.source in wanted:
            return HealthVerdict(
                f"{queue.unled} of {queue.shards} shards of {reads([queue.line.source])} have no leader.",
                "A worker takes them within seconds. If none does, start another one with the command "
                "“blockline run --role collect”.",
            )
    if not heard:
        return HealthVerdict(unproved="No data: no worker has reported lately.")
    return WELL


def failed_request(job: FailedJob) -> str:
    """What went wrong at a request, as the worker said it."""
    return clean(job.said, 300) if job.said else "no error was recorded"
